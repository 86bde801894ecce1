"""The byte-level tokenizer and its folder."""

import json
from pathlib import Path

import pytest

from kernels.tokens.special_tokens import SPECIAL_TOKENS
from kernels.tokens.tokenizer_files import write_tokenizer
from kernels.tokens.tokenizers.byte_bpe import ByteBpeConfig, train

TEXTS = ["the quick brown fox jumps over the lazy dog", "the dog sleeps in 1984 and the fox runs"] * 20


@pytest.fixture(scope="module")
def tokenizer_json() -> str:
    return train(iter(TEXTS), ByteBpeConfig(vocab_size=300))


def encode(tokenizer_json: str, text: str) -> list[int]:
    from tokenizers import Tokenizer

    return Tokenizer.from_str(tokenizer_json).encode(text, add_special_tokens=False).ids


@pytest.mark.parametrize("text", ["plain words", "naïve café", "日本語のテキスト", "🙂 emoji\tand\ttabs\n\n", "\u0000\u001f control"])
def test_any_text_comes_back_as_it_was(tokenizer_json: str, text: str) -> None:
    from tokenizers import Tokenizer

    assert Tokenizer.from_str(tokenizer_json).decode(encode(tokenizer_json, text), skip_special_tokens=False) == text


def test_special_tokens_are_the_first_ids(tokenizer_json: str) -> None:
    assert [encode(tokenizer_json, token) for token in SPECIAL_TOKENS] == [[0], [1], [2], [3]]


def test_digits_stand_alone(tokenizer_json: str) -> None:
    assert len(encode(tokenizer_json, "1984")) == 4


def test_the_same_texts_give_the_same_tokenizer(tokenizer_json: str) -> None:
    assert train(iter(TEXTS), ByteBpeConfig(vocab_size=300)) == tokenizer_json
    assert json.loads(tokenizer_json)["model"]["type"] == "BPE"


def test_the_folder_opens_in_transformers_with_a_chat_template(tokenizer_json: str, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    write_tokenizer(tokenizer_json, tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (0, 0, 3)
    asked = tokenizer.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False, add_generation_prompt=True)
    assert asked == "<|endoftext|><|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"


def test_a_vocabulary_smaller_than_the_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="260"):
        ByteBpeConfig(vocab_size=200)
