"""Fill in the middle (Bavarian et al. 2022, arXiv 2207.14255): some documents are cut at two points, and their middle is moved to the end.

PSM order: <prefix> beginning <suffix> end <middle> middle. SPM order, in the form that can be trained together with it (appendix D there):
<prefix> <suffix> end <middle> beginning middle. What stands before a text stays before all, and the token that ends it behind all, so that a model
learns where a middle ends. Cuts are between tokens. Everything is predicted, moved or not. Each moved document takes three tokens more; what finds no
room at a row's end is cut.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kernels.specs.config import Config
from kernels.specs.objectives import ControlTokens, Example, Objective, Row
from kernels.training.objectives.row_documents import documents_of, next_tokens, padded_row, positions_of, texts_of

MIN_TOKENS = 3
"""A text with fewer stays as it is: it has no three parts."""


class FillInTheMiddleConfig(Config):
    """How often a document's middle is moved, and in which order."""

    rate: float = Field(default=0.5, ge=0, le=1)
    """Share of documents that are cut; at up to 0.9 the paper sees left-to-right loss unharmed."""
    spm_rate: float = Field(default=0.5, ge=0, le=1)
    """Share of cut documents in SPM order; the others are in PSM order."""


def lacks(config: FillInTheMiddleConfig, control: ControlTokens) -> str | None:
    """Return what the vocabulary lacks to mark the parts; None where it has all."""
    marks = {"prefix": control.fim_prefix, "suffix": control.fim_suffix, "middle": control.fim_middle}
    missing = [name for name, token in marks.items() if token is None]
    if not missing:
        return None
    return (
        f"the vocabulary has no token that marks the {', '.join(missing)} of a text with a gap; "
        "ask for the three that fill in the middle in the special tokens of the tokenizer"
    )


def lengths(config: FillInTheMiddleConfig, row_length: int, max_documents: int) -> tuple[int, int]:
    """Return the length of rows, which stays as it is: what is added pushes out what stands at the end."""
    return row_length, 0


def prepare(row: Row, random: np.random.Generator, control: ControlTokens, config: FillInTheMiddleConfig, lengths: tuple[int, int]) -> Example:
    """Return a row with middles moved, each token predicted from those before it. Raises ValueError: the vocabulary lacks what is needed."""
    if lack := lacks(config, control):
        raise ValueError(lack)
    documents = documents_of(row)
    starts, sizes = _pieces(row, random, control, config)
    source = np.concatenate((row.tokens, np.array([control.fim_prefix, control.fim_suffix, control.fim_middle], np.int64)))
    places = positions_of(starts.ravel(), sizes.ravel())
    segments = np.repeat(documents.numbers, sizes.sum(axis=1))
    room = lengths[0]
    moved = padded_row(Row(source[places[:room]], segments[:room]), room, control)
    return Example(inputs=moved, targets=next_tokens(moved), num_cut=int((places[room:] < len(row.tokens)).sum()))


def _pieces(
    row: Row, random: np.random.Generator, control: ControlTokens, config: FillInTheMiddleConfig
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return starts and lengths [D, 8] of the pieces that each document becomes, in order; the marks stand behind the row's last position."""
    documents = documents_of(row)
    _, starts, lengths = texts_of(row, documents, control)
    moved = (random.random(len(lengths)) < config.rate) & (lengths >= MIN_TOKENS)
    is_spm = moved & (random.random(len(lengths)) < config.spm_rate)
    cuts = np.sort(random.integers(0, lengths + 1, size=(2, len(lengths))), axis=0)
    first, second = np.where(moved, cuts, lengths)  # a document that stays has all in its beginning, and no marks
    mark = moved.astype(np.int64)
    prefix, suffix, middle = (np.full(len(lengths), len(row.tokens) + number) for number in range(3))
    before, ends = (documents.starts, starts - documents.starts), starts + lengths
    beginning, rest = (starts, first), (starts + second, lengths - second)
    inner, last = (starts + first, second - first), (ends, documents.starts + documents.lengths - ends)
    psm = [before, (prefix, mark), beginning, (suffix, mark), rest, (middle, mark), inner, last]
    spm = [before, (prefix, mark), (suffix, mark), rest, (middle, mark), beginning, inner, last]
    pieces = np.where(is_spm, np.array(spm), np.array(psm))  # [8, 2, D]
    return pieces[:, 0].T, pieces[:, 1].T


SPEC = Objective(
    name="fill_in_the_middle",
    version=2,
    config=FillInTheMiddleConfig,
    attention=lambda config: "causal",
    lacks=lacks,
    lengths=lengths,
    prepare=prepare,
)
