"""A unigram language model of pieces of words (Kudo 2018, arXiv 1804.10959), on bytes: the likeliest cut of each word is taken.

Any text is encoded without loss, and no word is unknown. The pieces are learned in kernels/tokens/unigram.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from kernels.specs.tokenizers import TokenizerMethod
from kernels.tokens.tokenizers.byte_bpe import ByteBpeConfig
from kernels.tokens.tokenizers.byte_bpe import train as train_seeds
from kernels.tokens.tokenizers.vocabulary import VocabularyConfig, byte_characters, words_of_bytes

SEEDS = 4
"""Pieces that are chosen from, for each that is wanted."""
BATCH_CHARS = 1 << 24
NEVER = 2.0
"""Times the log probability of the least likely piece: that of control tokens, which no text is cut into."""


class UnigramConfig(VocabularyConfig):
    """Size of a vocabulary, and its control tokens."""


def train(texts: Iterator[str], config: UnigramConfig) -> str:
    """Return the JSON of a tokenizer trained on texts; the same texts in the same order give the same JSON."""
    from tokenizers import Tokenizer, decoders, models

    from kernels.tokens.unigram.training import learn

    special, counts = list(config.special_tokens.names), Counter[str]()
    characters = byte_characters()
    seeds = json.loads(train_seeds(_counted(texts, counts), ByteBpeConfig(vocab_size=SEEDS * config.vocab_size)))["model"]["vocab"]
    as_byte = {character: number for number, character in enumerate(characters)}
    words = {bytes(as_byte[character] for character in word): count for word, count in counts.items()}
    longer = [bytes(as_byte[character] for character in seed) for seed in seeds if as_byte.keys() >= set(seed)]
    learned = learn(words, longer, config.vocab_size - len(special))
    never = NEVER * float(learned.scores.min())
    pieces = ["".join(characters[byte] for byte in piece) for piece in learned.pieces]
    vocabulary = [(token, never) for token in special] + list(zip(pieces, learned.scores.tolist(), strict=True))
    tokenizer: Any = Tokenizer(models.Unigram(vocabulary))
    tokenizer.pre_tokenizer = words_of_bytes()
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(special)
    text: str = tokenizer.to_str()
    return text


def _counted(texts: Iterator[str], counts: Counter[str]) -> Iterator[str]:
    """Yield texts on, their words counted by the way."""
    held: list[str] = []
    size = 0
    for text in texts:
        held.append(text)
        size += len(text)
        if size >= BATCH_CHARS:
            _count(held, counts)
            held, size = [], 0
        yield text
    _count(held, counts)


def _count(texts: list[str], counts: Counter[str]) -> None:
    """Count the words of texts: those of each different piece once."""
    import numpy as np
    import pyarrow as pa

    from kernels.tokens.pieces.encoding import apart, cut, texts_of
    from kernels.tokens.pieces.recognition import Cuts

    words, flat = words_of_bytes(), texts_of(pa.array(texts, pa.large_string()))
    pieces = cut(flat, Cuts(signs_stand_alone=True, digits_stand_alone=True))
    times = np.bincount(pieces.codes, minlength=len(pieces.begins)).tolist()
    for piece, count in zip(apart(flat, pieces), times, strict=True):
        for word, _ in words.pre_tokenize_str(piece):
            counts[word] += count


SPEC = TokenizerMethod(name="unigram", version=2, config=UnigramConfig, train=train)
