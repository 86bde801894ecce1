"""A tokenizer of one token a byte, whose id is the byte."""

from typing import Any


def byte_tokenizer() -> Any:
    """Return it in the form of the ``tokenizers`` library."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    tokenizer: Any = Tokenizer(models.BPE(vocab={character: byte for byte, character in _byte_characters()}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _byte_characters() -> list[tuple[int, str]]:
    """Return the character by which GPT-2's vocabulary writes each byte: itself where it prints, else one from U+0100 on."""
    prints = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in prints]
    return [(byte, chr(byte)) for byte in prints] + [(byte, chr(0x100 + number)) for number, byte in enumerate(others)]
