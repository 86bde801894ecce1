"""A mixture as Megatron reads it: token files of each source with its share, and of what is held out."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from kernels.tokens.indexed_datasets import write_rows
from kernels.tokens.mixtures.index import read_index, shares_of
from kernels.training.feeding.feed import open_split


class Blend(NamedTuple):
    """Token files by their prefixes, within the folder that they were written to."""

    train: Sequence[tuple[float, str]]
    """With the share of each."""
    validation: str | None
    """None where nothing is held out."""


def write_blend(mixture: Path, vocab_size: int, folder: Path) -> Blend:
    """Write the token files of a mixture.

    Args:
        mixture: its folder.
        vocab_size: of its tokenizer.
        folder: of the files; it is made.

    Raises:
        ValueError: its shares change on the way, which a blend's do not.
    """
    index = read_index(mixture)
    if index.stages:
        raise ValueError(f"{mixture}: its shares change on the way, and Megatron's do not; train on a mixture without 'stages'")
    folder.mkdir(parents=True)
    shares, split = shares_of(index.weights), open_split(mixture, "train")
    train: list[tuple[float, str]] = []
    for number, (source, share) in enumerate(shares.items()):
        place = index.sources[source]
        rows = slice(place.first_row, place.first_row + place.num_rows)
        write_rows(split.tokens[rows], split.segments[rows], vocab_size, folder / f"train_{number}")
        train.append((float(share), f"train_{number}"))
    held = open_split(mixture, "validation")
    if not len(held.tokens):
        return Blend(train, None)
    write_rows(held.tokens, held.segments, vocab_size, folder / "validation")
    return Blend(train, "validation")
