"""One question of a benchmark before any template, and where a benchmark's questions are.

Contract: a reader takes what the recipe's ``data`` names (a file, or the folder of the official distribution) and a split, and yields items in the
order of the files. A record that cannot be asked is a `Reject` with its reason; a file that is none of the benchmark's is an error.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from kernels.specs.sources import Reject


class Item(NamedTuple):
    """One question."""

    key: str
    """``file:line``."""
    fields: Mapping[str, Any]
    """What templates name, such as ``question`` and ``passage``."""
    options: tuple[str, ...] = ()
    """What is chosen from; none where an answer is written."""
    expected: tuple[int, ...] = ()
    """Indices of the options that are right."""
    references: tuple[str, ...] = ()
    """Answers that count as right where one is written."""
    groups: tuple[str, ...] = ()
    """What it is scored with beside all others: a subject, a language."""
    about: str | None = None
    """What other items may be about too, such as a passage; None where each is about something else."""

    @property
    def right(self) -> str:
        """The right answer, as an example shows it: the first right option, else the first reference. Raises ValueError: it has none."""
        if not self.expected and not self.references:
            raise ValueError(f"{self.key}: has no right answer that an example could show; leave num_shots at 0")
        return self.options[self.expected[0]] if self.options else self.references[0]


Reader = Callable[[Path, str], Iterator[Item | Reject]]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """The questions of a benchmark."""

    read: Reader
    asked: str
    """The split that is asked where a recipe names none."""
    shots: str | None = None
    """The split that examples are taken from; None where there is no other, and those are taken that are not asked."""
    max_rejects: int = 0
    """How many records of the official files are known to be broken."""
    question: str = "question"
    """The field that tells one item from another: what must not stand in training data."""


def items_of(dataset: Dataset, path: Path, split: str) -> tuple[list[Item], list[Reject]]:
    """Return the items of a split, and its rejects.

    Raises:
        ValueError: the split is empty, or more records are rejected than the benchmark is known to hold.
    """
    items: list[Item] = []
    rejects: list[Reject] = []
    for found in dataset.read(path, split):
        if isinstance(found, Item):
            items.append(found)
            continue
        rejects.append(found)
        if len(rejects) > dataset.max_rejects:
            known = f"{dataset.max_rejects} such records are known in this benchmark"
            raise ValueError(f"{found.key}: {found.reason} {found.detail!r}; {known}, this is one more: repair the file")
    if not items:
        raise ValueError(f"{path.name}: the split {split!r} has no item; look whether the files are whole")
    return items, rejects


def choose_subset(num_available: int, num_items: int | None, seed: int) -> list[int]:
    """Return the ascending indices of ``num_items`` items, or of all where it is None or there are no more, drawn by a seeded permutation."""
    import numpy as np

    return sorted(np.random.default_rng(seed).permutation(num_available)[:num_items].tolist())


def labelled(options: Sequence[tuple[str, str]], label: str, key: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the texts of options given as (label, text), and the index of the one with a label.

    Raises:
        ValueError: no option has it, or two have.
    """
    found = tuple(index for index, (name, _) in enumerate(options) if name == label)
    if len(found) != 1:
        raise ValueError(f"{key}: the answer {label!r} is the label of {len(found)} options; repair the file")
    return tuple(text for _, text in options), found
