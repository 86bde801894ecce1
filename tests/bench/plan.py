"""How long a no-op plan takes: 50 partitions x 6 stages, all fresh. The peer is Dagster's own staleness over the same cells.

Run by ``make bench NAME=plan``. The stages are real artifacts with trivial builds; the peer asks Dagster's instance for the latest data version of
every partition of every stage, which is the least that any planner on its event log has to read. Its data are made on the spot.
"""

import json
import resource
import tempfile
import warnings
from pathlib import Path

import dagster as dg
import pyarrow as pa

from assets.graph.artifact import SHARDS, Artifact, Graph
from assets.graph.build import CellBuild, Workplace
from assets.graph.making import make
from assets.graph.state import GraphState
from assets.graph.upstream import same
from pipelines.planning.planner import observe_sources, plan
from resources.storage.home import Home
from resources.storage.sources import Location, ObservedSources
from tests.bench.measuring import least

STAGES, PARTITIONS, REPEATS = 6, 50, 5


def stage(number: int) -> Artifact:
    """Return one stage that copies a number."""

    def build(build: CellBuild) -> None:
        build.write("rows", pa.table({"n": [number]}), main=True)

    above = f"stage/{number - 1}" if number else "sources/texts"
    return Artifact(
        recipe="bench",
        name=f"stage/{number}",
        description="",
        group="corpus",
        kinds=(),
        code_version="1",
        partitioning=SHARDS,
        made_from=(same(above),),
        build=build,
    )


def main() -> None:
    """Build the cells, then time both."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "texts").mkdir()
        for number in range(PARTITIONS):
            (root / "texts" / f"{number:03d}.txt").write_text(str(number))
        home = Home.resolve(root / ".mill", {})
        lake = home.lake()
        artifacts = [stage(number) for number in range(STAGES)]
        texts = Location(str(root / "texts"), ("*.txt",), "base", 1)
        graph = Graph(recipe="bench", artifacts={artifact.name: artifact for artifact in artifacts}, suites={}, sources={"texts": texts}, inputs={})
        observed = observe_sources(graph, lake)
        (root / "dagster").mkdir()
        instance = dg.DagsterInstance.local_temp(str(root / "dagster"))
        for artifact in artifacts:
            state = GraphState(graph, lake, observed)
            for partition in artifact.partitions(observed):
                manifest = make(artifact, partition, state, Workplace(home, _refuse, lambda report: None))
                event = dg.AssetMaterialization(artifact.name.split("/"), partition=partition, tags={"dagster/data_version": manifest.content})
                instance.report_runless_asset_event(event)
        ours = least(lambda number: _plan(graph, home), REPEATS)
        peer = least(lambda number: _read_versions(artifacts, observed, instance), REPEATS)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"CPU seconds, then wall clock: ours {ours[0]:.4f}, {ours[1]:.4f}; Dagster's event log {peer[0]:.4f}, {peer[1]:.4f}")
    figures = {
        "name": "plan", "ours": round(ours.cpu_seconds, 4), "peer": round(peer.cpu_seconds, 4),
        "ratio": round(peer.cpu_seconds / ours.cpu_seconds, 2), "unit": "CPU s", "peak_mb": round(peak),
        "ours_wall_s": round(ours.wall_seconds, 4), "peer_wall_s": round(peer.wall_seconds, 4),
    }  # fmt: skip
    print(json.dumps(figures))


def _refuse(*arguments: object) -> None:
    raise RuntimeError("the stages launch no job")


def _plan(graph: Graph, home: Home) -> None:
    lake = home.lake()  # a fresh one, with nothing remembered
    planned = plan(graph, lake, observe_sources(graph, lake))
    assert len(planned.cells) == STAGES * PARTITIONS and not planned.having("stale", "pending")


def _read_versions(artifacts: list[Artifact], observed: ObservedSources, instance: dg.DagsterInstance) -> None:
    for artifact in artifacts:
        versions = instance.event_log_storage.get_latest_tags_by_partition(
            dg.AssetKey(artifact.name.split("/")), dg.DagsterEventType.ASSET_MATERIALIZATION, tag_keys=["dagster/data_version"]
        )
        assert len(versions) == len(artifact.partitions(observed))


if __name__ == "__main__":
    main()
