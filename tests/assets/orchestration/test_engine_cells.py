"""Cells that go to an engine: what is asked of it, and what is believed of its answer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets.graph.artifact import SHARDS, Artifact, Graph
from assets.graph.build import CellBuild
from assets.graph.making import make
from assets.graph.state import GraphState
from assets.graph.upstream import files_of
from assets.orchestration import engine_cells
from assets.orchestration.cells import make_cells
from assets.orchestration.run_cells import Blueprint, RunSettings
from resources.engines.engine import Batch, Engine
from resources.storage.home import Home
from resources.storage.progress import Progress, listening
from resources.storage.sources import save_sources
from tests import small_graphs
from tests.small_graphs import graph_of, observed, workplace

KEYS: list[str | None] = ["s.base.000", "s.base.001", "s.base.002"]


def artifact(**changes: Any) -> Artifact:
    def write(build: CellBuild) -> None:
        (build.draft.folder / "text").write_text(str(build.partition))

    return small_graphs.artifact("corpus/texts", write, **{"partitioning": SHARDS, "made_from": files_of(["s"]), **changes})


@dataclass(frozen=True, kw_only=True)
class Pretender(Engine):
    """An engine whose workers do what a test says."""

    kind: Any = "local"
    work: Callable[[list[str], Callable[[Progress], None]], str | None]
    asked: list[Batch] = field(default_factory=list)

    def run(self, batch: Batch, folder: Path, listener: Callable[[Progress], None]) -> dict[str, str]:
        self.asked.append(batch)
        return {item[0]: reason for item in batch.items if (reason := self.work(item, listener)) is not None}


@dataclass
class Bench:
    """A recipe of one asset, and what watching its runs shows."""

    home: Home
    artifact: Artifact
    heard: list[tuple[str, str]]

    @property
    def graph(self) -> Graph:
        return graph_of(self.artifact)

    def make_one(self, partition: str) -> None:
        """Make a cell unheard, as a process of its own does."""
        heard = list(self.heard)
        make(self.artifact, partition, GraphState(self.graph, self.home.lake(), observed(*map(str, KEYS))), workplace(self.home))
        self.heard[:] = heard

    def run(self, engine: Engine, force: bool = False) -> list[str | None]:
        settings = RunSettings(self.graph, self.home.lake(), self.home, engine, Blueprint("m:f", "recipe.yaml"))
        wanted = KEYS if self.artifact.partitioning else [None]
        return list(make_cells(dg.build_asset_context(), self.artifact, list(wanted), force, settings))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(engine_cells, "run_batch", lambda engine, batch, folder, listener: engine.run(batch, folder, listener))
    bench = Bench(Home.resolve(tmp_path, {}), artifact(), [])
    save_sources(bench.home.lake(), "r", observed(*map(str, KEYS)))
    with listening(lambda progress: bench.heard.append((str(progress.cell.partition), progress.kind))):
        yield bench


def test_only_what_is_stale_is_asked_for_and_what_stands_is_returned_in_order(bench: Bench) -> None:
    bench.make_one("s.base.001")
    engine = Pretender(work=lambda item, listener: bench.make_one(item[0]))
    assert bench.run(engine) == KEYS
    (batch,) = engine.asked
    assert [item[0] for item in batch.items] == ["s.base.000", "s.base.002"]
    assert (batch.opener, batch.settings["recipe_file"], batch.settings["asset"]) == ("m:f", "recipe.yaml", "corpus/texts")
    assert ("s.base.001", "unchanged") in bench.heard
    assert bench.run(engine) == KEYS and len(engine.asked) == 1


def test_every_cell_is_told_as_made_once_also_where_its_worker_was_lost_before_it_could_say_so(bench: Bench) -> None:
    def work(item: list[str], listener: Callable[[Progress], None]) -> None:
        bench.make_one(item[0])
        if item[0] != "s.base.001":
            listener(Progress(bench.artifact.cell(item[0]), "made"))

    bench.run(Pretender(work=work))
    assert bench.heard == [("s.base.000", "made"), ("s.base.002", "made"), ("s.base.001", "made")]


def test_made_is_not_passed_on_before_the_cell_stands(bench: Bench) -> None:
    def work(item: list[str], listener: Callable[[Progress], None]) -> None:
        listener(Progress(bench.artifact.cell(item[0]), "begun"))
        listener(Progress(bench.artifact.cell(item[0]), "made"))

    with pytest.raises(dg.Failure):
        bench.run(Pretender(work=work))
    assert {kind for _, kind in bench.heard} == {"begun", "failed"}


def test_a_failed_cell_stops_no_other_and_is_told(bench: Bench) -> None:
    def work(item: list[str], listener: Callable[[Progress], None]) -> str | None:
        if item[0] == "s.base.001":
            return "ValueError: bad"
        return bench.make_one(item[0])

    assert bench.run(Pretender(work=work)) == ["s.base.000", "s.base.002"]
    assert ("s.base.001", "failed") in bench.heard


def test_a_cell_that_a_worker_only_says_it_made_fails(bench: Bench) -> None:
    with pytest.raises(dg.Failure, match="it is not in the lake"):
        bench.run(Pretender(work=lambda item, listener: None))


def test_an_engine_that_does_not_start_fails_every_cell_with_its_reason(bench: Bench) -> None:
    def refuse(item: list[str], listener: Callable[[Progress], None]) -> str | None:
        raise RuntimeError("no cluster")

    with pytest.raises(dg.Failure, match="no cluster"):
        bench.run(Pretender(work=refuse))


def test_force_is_believed_only_of_a_new_version(bench: Bench) -> None:
    for key in KEYS:
        bench.make_one(str(key))
    with pytest.raises(dg.Failure, match="it is not in the lake"):
        bench.run(Pretender(work=lambda item, listener: None), force=True)
    assert bench.run(Pretender(work=lambda item, listener: bench.make_one(item[0])), force=True) == KEYS


@pytest.mark.parametrize("changes", [{"partitioning": None, "made_from": ()}, {"uses_gpu": True}])
def test_what_trains_or_has_no_partitions_stays_in_the_run(bench: Bench, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Pretender(work=lambda item, listener: "never asked")
    bench.artifact = artifact(**changes)
    bench.run(engine)
    assert engine.asked == []


def test_cells_made_together_of_which_none_can_be_begun_fail_with_the_reason_and_end_in_no_traceback(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("assets.graph.making.draft", full)
    bench.artifact = artifact(build_together=lambda builds: {})
    with pytest.raises(dg.Failure, match="no space left on device"):
        bench.run(Engine(kind="inline"))
    assert [kind for _, kind in bench.heard if kind == "failed"] == ["failed"] * len(KEYS)
