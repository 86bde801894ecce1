"""Token shards."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing

from kernels.documents.conversations import conversation
from kernels.documents.schema import DOCUMENTS, document_table
from kernels.specs.sources import Document
from kernels.specs.turns import Turn
from kernels.tokens.shards import encode_documents, open_shard, write_shard
from kernels.tokens.tokenizer_files import TokenizerFiles, read_tokenizer, write_tokenizer
from kernels.tokens.tokenizers.byte_bpe import ByteBpeConfig, train


def documents(*texts: str) -> pa.Table:
    rows = [
        {"id": f"s/f#{number}", "text": text, "source": "s", "path": "f", "title": None, "url": None, "metadata": "{}"}
        for number, text in enumerate(texts)
    ]
    return pa.Table.from_pylist(rows, schema=DOCUMENTS)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> TokenizerFiles:
    folder = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(train(iter(["one two three"] * 5), ByteBpeConfig(vocab_size=280)), folder)
    return read_tokenizer(folder)


def test_each_document_begins_and_ends_with_the_end_of_text(tokenizer: TokenizerFiles) -> None:
    shard = encode_documents(documents("one two", "three"), tokenizer).shard
    assert shard.ids == ["s/f#0", "s/f#1"]
    assert [int(shard.tokens[start]) for start in shard.offsets[:-1]] == [0, 0]
    assert [int(shard.tokens[end - 1]) for end in shard.offsets[1:]] == [0, 0]
    assert shard.offsets[0] == 0 and shard.offsets[-1] == len(shard.tokens) and shard.tokens.dtype == np.uint16


def test_a_special_token_in_a_text_does_not_split_a_document(tokenizer: TokenizerFiles) -> None:
    text = "one <|endoftext|> two <|pad|>"
    shard = encode_documents(documents(text, "two"), tokenizer).shard
    assert len(shard.offsets) == 3 and (shard.tokens == 0).sum() == 4 and (shard.tokens != 3).all()
    assert Tokenizer.from_str(tokenizer.json_text).decode(shard.tokens[1 : shard.offsets[1] - 1].tolist(), skip_special_tokens=False) == text


def test_a_page_that_spells_turns_has_them_as_plain_characters(tokenizer: TokenizerFiles) -> None:
    shard = encode_documents(documents("<|im_start|>user\nHi<|im_end|>\n"), tokenizer).shard
    assert [token for token in shard.tokens.tolist() if token < 4] == [0, 0]


def test_turns_of_a_conversation_are_marked_and_a_worse_answer_is_not_taught(tokenizer: TokenizerFiles) -> None:
    chat = conversation("1", [Turn("user", "one<|im_end|>"), Turn("assistant", "two"), Turn("rejected", "three")])
    shard = encode_documents(document_table("s", "f", [Document("0", "one"), chat, Document("2", "two")]), tokenizer).shard
    start, end = shard.offsets[1:3]
    ids = shard.tokens[start : end - 1].tolist()
    assert Tokenizer.from_str(tokenizer.json_text).decode(ids, skip_special_tokens=False) == (
        "<|endoftext|><|im_start|>user\none<|im_end|><|im_end|>\n<|im_start|>assistant\ntwo<|im_end|>\n"
    )
    assert [token for token in ids if token < 4] == [0, 1, 2, 1, 2]
    assert shard.ids == ["s/f#0", "s/f#1", "s/f#2"] and (shard.tokens == 0).sum() == 6


def test_tokens_of_a_text_are_counted_apart_from_control_tokens(tokenizer: TokenizerFiles, tmp_path: Path) -> None:
    chat = conversation("1", [Turn("user", "one"), Turn("assistant", "two")])
    encoded = encode_documents(document_table("s", "f", [Document("0", "three"), chat, Document("2", "")]), tokenizer)
    write_shard(encoded, tmp_path)
    rows = pq.read_table(tmp_path / "documents.parquet", partitioning=None).to_pylist()
    assert [row["num_tokens"] for row in rows] == np.diff(encoded.shard.offsets).tolist()
    assert [row["num_tokens"] - row["num_text_tokens"] for row in rows] == [2, 6, 2] and rows[2]["num_text_tokens"] == 0


def test_an_opened_shard_is_mapped_and_the_same(tokenizer: TokenizerFiles, tmp_path: Path) -> None:
    encoded = encode_documents(documents("one two", "three"), tokenizer)
    shard = encoded.shard
    write_shard(encoded, tmp_path)
    opened = open_shard(tmp_path)
    assert isinstance(opened.tokens, np.memmap)
    assert opened.tokens.tolist() == shard.tokens.tolist() and opened.offsets.tolist() == shard.offsets.tolist() and opened.ids == shard.ids


def test_no_documents_make_an_empty_shard(tokenizer: TokenizerFiles, tmp_path: Path) -> None:
    write_shard(encode_documents(documents(), tokenizer), tmp_path)
    assert open_shard(tmp_path).offsets.tolist() == [0] and open_shard(tmp_path).ids == []


def test_a_conversation_that_no_template_says_is_text_and_counted(tokenizer: TokenizerFiles) -> None:
    chat = conversation("1", [Turn("user", "one"), Turn("assistant", "two"), Turn("rejected", "three")])
    table = document_table("s", "f", [Document("0", "one"), chat])
    refusing = "{{ raise_exception('no system turns') }}"
    for template in (None, refusing, "{% for"):
        shard, _, num_as_text = encode_documents(table, tokenizer._replace(template=template))
        assert num_as_text == 1
        ids = shard.tokens[shard.offsets[1] + 1 : -1].tolist()
        assert Tokenizer.from_str(tokenizer.json_text).decode(ids, skip_special_tokens=False) == "one\n\ntwo"


def test_a_text_begins_with_what_its_tokenizer_puts_before_texts(tokenizer: TokenizerFiles) -> None:
    own = Tokenizer.from_str(tokenizer.json_text)
    own.post_processor = TemplateProcessing(single="<|im_start|> $A", special_tokens=[("<|im_start|>", 1)])
    shard = encode_documents(documents("one", "two"), tokenizer._replace(json_text=own.to_str(), end_of_text="<|im_end|>")).shard
    assert [shard.tokens[start] for start in shard.offsets[:-1]] == [1, 1]
    assert [shard.tokens[end - 1] for end in shard.offsets[1:]] == [2, 2]


def test_what_a_template_marks_turns_by_is_content_where_a_text_spells_it(tokenizer: TokenizerFiles) -> None:
    own = Tokenizer.from_str(tokenizer.json_text)
    own.add_tokens(["<|user|>"])  # which the tokenizer does not call special
    marked = tokenizer._replace(json_text=own.to_str(), template="{% for m in messages %}<|user|>{{ m.content }}{% endfor %}")
    mark = own.token_to_id("<|user|>")
    shard = encode_documents(documents("one <|user|> two"), marked).shard
    assert mark not in shard.tokens and own.decode(shard.tokens[1:-1].tolist(), skip_special_tokens=False) == "one <|user|> two"


def test_ids_beyond_two_bytes_are_kept_where_a_vocabulary_has_gaps_and_few_tokens(tokenizer: TokenizerFiles) -> None:
    settings = json.loads(tokenizer.json_text)
    settings["model"]["vocab"]["z"] = (1 << 16) + 5
    shard = encode_documents(documents("z"), tokenizer._replace(json_text=json.dumps(settings))).shard
    assert len(settings["model"]["vocab"]) <= 280 and shard.tokens.tolist() == [0, (1 << 16) + 5, 0]
