"""Tasks: what a model is asked, and how its answers are scored."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from kernels.specs.config import Config
from kernels.specs.needs import TaskNeed
from kernels.specs.objectives import Attention

if TYPE_CHECKING:
    import polars as pl


CONTINUES_TEXTS: frozenset[Attention] = frozenset({"causal", "prefix", "encoder_decoder"})
"""What gives a continuation of a text its likelihood. A model that predicts masked tokens gives none."""


class Score(NamedTuple):
    """One metric of one model: a mean over items with a bootstrap confidence interval, and what chance would give."""

    metric: str
    value: float
    low: float
    high: float
    chance: float | None
    num_items: int
    higher_is_better: bool = True


class EvalResult(NamedTuple):
    """Scores, what they are made of, and one row an item (at least ``item``; then what was asked, answered and expected)."""

    scores: list[Score]
    items: "pl.DataFrame"
    values: "pl.DataFrame"
    """One row a metric and item: metric, statistic (how values become the metric), item, about (what the item is about), values."""


Progress = Callable[[int, int], None]
"""Is told how many items of how many are done."""


def unwatched(num_done: int, num_items: int) -> None:
    """Tell nobody."""


class ItemTexts(NamedTuple):
    """What of one item of a task must not occur in training data."""

    parts: tuple[str, ...]
    """Pieces that tell the item where they are long: a passage, the question, an option."""
    wholes: tuple[str, ...]
    """The question with each option as they may stand together: what tells a short item."""
    key: str = ""
    """The item's own, as its answer has it."""


@dataclass(frozen=True, kw_only=True)
class TaskTexts:
    """The texts of a task's data file that must not occur in training data, item by item."""

    version: int
    """Raised when the same file gives other texts; scoring has a version of its own."""
    read: Callable[[Path], Iterator[ItemTexts]]


@dataclass(frozen=True, kw_only=True)
class Task:
    """One task. ``run(model, data, config, progress)`` takes an `AskedModel` of `kernels.inference.asked_models` and the path of its need, if any."""

    name: str
    version: int
    """Of the scoring."""
    config: type[Config]
    need: TaskNeed | None
    """None where the config is enough."""
    run: Callable[[Any, Path | None, Any, Progress], EvalResult]
    attentions: frozenset[Attention] = CONTINUES_TEXTS
    """Of which models it is asked: those in which tokens look at each other in one of these ways. The others have no score of it."""
    reads_images: bool = False
    """Whether it asks about images: models that read none have no score of it."""
    asks_likelihoods: bool = True
    """Whether it asks how likely texts are: models of APIs that do not tell have no score of it."""
    texts: TaskTexts | None = None
    metrics: tuple[str, ...] = ()
    """Names of its scores, the headline first; ``*`` stands for a name that its data gives."""
