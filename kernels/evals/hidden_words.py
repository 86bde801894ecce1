"""Passages of which one word is hidden, and the words to choose from: the same for every model, whatever its tokenizer.

A word that is hidden stands in small letters behind a blank and before white space or a mark, so that every tokenizer begins it anew and neither a
name nor the beginning of a sentence tells it. The others are words of the same texts, of about its frequency and length.

Frequencies are alike by powers of two only, and of such words the commoner ones are hidden more often: who knows no more than how common words are
does somewhat better than chance.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import xxhash

from kernels.specs.sources import Reject

MIN_LETTERS = 4
"""Shorter words are mostly particles, which grammar alone tells."""
POOL = 4
"""Of so many times the words that are needed, those most like the hidden one, the others are drawn."""
_WORD = re.compile(rf"(?<=\S )[^\W\d_]{{{MIN_LETTERS},}}(?=[\s,.;:!?])")


class Document(NamedTuple):
    """One text to hide a word of."""

    key: str
    source: str
    text: str


class Passage(NamedTuple):
    """A text around a blank and a word, the words of which one may stand there, and the index of the one that does."""

    key: str
    source: str
    left: str
    right: str
    options: tuple[str, ...]
    expected: int

    @property
    def texts(self) -> list[str]:
        """The passage with each of its options."""
        return [f"{self.left} {option}{self.right}" for option in self.options]


def hide_words(documents: Sequence[Document], num_options: int, max_bytes: int, seed: int) -> list[Passage | Reject]:
    """Return a passage of each document, in which ``num_options`` words are to be chosen from, with ``max_bytes`` of text on either side at most.

    What is drawn of a document follows from the seed, its key and the words of all documents. A document without a word to hide is a `Reject`.
    """
    places = [[match for match in _WORD.finditer(document.text) if _may_be_hidden(match)] for document in documents]
    words = _Words(Counter(match.group() for found in places for match in found))
    return [_passage(document, found, words, num_options, max_bytes, seed) for document, found in zip(documents, places, strict=True)]


def _may_be_hidden(match: re.Match[str]) -> bool:
    """Return whether a word is in small letters, or of a script that has no others, and has words on either side."""
    is_small = match.group() == match.group().lower()
    return is_small and re.search(r"\w", match.string[: match.start()]) is not None and re.search(r"\w", match.string[match.end() :]) is not None


def _passage(document: Document, places: Sequence[re.Match[str]], words: "_Words", num_options: int, max_bytes: int, seed: int) -> Passage | Reject:
    random = np.random.default_rng([seed, xxhash.xxh64_intdigest(document.key.encode())])
    if not places:
        return Reject(document.key, "no_word_to_hide", document.text[:100])
    place = places[int(random.integers(len(places)))]
    word, text = place.group(), place.string
    others = words.like(word, (num_options - 1) * POOL)
    if len(others) < num_options - 1:
        return Reject(document.key, "too_few_other_words", word)
    drawn: list[int] = random.permutation(len(others))[: num_options - 1].tolist()
    options = [word, *(others[index] for index in drawn)]
    order: list[int] = random.permutation(num_options).tolist()
    left, right = _end_of(text[: place.start() - 1], max_bytes), _beginning_of(text[place.end() :], max_bytes)
    return Passage(document.key, document.source, left, right, tuple(options[index] for index in order), order.index(0))


def _end_of(text: str, max_bytes: int) -> str:
    """Return the end of a text, from the beginning of a word on where it has to be cut."""
    kept = text.encode()[-max_bytes:].decode(errors="ignore")
    if len(kept) == len(text):
        return text
    space = re.search(r"\s+", kept)
    return kept[space.end() :] if space else kept


def _beginning_of(text: str, max_bytes: int) -> str:
    """Return the beginning of a text, to the end of a word where it has to be cut."""
    kept = text.encode()[:max_bytes].decode(errors="ignore")
    if len(kept) == len(text):
        return text
    words = re.match(r"(?s)(.*\S)\s+\S*$", kept)
    return words[1] if words else kept


class _Words:
    """Words by how often they occur and how long they are."""

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self._cells: dict[tuple[int, int], list[str]] = {}
        for word in sorted(counts):
            self._cells.setdefault(self._cell(word), []).append(word)

    def _cell(self, word: str) -> tuple[int, int]:
        """Return the power of two of a word's count, and its letters."""
        return self._counts[word].bit_length(), len(word)

    def like(self, word: str, num_words: int) -> list[str]:
        """Return at least so many words most like one in frequency and length, in order, or all there are; none equals it in small letters."""
        pool: list[str] = []
        for cells in self._rings(self._cell(word)):
            if len(pool) >= num_words:
                break
            pool += [other for cell in cells for other in self._cells[cell] if other.casefold() != word.casefold()]
        return sorted(pool)

    def _rings(self, middle: tuple[int, int]) -> Iterator[list[tuple[int, int]]]:
        """Yield the cells by their distance from one, the nearest first."""
        by_distance: dict[int, list[tuple[int, int]]] = {}
        for cell in self._cells:
            by_distance.setdefault(abs(cell[0] - middle[0]) + abs(cell[1] - middle[1]), []).append(cell)
        for distance in sorted(by_distance):
            yield by_distance[distance]
