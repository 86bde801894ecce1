"""Mixtures of a few rows, as a training reads them."""

from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from kernels.tokens.mixtures.index import MixtureIndex, SourceRows, write_index
from kernels.tokens.mixtures.packing import PADDING_SEGMENT


def most_documents(segments: NDArray[Any]) -> int:
    """Return the most documents in one row of segments [N, T], which are counted from 0."""
    return int(np.where(segments == PADDING_SEGMENT, -1, segments.astype(np.int64)).max(initial=-1)) + 1


def put_rows(folder: Path, split: str, tokens: NDArray[Any], segments: NDArray[Any], max_epochs: float = 1e6) -> None:
    """Write the rows of one split; those of the training split are of one source, which may be read as often as is said."""
    np.save(folder / f"{split}_tokens.npy", tokens.astype(np.uint16))
    np.save(folder / f"{split}_segments.npy", segments.astype(np.uint16))
    if split == "train":
        rows = SourceRows(first_row=0, num_rows=len(tokens), max_epochs=max_epochs)
        content = xxhash.xxh3_128_hexdigest(tokens.tobytes() + segments.tobytes())
        length, documents = tokens.shape[1], most_documents(segments)
        index = MixtureIndex(
            seed=1, sequence_length=length, sources={"books": rows}, weights={"books": 1.0}, max_documents=documents, content=content
        )
        write_index(index, folder)
