"""One recipe opened for a command: its home, lake and graph."""

import os

from assets.graph.artifact import Graph
from pipelines.planning.planner import observe_sources
from pipelines.recipe.graph import build_graph
from pipelines.recipe.schema import Recipe, load_recipe, nearest
from pipelines.settings import find_home, find_recipe
from resources.storage.home import Home
from resources.storage.lake import Cell, Lake


class Workbench:
    """One recipe, its home, lake and graph, opened for a command."""

    def __init__(self, recipe: str) -> None:
        """Open what ``--recipe`` names."""
        path = find_recipe(recipe)
        self.recipe: Recipe = load_recipe(path)
        self.home: Home = find_home([path], os.environ)
        self.lake: Lake = self.home.lake()
        self.graph: Graph = build_graph(self.recipe, self.home)

    def select(self, selection: str | None) -> tuple[set[str], set[Cell] | None]:
        """Return the assets, and where one partition is named the cells, that a selection means: it and all that it is made from.

        ``name``, ``name+`` (with all that hangs on it) or ``name[partition]``.
        """
        if selection is None:
            return set(self.graph.artifacts), None
        name, _, partition = selection.rstrip("]+").partition("[")
        if name not in self.graph.artifacts:
            raise ValueError(f"no asset is named {name!r}; {nearest(name, list(self.graph.artifacts))}")
        chosen = self.graph.upstream({name})
        if selection.endswith("+"):
            chosen = self.graph.upstream(self.graph.downstream({name}))
        if not partition:
            return chosen, None
        cells = [
            artifact.cell(key)
            for artifact in self.graph.artifacts.values()
            if artifact.name in chosen
            for key in artifact.partitions(observe_sources(self.graph, self.lake))
            if key in (partition, None)
        ]
        if not any(cell.partition == partition for cell in cells):
            raise ValueError(f"{name} has no partition {partition!r}; see mill status")
        return chosen, set(cells)
