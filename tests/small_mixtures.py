"""Mixtures of a few rows, as a training reads them."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.tokens.mixtures.index import MixtureIndex, SourceRows, write_index


def put_rows(folder: Path, split: str, tokens: NDArray[Any], segments: NDArray[Any], max_epochs: float = 1e6) -> None:
    """Write the rows of one split; those of the training split are of one source, which may be read as often as is said."""
    np.save(folder / f"{split}_tokens.npy", tokens.astype(np.uint16))
    np.save(folder / f"{split}_segments.npy", segments.astype(np.uint16))
    if split == "train":
        rows = SourceRows(first_row=0, num_rows=len(tokens), max_epochs=max_epochs)
        write_index(MixtureIndex(seed=1, sequence_length=tokens.shape[1], sources={"books": rows}, weights={"books": 1.0}), folder)
