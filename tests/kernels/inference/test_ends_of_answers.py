"""An answer ends where the model learned to end it, whatever its makers call that."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kernels.inference.decoding import stop_ids
from kernels.models.formats.checkpoints import LanguageModel
from kernels.tokens.special_tokens import SpecialTokens
from kernels.tokens.tokenizer_files import write_tokenizer
from kernels.tokens.tokenizers.byte_bpe import ByteBpeConfig, train

GEMMA = "{% for m in messages %}<start_of_turn>{{ m.role }}\n{{ m.content }}<end_of_turn>\n{% endfor %}"
SPECIAL = SpecialTokens(more=("<start_of_turn>", "<end_of_turn>", "<end_of_call>"))


@pytest.fixture
def tokenizer(tmp_path: Path) -> Any:
    from transformers import AutoTokenizer

    write_tokenizer(train(iter(["user assistant"] * 5), ByteBpeConfig(vocab_size=280, special_tokens=SPECIAL)), tmp_path, SPECIAL, GEMMA)
    return AutoTokenizer.from_pretrained(tmp_path)


@pytest.mark.parametrize(("named", "more"), [(None, []), (0, []), ([0, 6], ["<end_of_call>"])])
def test_what_the_template_writes_behind_an_answer_ends_it_and_so_does_what_the_model_names(tokenizer: Any, named: Any, more: list[str]) -> None:
    model = SimpleNamespace(generation_config=SimpleNamespace(eos_token_id=named))
    ends = stop_ids(LanguageModel(model, tokenizer, "cpu"))
    assert {tokenizer.convert_ids_to_tokens(end) for end in ends} == {"<|endoftext|>", "<|im_end|>", "<end_of_turn>", *more}


def test_without_a_template_and_a_generation_config_the_end_of_text_ends(tokenizer: Any) -> None:
    tokenizer.chat_template = None
    assert stop_ids(LanguageModel(SimpleNamespace(), tokenizer, "cpu")) == {0, 2}
