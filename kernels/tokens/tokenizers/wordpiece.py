"""WordPiece on bytes (Schuster & Nakajima 2012; greedy longest match as in BERT, Devlin et al. 2019, arXiv 1810.04805).

The vocabulary is learned by merging pairs, as the library does, and holds every byte both as the beginning of a word and as its continuation, so
that no word is unknown and any text comes back as it was. Three things differ from BERT's, each because it loses text: nothing is lowercased or
normalised; continuations begin with U+203F instead of ``##``, since a word may begin with ``##`` and no byte is written by that character; and
words of more than `MAX_WORD_BYTES` are cut, where BERT makes them unknown and the search for the longest piece takes time by their length cubed.
"""

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from kernels.specs.tokenizers import TokenizerMethod
from kernels.tokens.tokenizers.vocabulary import VocabularyConfig, byte_characters, words_of_bytes

CONTINUES = "‿"
MAX_WORD_BYTES = 48
"""Longer than words of most languages; a vocabulary has no longer pieces."""


class WordPieceConfig(VocabularyConfig):
    """Size of a vocabulary, and its control tokens."""

    vocab_size: int = Field(ge=516)
    """Tokens in all, with the 256 bytes in both their forms and the special tokens."""
    min_frequency: int = Field(default=2, ge=1)
    """How often a pair must occur to be merged."""

    @classmethod
    def forms_of_bytes(cls) -> int:
        """Return 2: the beginning of a word, and its continuation."""
        return 2


def train(texts: Iterator[str], config: WordPieceConfig) -> str:
    """Return the JSON of a tokenizer trained on texts; the same texts in the same order give the same JSON."""
    from tokenizers import trainers

    special, alphabet = list(config.special_tokens.names), byte_characters()
    continued = [CONTINUES + character for character in alphabet]
    tokenizer = _untrained({special[0]: 0}, special[0])
    trainer = trainers.WordPieceTrainer(
        vocab_size=config.vocab_size,
        min_frequency=config.min_frequency,
        special_tokens=[*special, *continued],  # which is how they get ids of their own: the library numbers others as it meets them, by chance
        initial_alphabet=alphabet,
        continuing_subword_prefix=CONTINUES,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    made = _untrained(tokenizer.get_vocab(with_added_tokens=False), special[0])
    made.add_special_tokens(special)
    text: str = made.to_str()
    return text


def _untrained(vocabulary: dict[str, int], unknown: str) -> Any:
    """Return a tokenizer of a vocabulary. The library wants a token for unknown words, of which there are none."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

    model: Any = models.WordPiece(vocabulary, unk_token=unknown, max_input_chars_per_word=MAX_WORD_BYTES, continuing_subword_prefix=CONTINUES)
    tokenizer: Any = Tokenizer(model)
    cut = pre_tokenizers.Split(Regex(f".{{1,{MAX_WORD_BYTES}}}"), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words_of_bytes(), cut])
    tokenizer.decoder = decoders.Sequence([decoders.Replace(CONTINUES, ""), decoders.ByteLevel()])
    return tokenizer


SPEC = TokenizerMethod(name="wordpiece", version=2, config=WordPieceConfig, train=train)
