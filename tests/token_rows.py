"""Packed rows of tokens for tests of objectives, and what stands in an example by document."""

import numpy as np
from numpy.typing import NDArray

from kernels.specs.objectives import NO_SEGMENT, ControlTokens, Row

END, PAD, MASK, PREFIX, SUFFIX, MIDDLE = range(6)
SENTINELS = (6, 7, 8, 9)
CONTROL = ControlTokens(END, PAD, MASK, PREFIX, SUFFIX, MIDDLE, SENTINELS, vocabulary_size=2000, special=frozenset(range(10)))

BEGINS = CONTROL._replace(before=(END,))
"""Where the tokenizer puts the end of text before each text."""


def chance(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def row_of(*documents: list[int], length: int = 0) -> Row:
    """A row of documents, padded to a length."""
    tokens = [token for document in documents for token in document]
    segments = [number for number, document in enumerate(documents) for _ in document]
    num_padding = max(0, length - len(tokens))
    return Row(np.array(tokens + [PAD] * num_padding, np.int64), np.array(segments + [NO_SEGMENT] * num_padding, np.int64))


def drawn_documents(seed: int, length: int) -> list[list[int]]:
    """Documents of 1 to 40 tokens, most of which end; those of one have no token of another. They fill a length or a little less."""
    random = chance(seed)
    documents: list[list[int]] = []
    left = length - int(random.integers(0, 4))
    while left > 0:
        size = min(left, int(random.integers(1, 41 if random.random() < 0.6 else 5)))
        first = 10 + 40 * len(documents)
        document = [first + int(token) for token in random.integers(0, 40, size)]
        documents.append([*document[:-1], END] if random.random() < 0.8 else document)
        left -= size
    return documents


def begun(documents: list[list[int]]) -> list[list[int]]:
    """Every second document behind the token that stands before texts; the others go on from elsewhere."""
    return [document if number % 2 else [END, *document] for number, document in enumerate(documents)]


def text_of(document: list[int], *, begins: bool) -> list[int]:
    """A document of `drawn_documents` without the tokens that begin and end it."""
    text = document[1:] if begins and document[0] == END else document
    return text[:-1] if text and text[-1] == END else text


def by_document(tokens: NDArray[np.int64], segments: NDArray[np.int64]) -> dict[int, list[int]]:
    """The tokens of each document, in order; documents stand one behind the other."""
    held = segments != NO_SEGMENT
    assert (np.diff(segments[held]) >= 0).all() and not (np.diff(held.astype(int)) > 0).any()
    return {int(number): tokens[segments == number].tolist() for number in np.unique(segments[held])}
