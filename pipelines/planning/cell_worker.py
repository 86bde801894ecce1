"""What an engine's worker calls: the recipe's graph built again in its process, and cells of one asset made with it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from assets.graph.build import Workplace
from assets.graph.making import make
from assets.graph.state import GraphState
from pipelines.recipe.graph import build_graph
from pipelines.recipe.schema import load_recipe
from resources.devices.launchers import Elsewhere
from resources.storage.home import Home
from resources.storage.sources import load_sources


def open_recipe(settings: dict[str, str]) -> Callable[[str, str, str], None]:
    """Return what makes one cell of ``settings["asset"]``: called with its partition, its fingerprint and the version that it replaces."""
    home = Home(root=Path(settings["home"]), lake_url=settings["lake_url"], package_cache=Path(settings["package_cache"]))
    graph = build_graph(load_recipe(Path(settings["recipe_file"])), home)
    artifact, lake = graph.artifacts[settings["asset"]], home.lake()
    state = GraphState(graph, lake, load_sources(lake, graph.recipe))

    def make_cell(partition: str, fingerprint: str, replaces: str) -> None:
        manifest = lake.manifest(artifact.cell(partition))
        if manifest is not None and manifest.fingerprint == fingerprint and manifest.version != replaces:
            return  # an earlier attempt made it and was lost before it could say so
        if state.identity(artifact, partition).fingerprint != fingerprint:
            raise ValueError("recipe, code or sources are not those of the run on this machine; install the same version everywhere, run mill up")
        make(artifact, partition, state, Workplace(home, _refuse_to_launch, lambda report: None))

    return make_cell


def _refuse_to_launch(
    module: str, job: Path, environments: Sequence[dict[str, str]], on_report: Callable[[dict[str, Any]], None], nodes: Sequence[Elsewhere] = ()
) -> None:
    raise RuntimeError(f"{module}: a worker of an engine launches no jobs; declare the artifact unpartitioned, or one that uses a GPU")
