"""Filters: what decides over documents, batch by batch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from kernels.specs.config import Config
from kernels.specs.needs import FilterNeed

if TYPE_CHECKING:
    import polars as pl


class Outcome(NamedTuple):
    """What a filter decides over a batch of N documents, whose texts have P pieces: P is N where none is a conversation."""

    text: "pl.Series"
    """str: the P pieces as the filter leaves them (masked, lines removed), the batch's own text where it changes nothing."""
    reason: "pl.Series"
    """str, N: a short fixed code where the document is dropped, null where it is kept."""
    value: "pl.Series"
    """f64, N: the measured value that the threshold refused, null where kept."""
    tags: "Mapping[str, pl.Series]" = MappingProxyType({})
    """What else was measured, by name (``language``, ``toxicity``, ``num_email``): N of str, f64 or integers, null where nothing is to say."""


@dataclass(frozen=True, kw_only=True)
class Filter:
    """One rule or family of rules. ``apply`` takes a batch of N texts and the config; each row is judged by itself, whatever batch it is in."""

    name: str
    version: int
    config: type[Config]
    apply: Callable[[Any, Any], Outcome]
    """Takes a `kernels.curation.filtering.batch.TextBatch`."""
    needs: Callable[[Any], tuple[FilterNeed, ...]] = lambda config: ()
    """What a config asks the recipe for; see `kernels.curation.filtering.batch.TextBatch.paths`."""
