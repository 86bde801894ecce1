"""What a back end declares: the name that it is chosen by, what it is good for, the forms of weights that it computes with, and how it is opened."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kernels.inference.asking import Answers

if TYPE_CHECKING:
    from kernels.inference.guessing.guesser import Guesser
    from kernels.models.formats.checkpoints import LanguageModel

LOADED, BFLOAT16 = "loaded", "bfloat16"
"""The forms of weights that are as they were stored, computed with in float32, and of those that are computed with in bfloat16."""


class Room(NamedTuple):
    """How much is under way at once."""

    most_kept_tokens: int
    """Of all that is read and made."""
    most_tokens: int = 512
    """Of a step."""
    most_sequences: int = 64


class Manner(NamedTuple):
    """How a back end answers."""

    guesser: "Guesser | None" = None
    """What guesses ahead."""
    is_invariant: bool = False
    """Whether not one bit of an answer depends on what else is asked."""


@dataclass(frozen=True, kw_only=True)
class Backend:
    """A back end."""

    name: str
    why: str
    """What one takes it for."""
    weights: tuple[str, ...]
    """Forms of weights, the usual one first."""
    lacking: Callable[[], str | None]
    """Returns in words what is not there that it needs, with the remedy; None where it lacks nothing."""
    open: Callable[["LanguageModel", str, Room, Manner], Answers]
    """Returns what answers by a loaded model in a form of weights; raises ValueError where it cannot express the model, or answer in the manner."""
    of_cpu: frozenset[str] = frozenset()
    """Forms of weights that the CPU computes with, whatever else the machine has."""
    reads_files: Callable[[Path, str], bool] = lambda folder, weights: False
    """Whether it takes a form of weights from the files of a checkpoint's folder, so that it wants no more of the model than its outline."""
