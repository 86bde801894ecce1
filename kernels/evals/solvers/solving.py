"""What solvers are given and give back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from kernels.evals.datasets.items import Item
from kernels.evals.prompting.config import PromptConfig
from kernels.specs.objectives import Attention
from kernels.specs.tasks import Progress

if TYPE_CHECKING:
    from kernels.inference.asked_models import AskedModel


class Put(NamedTuple):
    """An item that is asked, with the examples that may stand before it."""

    item: Item
    shots: Sequence[Item]


class Solved(NamedTuple):
    """What a model answered to an item: the solver's own answer, and what of it is shown in the row of the item."""

    answer: Any
    row: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Solver:
    """One way to ask. ``solve(model, asked, config, progress)`` returns what was answered to each item, in order."""

    config: type[PromptConfig]
    solve: "Callable[[AskedModel, Sequence[Put], Any, Progress], list[Solved]]"
    attentions: frozenset[Attention]
    """Which models can be asked so."""
    asks_likelihoods: bool
    columns: Callable[[], dict[str, Any]]
    """Columns of the rows, with their types of Polars."""
