"""Byte-level byte-pair encoding (Sennrich et al. 2016, arXiv 1508.07909; on bytes as in GPT-2, Radford et al. 2019).

Any text is encoded without loss. Digits stand alone, so that numbers are read digit by digit.
"""

from collections.abc import Iterator

from pydantic import Field

from kernels.specs.config import Config
from kernels.specs.tokenizers import TokenizerMethod
from kernels.tokens.tokenizer_files import SPECIAL_TOKENS


class ByteBpeConfig(Config):
    """Size of a vocabulary."""

    vocab_size: int = Field(ge=260)
    """Tokens in all, with the 256 bytes and the special tokens."""
    min_frequency: int = Field(default=2, ge=1)
    """How often a pair must occur to be merged (the default of the library's byte-level trainer)."""


def train(texts: Iterator[str], config: ByteBpeConfig) -> str:
    """Return the JSON of a tokenizer trained on texts; the same texts in the same order give the same JSON."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=config.vocab_size,
        min_frequency=config.min_frequency,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer.to_str()


SPEC = TokenizerMethod(name="byte_bpe", version=2, config=ByteBpeConfig, train=train)
