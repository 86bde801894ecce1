"""What the recipe's waivers accept, in one look at the lake: cells that a check stops, and what is made from them."""

from collections.abc import Callable

from assets.graph.artifact import Graph
from assets.graph.checks import BAD_ROWS
from assets.graph.upstream import Partition
from assets.graph.waivers import Waiver, acceptance_of
from resources.storage.look import CellRecord
from resources.storage.manifest import Manifest, Parent


class Acceptances:
    """The acceptances of a recipe's waivers among cells as they stand."""

    def __init__(self, graph: Graph, record: Callable[[str, Partition], CellRecord]) -> None:
        """Take the graph, and what tells of a cell what the lake has."""
        self._graph, self._record = graph, record

    def of(self, manifest: Manifest, check: str) -> Waiver | None:
        """Return what lets a cell through though a check fails: a waiver for the cell, or for one that it was made from.

        The latter carries over where the check counts rows, and no more of them fail than those that were accepted.
        """
        verdict = self._record(manifest.asset, manifest.partition).verdicts.get(check)
        num_bad = verdict.metadata.get(BAD_ROWS) if verdict is not None else None
        return acceptance_of(self._graph.waivers, manifest, check) or (None if num_bad is None else self._of_parents(manifest, check, num_bad))

    def _of_parents(self, manifest: Manifest, check: str, num_bad: int) -> Waiver | None:
        """Return what accepts at least so many rows that fail a check in a cell of the same partition that a cell was made from."""
        for upstream in self._graph.artifacts[manifest.asset].made_from:
            record = self._record(upstream.asset, manifest.partition)
            parent = record.manifest
            if parent is None or Parent(name=str(parent.cell), content=parent.content) not in manifest.parents:
                continue
            verdict = record.verdicts.get(check)
            waiver = acceptance_of(self._graph.waivers, parent, check)
            if waiver is not None and verdict is not None and verdict.content == parent.content and verdict.metadata.get(BAD_ROWS, 0) >= num_bad:
                return waiver
            if waiver is None and (verdict is None or not verdict.passed) and (earlier := self._of_parents(parent, check, num_bad)):
                return earlier
        return None

    def idle(self) -> list[str]:
        """Return the waivers that are for no cell as it stands, each with why."""
        idle: list[str] = []
        for waiver in self._graph.waivers:
            manifest = self._record(waiver.asset, waiver.partition).manifest
            if manifest is None:
                idle.append(f"{waiver}: there is no such cell (yet)")
            elif not waiver.holds(manifest):
                idle.append(f"{waiver}: it was given for {waiver.content or waiver.version}, and this is {manifest.content} in {manifest.version}")
        return idle
