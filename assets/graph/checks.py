"""Checks: questions asked of cells. A verdict counts for the question as it is now, the cell's content, and all else that the judge read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from assets.graph.upstream import Upstream
from resources.storage.manifest import Cell

BAD_ROWS = "num_bad"
"""Under what a finding's metadata tell how many rows of a cell fail, where a check looks at rows."""


class Check(NamedTuple):
    """One question asked of every cell of an asset. A blocking one that fails stops what hangs on the cell."""

    name: str
    description: str
    blocking: bool
    version: str
    """Of the question itself, its thresholds included: another version asks again."""


@dataclass(frozen=True)
class CheckFinding:
    """What a judge found of one cell."""

    passed: bool
    description: str
    """What was measured, and the limit."""
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])


Findings = dict[Cell, dict[str, CheckFinding]]
"""By cell and name of the check."""


@dataclass(frozen=True, kw_only=True)
class CheckSuite:
    """Checks that one evaluation answers together, for any number of cells of one asset."""

    name: str
    asset: str
    checks: tuple[Check, ...]
    evaluate: Callable[[Any, Sequence[Cell]], Findings]
    """Takes a `assets.graph.build.Judging` and the cells."""
    reads: tuple[Upstream, ...] = ()
    """What the judge reads beside the cell."""
    has_data_docs: bool = False
    """Whether its results stand in Great Expectations' Data Docs."""


def single_check(
    name: str,
    description: str,
    asset: str,
    *,
    blocking: bool,
    version: int | str,
    judge: Callable[[Any, Cell], CheckFinding],
    reads: tuple[Upstream, ...] = (),
) -> CheckSuite:
    """Return a suite of one check that looks at one cell at a time."""

    def evaluate(judging: Any, cells: Sequence[Cell]) -> Findings:
        return {cell: {name: judge(judging, cell)} for cell in cells}

    suite = f"{asset.replace('/', '_')}__{name}"
    return CheckSuite(name=suite, asset=asset, checks=(Check(name, description, blocking, str(version)),), evaluate=evaluate, reads=reads)
