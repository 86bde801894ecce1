"""Documents split in two at a point that is drawn: what stands before it is given, what stands behind it is predicted."""

import math

import numpy as np
from pydantic import Field

from kernels.specs.config import Config
from kernels.specs.objectives import Row
from kernels.training.objectives.parts import Parts
from kernels.training.objectives.row_documents import documents_of, positions_of

TOLERANCE = 1e-9
"""Of products of a share and a length, so that 0.28 of 25 tokens are 7 and not 8."""


class SplitConfig(Config):
    """Where documents are split. Both parts hold a token at least; of a document of one token nothing is predicted."""

    min_prefix_share: float = Field(default=0.0, ge=0, le=1)
    """Share of a document's tokens that is given at least. The defaults take every point between two tokens (Raffel et al. 2020)."""
    max_prefix_share: float = Field(default=1.0, ge=0, le=1)
    """Share of a document's tokens that is given at most; where no whole number of tokens lies between the two, the next higher one is given."""


def split(row: Row, min_share: float, max_share: float, random: np.random.Generator) -> Parts:
    """Return the documents of a row split, each point of a document that the shares allow being equally likely.

    The token that stands before a text is always given, and may be all that is.
    """
    documents = documents_of(row)
    most = np.maximum(documents.lengths - 1, 1)
    low = np.clip(np.ceil(documents.lengths * min_share - TOLERANCE).astype(np.int64), 1, most)
    high = np.clip(np.floor(documents.lengths * max_share + TOLERANCE).astype(np.int64), low, most)
    given = random.integers(low, high + 1)
    return Parts(
        Row(row.tokens[positions_of(documents.starts, given)], np.repeat(documents.numbers, given)),
        Row(row.tokens[positions_of(documents.starts + given, documents.lengths - given)], np.repeat(documents.numbers, documents.lengths - given)),
    )


def bounds(min_share: float, max_share: float, row_length: int, max_documents: int) -> tuple[int, int]:
    """Return how many tokens the given parts of a row's documents come to at most, and the predicted ones.

    Shares are rounded in favour of a part by less than a token a document.
    """
    given = math.floor(row_length * max_share + TOLERANCE) + max_documents
    predicted = math.floor(row_length * (1 - min_share) + TOLERANCE) + max_documents
    return min(row_length, given), min(row_length - 1, predicted)
