"""One recipe opened for a command: its home, lake and graph."""

import os
from collections.abc import Collection, Sequence
from typing import NamedTuple

from assets.graph.artifact import Graph
from assets.graph.state import GraphState
from kernels.specs.names import nearest
from pipelines.planning.planner import look_at_sources
from pipelines.recipe.graph import build_graph
from pipelines.recipe.schema import Recipe, load_recipe
from pipelines.settings import find_home, find_recipe, is_shipped
from resources.storage.home import Home
from resources.storage.lake import Lake
from resources.storage.manifest import Cell
from resources.storage.sources import ObservedSources, load_sources


class Selection(NamedTuple):
    """What of a recipe is to be made."""

    assets: set[str]
    cells: set[Cell] | None
    """Where the work is narrowed to some partitions."""


class Workbench:
    """One recipe, its home, lake and graph, opened for a command."""

    def __init__(self, recipe: str) -> None:
        """Open what ``--recipe`` names."""
        path = find_recipe(recipe)
        self.recipe: Recipe = load_recipe(path)
        self.is_shipped = is_shipped(path)
        self.home: Home = find_home([path], os.environ)
        self.lake: Lake = self.home.lake()
        self.graph: Graph = build_graph(self.recipe, self.home)

    def look(self) -> GraphState:
        """Return the state of every cell as sources and lake stand now. Nothing is written."""
        return GraphState(self.graph, self.lake, look_at_sources(self.graph, self.lake))

    def known(self) -> GraphState:
        """Return the state of every cell for the sources as they were last observed."""
        return GraphState(self.graph, self.lake, load_sources(self.lake, self.recipe.name))

    def select(self, selections: Sequence[str], until: str | None, observed: ObservedSources) -> Selection:
        """Return what selections mean together: each and all that it is made from; everything where there is none.

        A selection is ``name``, ``name+`` (with all that hangs on it) or ``name[partition]``; ``until`` names a stage or an asset past which
        nothing is made.
        """
        chosen = [self._selected(selection, observed) for selection in selections]
        assets = set[str]().union(*(found.assets for found in chosen)) if chosen else set(self.graph.artifacts)
        if until is not None:
            assets &= self.graph.until(until)
        if all(found.cells is None for found in chosen):
            return Selection(assets, None)
        return Selection(assets, set[Cell]().union(*(self._cells(found, observed) for found in chosen)))

    def _cells(self, found: Selection, observed: ObservedSources) -> set[Cell]:
        """Return the cells of a selection."""
        if found.cells is not None:
            return found.cells
        artifacts = [self.graph.artifacts[name] for name in found.assets]
        return {artifact.cell(partition) for artifact in artifacts for partition in artifact.partitions(observed)}

    def _selected(self, selection: str, observed: ObservedSources) -> Selection:
        name, _, partition = selection.rstrip("]+").partition("[")
        if name not in self.graph.artifacts:
            raise ValueError(f"no asset is named {name!r}; {nearest(name, self.graph.artifacts)}")
        chosen = self.graph.upstream({name})
        if selection.endswith("+"):
            chosen = self.graph.upstream(self.graph.downstream({name}))
        if not partition:
            return Selection(chosen, None)
        keys = self.graph.artifacts[name].partitions(observed)
        if partition not in keys:
            raise ValueError(f"{name} has no partition {partition!r}; {nearest(partition, [str(key) for key in keys])}")
        return Selection(chosen, self._cells_above(name, partition, observed))

    def _cells_above(self, name: str, partition: str, observed: ObservedSources) -> set[Cell]:
        """Return a cell and all that it is made from."""
        cells: set[Cell] = set()
        frontier: list[tuple[str, str | None]] = [(name, partition)]
        while frontier:
            asset, key = frontier.pop()
            artifact = self.graph.artifacts[asset]
            cell = artifact.cell(key)
            if cell in cells:
                continue
            cells.add(cell)
            above = [(upstream.asset, each) for upstream in artifact.made_from for each in upstream.choose(observed, key)]
            frontier += [found for found in above if found[0] in self.graph.artifacts]
        return cells

    def cell(self, name: str, standing: Collection[Cell]) -> Cell:
        """Return a cell that stands, as a user names it: ``asset`` or ``asset[partition]``.

        Raises:
            ValueError: there is none (names what was probably meant).
        """
        by_name = {str(cell): cell for cell in standing}
        if name not in by_name:
            raise ValueError(f"nothing is made under {name!r}; {nearest(name, by_name)}")
        return by_name[name]
