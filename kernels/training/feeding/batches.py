"""Batches: packed rows of a mixture as an objective has a model read them.

Chance in a row depends on the seed and on the row's position in the order of the whole training alone: neither the size of batches nor the number
of workers changes it, and there is nothing to save. The positions are keys of a counter-based generator (Philox: Salmon et al. 2011).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.specs.config import Config
from kernels.specs.objectives import NO_SEGMENT, ControlTokens, Objective, Row
from kernels.tokens.mixtures.packing import PADDING_SEGMENT


class Pairs(NamedTuple):
    """Preference pairs among the texts of rows: P of them, each a chosen and a rejected answer."""

    numbers_P: NDArray[np.int64]
    """Of the pairs among all that a training reads."""
    texts_BT: NDArray[np.int64]
    """Of each position the text that it belongs to: 2 p is the chosen one of pair p, 2 p + 1 the rejected one, `NO_SEGMENT` is none."""
    reference_P2: NDArray[np.float32]
    """Log-probabilities of both answers by the model that training began from."""


class Examples(NamedTuple):
    """What a model reads and is to predict, of B rows: inputs of T positions and, where there is a decoder apart, U positions that it reads."""

    inputs_BT: NDArray[np.int64]
    segments_BT: NDArray[np.int32]
    """`NO_SEGMENT` where there is no document."""
    targets: NDArray[np.int64]
    """[B, U] where there is a decoder apart, else [B, T]."""
    prefix_BT: NDArray[np.bool_] | None
    decoder_inputs_BU: NDArray[np.int64] | None
    decoder_segments_BU: NDArray[np.int32] | None
    num_cut: int
    """Tokens of all rows that found no room."""
    pixels: NDArray[np.float32] | None = None
    """Images of the rows in order, [I, 3, height, width], normalised."""
    pairs: Pairs | None = None
    """Which texts of the rows are held against which, where the loss is on preferences."""


class Transform(NamedTuple):
    """All by which a row becomes an example, beside chance."""

    objective: Objective
    config: Config
    control: ControlTokens
    lengths: tuple[int, int]
    """As ``objective.lengths`` gives them for the most documents that any row holds."""


def prepare_rows(
    tokens_BT: NDArray[np.integer[Any]], segments_BT: NDArray[np.uint16], positions: Sequence[int], seed: int, transform: Transform
) -> Examples:
    """Return rows of a mixture as a model reads them.

    Args:
        tokens_BT: token ids.
        segments_BT: numbers of documents, in order in each row, and `PADDING_SEGMENT` behind them.
        positions: of each row in the order of the training, counted from its first row.
        seed: of chance, at least 0.
        transform: the objective, its config, control tokens and lengths.

    Raises:
        ValueError: rows, segments and positions are not as many, documents are not in order, or an example does not fit its lengths.
    """
    if tokens_BT.shape != segments_BT.shape or len(positions) != len(tokens_BT):
        raise ValueError(f"tokens {tokens_BT.shape}, segments {segments_BT.shape} and {len(positions)} positions are not of the same rows")
    disordered = (segments_BT[:, 1:] < segments_BT[:, :-1]).any(axis=1)
    if disordered.any():
        raise ValueError(f"the documents of row {positions[int(disordered.argmax())]} of the training are not in order; make the mixture anew")
    tokens = tokens_BT.astype(np.int64)
    segments = np.where(segments_BT == PADDING_SEGMENT, NO_SEGMENT, segments_BT.astype(np.int64))
    objective, config, control, lengths = transform
    examples = [
        objective.prepare(Row(tokens[index], segments[index]), random_of_row(seed, position), control, config, lengths)
        for index, position in enumerate(positions)
    ]
    inputs = [example.inputs for example in examples]
    prefixes = [example.prefix for example in examples if example.prefix is not None]
    decoders = [example.decoder for example in examples if example.decoder is not None]
    return Examples(
        inputs_BT=np.stack([row.tokens for row in inputs]),
        segments_BT=_segments(inputs),
        targets=np.stack([example.targets for example in examples]),
        prefix_BT=np.stack(prefixes) if prefixes else None,
        decoder_inputs_BU=np.stack([row.tokens for row in decoders]) if decoders else None,
        decoder_segments_BU=_segments(decoders) if decoders else None,
        num_cut=sum(example.num_cut for example in examples),
    )


def _segments(rows: list[Row]) -> NDArray[np.int32]:
    return np.stack([row.segments for row in rows]).astype(np.int32)


def random_of_row(seed: int, position: int) -> np.random.Generator:
    """Return chance for one row of the training, whatever rows are prepared beside it."""
    return np.random.Generator(np.random.Philox(key=np.array([seed, position], np.uint64)))
