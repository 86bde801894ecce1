"""Methods: ways to make a checkpoint."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from kernels.specs.config import Config
from kernels.specs.layout import ALONE, Rank
from kernels.specs.needs import MethodNeed
from kernels.specs.objectives import Attention


@dataclass(frozen=True, kw_only=True)
class MethodJob:
    """All that a method may read and write. Where it runs is here, what it computes is in its config."""

    config: Any
    paths: Mapping[MethodNeed, Path]
    """By need of the method."""
    out: Path
    """An empty folder that becomes the checkpoint; of processes beside the first, one that is not there."""
    scratch: Path
    """A folder that outlives a killed run: resumable state goes here, and only here."""
    device: str
    """``cpu`` or ``cuda``."""
    report: Callable[[dict[str, float]], None]
    """Called with numbers (step, loss, tokens_per_second, ...) while the job runs."""
    say: Callable[[str], None]
    """Called with what a reader of the run's log should know."""
    rank: Rank = ALONE
    """Which of the processes of the job this is; only the first tells and writes."""

    @property
    def is_first(self) -> bool:
        """Whether this process writes ``out`` and returns a summary that counts."""
        return self.rank.number == 0


class CheckpointFinding(NamedTuple):
    """What a check found of a checkpoint: whether it holds, what was measured against which limit, and the numbers."""

    passed: bool
    description: str
    numbers: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class MethodCheck:
    """A question asked of every checkpoint that a method makes."""

    name: str
    description: str
    version: int
    blocking: bool
    limits: Config
    """The thresholds where the recipe gives none."""
    judge: Callable[[Path, Mapping[str, Any], Any], CheckpointFinding]
    """Takes the checkpoint's folder, the summary that the method returned, and the thresholds."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """One way to make a checkpoint. ``run`` writes ``job.out`` and returns flat summary metrics (finite floats)."""

    name: str
    version: int
    config: type[Config]
    needs: tuple[MethodNeed, ...]
    run: Callable[[MethodJob], dict[str, float]]
    checks: tuple[MethodCheck, ...] = field(default=())
    max_positions: Callable[[Any], int | None] = lambda config: None
    """How many tokens a model that it makes may read; None: as many as its parent, or nobody knows before it is there."""
    attention: Callable[[Any], Attention | None] = lambda config: None
    """Who may look at whom in a model that it makes; None: as in its first parent, and causally where it has none."""
    reads_images: bool = False
    """Whether a model that it makes of no other reads images; one that is made of another does as its first parent."""
    attentions: frozenset[Attention] | None = None
    """Who may look at whom in a first parent that it takes further; None: anyone, or as the objective of its config asks."""
    reads: Callable[[Any], tuple[str, int] | None] = lambda config: None
    """The key of its config that says how long a text it reads at most, and that number of tokens; None where its data say so."""
    is_last: bool = False
    """Whether no method can take further what it makes (its weights are quantized, or elsewhere)."""
    has_weights: bool = True
    """Whether the weights of what it makes are in its folder; without, an API is asked, for likelihoods only where its tokenizer is given as data."""
    unhashed: tuple[str, ...] = ()
    """Files that it writes and that are no part of what the model is."""
