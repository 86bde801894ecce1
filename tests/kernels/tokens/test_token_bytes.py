"""The bytes of a text are those of its tokens, whoever made the tokenizer."""

from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from kernels.tokens.content import TextEncoder
from kernels.tokens.token_bytes import token_bytes


def counted(tokenizer: Any, text: str) -> list[int]:
    """Return the bytes of each token of a text."""
    ids = TextEncoder(tokenizer.to_str()).content(text)
    return token_bytes(tokenizer.to_str())[ids].tolist()


def on_bytes(suffix: str = "") -> Any:
    characters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*characters, *(character + suffix for character in characters if suffix)]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer: Any = Tokenizer(models.BPE(vocabulary, [], end_of_word_suffix=suffix))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def test_a_token_that_was_added_to_a_vocabulary_on_bytes_is_spelled_as_text() -> None:
    tokenizer = on_bytes()
    tokenizer.add_tokens(["<｜User｜>", "東京"])
    text = "<｜User｜>é東京"
    assert counted(tokenizer, text) == [len("<｜User｜>".encode()), 1, 1, 6] and sum(counted(tokenizer, text)) == len(text.encode())


def test_a_control_token_has_no_bytes() -> None:
    tokenizer = on_bytes()
    tokenizer.add_special_tokens(["<|endoftext|>"])
    assert token_bytes(tokenizer.to_str())[tokenizer.token_to_id("<|endoftext|>")] == 0


def test_the_mark_of_the_end_of_a_word_counts_as_the_blank_behind_it() -> None:
    tokenizer = on_bytes("</w>")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(" ", "removed"), tokenizer.pre_tokenizer])
    assert counted(tokenizer, "ab c") == [1, 2, 2]


def test_blanks_that_a_vocabulary_holds_as_signs_are_a_byte_each_also_where_they_are_added_tokens_too() -> None:
    tokenizer: Any = Tokenizer(models.BPE({"a": 0, "▁": 1, "▁▁": 2, "東": 3, "<0x0A>": 4}, [("▁", "▁")], byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never", split=False)
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="never")
    tokenizer.add_tokens([AddedToken("▁▁", normalized=False)])
    assert counted(tokenizer, "a  東\na") == [1, 2, 3, 1, 1]
