"""Token files of Megatron (``NAME.bin`` beside ``NAME.idx``, MMIDIDX version 1): a mixture's documents, one sequence each, as its rows hold them.

The first file is the tokens one behind the other, 16 bits each where the vocabulary has fewer than 65,500, else 32. The index is a header, the
sequences' lengths and places, and the sequences that documents begin with, little-endian: as megatron-core 0.16.1 reads it
(core/datasets/indexed_dataset.py).
"""

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.tokens.mixtures.packing import PADDING_SEGMENT

HEADER = struct.Struct("<9sQBQQ")
MAGIC, VERSION = b"MMIDIDX\x00\x00", 1
CODES: dict[type[np.integer[Any]], int] = {np.int32: 4, np.uint16: 8}
MOST_OF_16_BITS = 65_500
"""Vocabularies from here on take 32 bits."""
ROWS_TOGETHER = 4096


def write_rows(tokens: NDArray[np.integer[Any]], segments: NDArray[np.uint16], vocab_size: int, prefix: Path) -> int:
    """Write ``prefix.bin`` and ``prefix.idx`` and return how many sequences they hold.

    Args:
        tokens: of rows [N, T], mapped from a file or not.
        segments: which of a row's documents each position is of [N, T]; `PADDING_SEGMENT` where it is none's. What of a document went into another
            row is another sequence.
        vocab_size: of the tokenizer.
        prefix: of the two files, whose folder is there.
    """
    kind = np.uint16 if vocab_size < MOST_OF_16_BITS else np.int32
    lengths: list[NDArray[np.int64]] = []
    with prefix.with_name(f"{prefix.name}.bin").open("wb") as file:
        for first in range(0, len(tokens), ROWS_TOGETHER):
            rows, numbers = tokens[first : first + ROWS_TOGETHER], segments[first : first + ROWS_TOGETHER]
            held = numbers != PADDING_SEGMENT
            begins = np.ones(numbers.shape, np.bool_)
            begins[:, 1:] = numbers[:, 1:] != numbers[:, :-1]
            begins = begins[held]
            file.write(np.ascontiguousarray(rows[held], kind).tobytes())
            lengths.append(np.diff(np.flatnonzero(begins), append=len(begins)))
    counts = np.concatenate([*lengths, np.empty(0, np.int64)])
    places = (np.cumsum(counts) - counts) * np.dtype(kind).itemsize
    with prefix.with_name(f"{prefix.name}.idx").open("wb") as file:
        file.write(HEADER.pack(MAGIC, VERSION, CODES[kind], len(counts), len(counts) + 1))
        for column, width in ((counts, "<i4"), (places, "<i8"), (np.arange(len(counts) + 1), "<i8")):
            file.write(column.astype(width).tobytes())
    return len(counts)


def read_sequences(prefix: Path) -> list[NDArray[np.integer[Any]]]:
    """Return the sequences of two such files.

    Raises:
        ValueError: the index is none, or of another version or type.
    """
    index, kinds = prefix.with_name(f"{prefix.name}.idx").read_bytes(), {code: kind for kind, code in CODES.items()}
    magic, version, code, count, _ = HEADER.unpack_from(index)
    if (magic, version) != (MAGIC, VERSION) or code not in kinds:
        raise ValueError(f"{prefix}.idx: is no index of version {VERSION} of 16 or 32 bits; write it again with mill launch")
    counts = np.frombuffer(index, "<i4", count, HEADER.size)
    tokens = np.fromfile(prefix.with_name(f"{prefix.name}.bin"), kinds[code])
    return np.split(tokens, np.cumsum(counts)[:-1]) if count else []
