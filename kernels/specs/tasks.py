"""Tasks: what a model is asked, and how its answers are scored."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from kernels.specs.config import Config

if TYPE_CHECKING:
    import polars as pl


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
    """Scores, and one row an item (at least ``item``; then what was asked, answered and expected)."""

    scores: list[Score]
    items: "pl.DataFrame"


@dataclass(frozen=True, kw_only=True)
class Eval:
    """One evaluation. ``run(model, data, config)`` takes a `kernels.models.formats.checkpoints.LanguageModel`."""

    name: str
    version: int
    config: type[Config]
    data: Literal["file", "heldout", "none"]
    """``file``: a data file the recipe names; ``heldout``: the mixture's validation documents; ``none``: the config is enough."""
    run: Callable[[Any, Path | None, Any], EvalResult]
    texts: Callable[[Path], Iterator[str]] | None = None
    """The texts of a data file that must not occur in training data."""
