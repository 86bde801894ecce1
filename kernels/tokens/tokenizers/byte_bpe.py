"""Byte-level byte-pair encoding (Sennrich et al. 2016, arXiv 1508.07909; on bytes as in GPT-2, Radford et al. 2019).

Any text is encoded without loss. Digits stand alone, so that numbers are read digit by digit.
"""

from collections.abc import Iterator

from pydantic import Field

from kernels.specs.tokenizers import TokenizerMethod
from kernels.tokens.tokenizers.vocabulary import VocabularyConfig, byte_characters, words_of_bytes


class ByteBpeConfig(VocabularyConfig):
    """Size of a vocabulary, and its control tokens."""

    min_frequency: int = Field(default=2, ge=1)
    """How often a pair must occur to be merged (the default of the library's byte-level trainer)."""


def train(texts: Iterator[str], config: ByteBpeConfig) -> str:
    """Return the JSON of a tokenizer trained on texts; the same texts in the same order give the same JSON."""
    from tokenizers import Tokenizer, decoders, models, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = words_of_bytes()
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=config.vocab_size,
        min_frequency=config.min_frequency,
        special_tokens=list(config.special_tokens.names),
        initial_alphabet=byte_characters(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer.to_str()


SPEC = TokenizerMethod(name="byte_bpe", version=3, config=ByteBpeConfig, train=train)
