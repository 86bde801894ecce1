"""What is made here begins texts and conversations with the end of text, once, whoever makes tokens of them."""

from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models
from tokenizers.processors import TemplateProcessing

from kernels.documents.conversations import conversation
from kernels.documents.schema import document_table
from kernels.models.formats.chats import beginning, chat_encoder, text_encoder
from kernels.specs.families import specs
from kernels.specs.sources import Document
from kernels.specs.tokenizers import TokenizerMethod
from kernels.specs.turns import Turn
from kernels.tokens.content import END_OF_TEXT, TextEncoder
from kernels.tokens.shards import encode_documents
from kernels.tokens.tokenizer_files import CHAT_ML, CHAT_TEMPLATE_WITHOUT_MARKS, control_tokens, read_tokenizer, usual_template, write_tokenizer

TRAINED = [name for name, spec in specs("tokenizers").items() if isinstance(spec, TokenizerMethod)]
TURNS = [Turn("user", "one two"), Turn("assistant", "three <|endoftext|>")]


@pytest.fixture(scope="module", params=TRAINED)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = specs("tokenizers")[request.param]
    made = tmp_path_factory.mktemp(request.param)
    write_tokenizer(spec.train(iter(["one two three user assistant"] * 5), spec.config(vocab_size=560)), made)
    return made


def opened(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


def test_the_end_of_text_stands_before_each_text(folder: Path) -> None:
    encoder, library = TextEncoder(read_tokenizer(folder).json_text), Tokenizer.from_file(str(folder / "tokenizer.json"))
    one, two = encoder.contents(["one", "two"])
    assert encoder.before_a_text() == [0] and control_tokens(folder).before == (0,) and 0 not in [*one, *two]
    assert library.encode("one").ids == [0, *one] and library.encode("one", "two").ids == [0, *one, 0, *two]
    assert library.encode("").ids == [0]


def test_transformers_begins_texts_so_wherever_the_tokenizer_has_been_saved(folder: Path, tmp_path: Path) -> None:
    tokenizer = opened(folder)
    tokenizer.save_pretrained(tmp_path)
    for each in (tokenizer, opened(tmp_path)):
        assert each("one two").input_ids == [0, *text_encoder(each).content("one two")]
        assert beginning(each) == text_encoder(each).before_a_text() == [each.bos_token_id] == [0]


def test_a_conversation_begins_so_once_in_shards_in_training_and_in_transformers(folder: Path) -> None:
    tokenizer = opened(folder)
    ids = chat_encoder(tokenizer).conversation(TURNS)
    assert ids[0] == 0 and ids.count(0) == 1
    shard = encode_documents(document_table("s", "f", [conversation("0", TURNS), Document("1", "one")]), read_tokenizer(folder)).shard
    assert shard.tokens[: shard.offsets[1]].tolist() == [*ids, 0]
    asked = chat_encoder(tokenizer).prompt(TURNS[:1])
    theirs = tokenizer.apply_chat_template([{"role": "user", "content": "one two"}], add_generation_prompt=True, return_dict=False)
    assert asked == theirs == ids[: len(asked)]


def test_a_tokenizer_of_others_without_a_template_is_given_no_beginning_that_it_has_never_seen() -> None:
    assert usual_template(["<|im_start|>", "<|im_end|>", END_OF_TEXT]) == CHAT_ML and "bos_token" not in CHAT_ML
    assert usual_template([END_OF_TEXT]) == CHAT_TEMPLATE_WITHOUT_MARKS


@pytest.mark.parametrize(
    ("before", "named", "expected"),
    [
        ("", {"eos_token": "</s>"}, [1]),
        ("", {"bos_token": "<s>", "eos_token": "</s>"}, [0]),
        ("<s> ", {"eos_token": "</s>"}, [0]),
        ("</s> <s> ", {"bos_token": "<s>", "eos_token": "</s>"}, [1, 0]),
    ],
    ids=["its end", "the beginning that it names", "what it puts there", "all that it puts there"],
)
def test_a_text_of_others_is_asked_behind_what_they_put_there_or_name(before: str, named: dict[str, str], expected: list[int]) -> None:
    from transformers import PreTrainedTokenizerFast

    tokenizer: Any = PreTrainedTokenizerFast(tokenizer_object=words(before), **named)
    assert beginning(tokenizer) == expected and text_encoder(tokenizer).before_a_text() == (expected if before else [])


def test_a_tokenizer_that_begins_and_ends_nothing_is_asked_no_text() -> None:
    from transformers import PreTrainedTokenizerFast

    with pytest.raises(ValueError, match="neither a beginning nor an end"):
        beginning(PreTrainedTokenizerFast(tokenizer_object=words("")))


def words(before: str) -> Any:
    """A tokenizer that puts some of its tokens before each text and ``</s>`` behind it."""
    tokenizer: Any = Tokenizer(models.WordLevel({"<s>": 0, "</s>": 1, "a": 2}, unk_token="a"))
    tokenizer.add_special_tokens(["<s>", "</s>"])
    tokenizer.post_processor = TemplateProcessing(single=f"{before}$A </s>", special_tokens=[("<s>", 0), ("</s>", 1)])
    return tokenizer
