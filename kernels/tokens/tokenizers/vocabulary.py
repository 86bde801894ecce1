"""What the tokenizers that are trained here share: their config, and how they cut text into words of bytes before any of them sees it.

All work on bytes, written as characters as in GPT-2 (Radford et al. 2019), and have all 256 of them, so that any text comes back as it was.
Digits stand alone, so that numbers are read digit by digit.
"""

from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from kernels.specs.config import Config, fault_of_key
from kernels.tokens.chats import UnrenderedError, template
from kernels.tokens.special_tokens import NUM_BYTES, SpecialTokens


class VocabularyConfig(Config):
    """Size of a vocabulary, and its control tokens."""

    vocab_size: int = Field(ge=260)
    """Tokens in all, with the 256 bytes and the special tokens."""
    special_tokens: SpecialTokens = SpecialTokens()
    """Control tokens beside the four that are always there."""
    chat_template: str | None = None
    """Jinja source of the template that conversations are rendered by; left out, ChatML with tools. ``bos_token`` in it is what stands before texts,
    which a template writes itself."""

    @field_validator("chat_template")
    @classmethod
    def _is_a_template(cls, source: str | None) -> str | None:
        try:
            if source is not None:
                template(source, {})
        except UnrenderedError as error:
            raise ValueError(f"{error}; mend it, or leave the key out for ChatML") from None
        return source

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        least = len(self.special_tokens.names) + self.forms_of_bytes() * NUM_BYTES
        if self.vocab_size < least:
            told = f"{self.vocab_size} tokens do not hold {len(self.special_tokens.names)} special ones and {self.forms_of_bytes()} x 256 bytes"
            raise fault_of_key("vocab_size", f"{told}; give at least {least}")
        return self

    @classmethod
    def forms_of_bytes(cls) -> int:
        """Return how often each byte stands in the vocabulary."""
        return 1


def words_of_bytes() -> Any:
    """Return the pre-tokenizer: digits apart, then GPT-2's words, their bytes as characters."""
    from tokenizers import pre_tokenizers

    return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])


def byte_characters() -> list[str]:
    """Return the characters that stand for bytes, in order."""
    from tokenizers import pre_tokenizers

    return sorted(pre_tokenizers.ByteLevel.alphabet())
