"""Dagster's own staleness held against the planner's, after each kind of change."""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest
from dagster._utils.caching_instance_queryer import CachingInstanceQueryer

from assets.graph.artifact import SHARDS, Artifact, Graph, by_name
from assets.graph.build import CellBuild
from assets.graph.state import GraphState
from assets.graph.upstream import Upstream, as_set, every, files_of, named, same, whole
from assets.orchestration.keys import asset_key
from assets.orchestration.mirror import restamp
from kernels.specs.config import Config
from pipelines.daemon.instance import open_instance
from pipelines.planning.bring_up import MIRROR_FILE, bring_up, mirror_sources
from pipelines.planning.materialize import materialize_jobs, recipe_definitions, resource_definitions
from pipelines.planning.planner import look_at_sources, observe_sources
from resources.storage.home import Home
from resources.storage.sources import Location, open_file
from tests.small_graphs import artifact

QUIZZES = ("q", "r")
SOURCES = ("books", "web")


def own_quiz(quiz: str) -> Upstream:
    """Return the file of one quiz, for the cell of that quiz only."""
    return Upstream(f"inputs/quiz_{quiz}", lambda observed, partition: (None,) if partition == quiz else ())


class Letters(Config):
    max_letters: int


class Workshop:
    """Six kinds of assets over two sources: partitioned, whole, fan-in, by name, and what hangs on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = Home.resolve(folder / "home", {})
        self.max_letters = {"books": 5, "web": 5}
        self.versions: dict[str, str] = {}
        self.with_words = False
        for source in SOURCES:
            (folder / source).mkdir()
            for number in range(2):
                (folder / source / str(number)).write_text(f"{source}{number}")
        for quiz in QUIZZES:
            (folder / f"quiz_{quiz}").write_text(f"what {quiz}?")

    def graph(self) -> Graph:
        locations = {source: Location(str(self.folder / source), ("*",), "base", 1) for source in SOURCES}
        quizzes = {f"quiz_{quiz}": Location(str(self.folder / f"quiz_{quiz}"), ("*",), "base", 1) for quiz in QUIZZES}

        def read(build: CellBuild) -> None:
            partition = build.observed.partition(build.key)
            with open_file(locations[partition.source], partition.files[0].path) as stream:
                self.write(build, stream.read().decode().strip())

        def cut(build: CellBuild) -> None:
            self.write(build, self.text(build, "documents", build.key)[: build.config.max_letters])

        def ask(build: CellBuild) -> None:
            self.write(build, (self.folder / f"quiz_{build.key}").read_text())

        def join(asset: str) -> Callable[[CellBuild], None]:
            return lambda build: self.write(build, " ".join(self.text(build, asset, key) for key in build.usable(asset)))

        config = {source: Letters(max_letters=number) for source, number in self.max_letters.items()}
        stages = [
            self.stage("documents", read, made_from=files_of(SOURCES), partitioning=SHARDS),
            self.stage("cut", cut, made_from=(same("documents"),), partitioning=SHARDS, config=lambda key: config[str(key).split(".")[0]]),
            self.stage("questions", ask, made_from=tuple(map(own_quiz, QUIZZES)), partitioning=by_name("quizzes", QUIZZES)),
            self.stage(
                "clean",
                lambda build: self.write(build, self.text(build, "cut", build.key)),
                made_from=(same("cut"), as_set(named("questions", QUIZZES)), *((whole("words"),) if self.with_words else ())),
                partitioning=SHARDS,
            ),
            self.stage("mixture", join("clean"), made_from=(every("clean"),)),
            self.stage("model", lambda build: self.write(build, self.text(build, "mixture")), made_from=(whole("mixture"),)),
            self.stage("scores", lambda build: self.write(build, "1"), made_from=(whole("model"),), partitioning=by_name("evals", ["q", "r"])),
        ]
        if self.with_words:
            stages.insert(3, self.stage("words", lambda build: self.write(build, "words"), made_from=()))
        return Graph(recipe="r", artifacts={stage.name: stage for stage in stages}, suites={}, sources=locations, inputs=quizzes)

    def stage(self, name: str, build: Callable[[CellBuild], None], **changes: Any) -> Artifact:
        return artifact(name, build, **{"code_version": self.versions.get(name, "1"), **changes})

    def write(self, build: CellBuild, text: str) -> None:
        (build.draft.folder / "text").write_text(text)

    def text(self, build: CellBuild, asset: str, key: str | None = None) -> str:
        return (build.folder(asset, key) / "text").read_text()

    def up(self) -> list[str]:
        graph = self.graph()
        observe_sources(graph, self.home.lake())  # as the command does, before it loads Dagster
        with open_instance(self.home) as instance, self.home.lock("up"):
            jobs = materialize_jobs(graph, self.folder / "recipe.yaml", self.home, self.home.lake())
            result = bring_up(graph, jobs, instance, self.home.lake(), self.home, set(graph.artifacts))
        assert not result.left, result
        return [str(cell) for cell in result.made]

    def stale(self) -> tuple[set[str], set[str]]:
        """Return what the planner would make now, and what Dagster calls stale or missing, once events are stamped as a sensor stamps them."""
        graph, lake = self.graph(), self.home.lake()
        state = GraphState(graph, lake, look_at_sources(graph, lake))
        with open_instance(self.home) as instance:
            restamp(instance, state, self.home.dagster / MIRROR_FILE)
            parts = recipe_definitions(graph, self.folder / "recipe.yaml"), resource_definitions(self.home, lake)
            assets = dg.Definitions.merge(*parts).get_repository_def().asset_graph
            loading = LoadingContextForTest(instance)
            resolver = CachingStaleStatusResolver(instance, assets, loading, CachingInstanceQueryer(instance, assets, loading))
            by_dagster = {
                str(status.cell)
                for status in state.cells
                if resolver.get_status(asset_key("r", status.cell.asset), status.cell.partition) != StaleStatus.FRESH
            }
        return {str(status.cell) for status in state.cells if status.state == "stale"}, by_dagster


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    """A workshop in which everything has been made."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Dagster's notes on its own beta parameters
        workshop = Workshop(tmp_path)
        workshop.up()
        yield workshop


def test_what_the_planner_calls_fresh_dagster_does_not_call_unsynced(workshop: Workshop) -> None:
    assert workshop.stale() == (set(), set())


def test_a_changed_config_of_one_source_is_stale_for_both_and_the_other_source_is_not(workshop: Workshop) -> None:
    workshop.max_letters["web"] = 3
    assert workshop.stale() == ({"cut[web.base.000]", "cut[web.base.001]"},) * 2
    workshop.up()
    assert workshop.stale() == (set(), set())


def test_changed_code_is_stale_for_both(workshop: Workshop) -> None:
    workshop.versions["mixture"] = "2"
    assert workshop.stale() == ({"mixture"},) * 2
    assert workshop.up() == ["mixture"]
    assert workshop.stale() == (set(), set())


def test_a_new_dependency_is_stale_for_both(workshop: Workshop) -> None:
    workshop.with_words = True
    planned, by_dagster = workshop.stale()
    assert planned == {"words"} and by_dagster >= planned
    workshop.up()
    assert workshop.stale() == (set(), set())


def test_a_changed_file_is_stale_for_both_once_it_is_observed(workshop: Workshop) -> None:
    (workshop.folder / "web" / "1").write_text("another")
    assert workshop.stale()[0] == {"documents[web.base.001]"}
    assert workshop.up()[:2] == ["documents[web.base.001]", "cut[web.base.001]"]
    assert workshop.stale() == (set(), set())


def test_a_change_that_changes_no_content_leaves_what_hangs_on_it_fresh_for_both(workshop: Workshop) -> None:
    (workshop.folder / "web" / "1").write_text("web1  ")
    assert workshop.up() == ["documents[web.base.001]"]
    assert workshop.stale() == (set(), set())


def test_files_that_come_and_go_leave_nothing_unsynced(workshop: Workshop) -> None:
    (workshop.folder / "web" / "2").write_text("third")
    workshop.up()
    assert workshop.stale() == (set(), set())
    (workshop.folder / "web" / "0").unlink()
    workshop.up()
    assert workshop.stale() == (set(), set())


def test_what_is_materialized_from_the_ui_is_fresh_for_both(workshop: Workshop) -> None:
    (workshop.folder / "web" / "1").write_text("one")
    (workshop.folder / "web" / "0").write_text("zero")
    graph, lake = workshop.graph(), workshop.home.lake()
    observed = observe_sources(graph, lake)
    jobs = materialize_jobs(graph, workshop.folder / "recipe.yaml", workshop.home, lake)
    with open_instance(workshop.home) as instance:
        mirror_sources(graph, observed, instance)

        def run(asset: str, **keywords: Any) -> None:
            assert jobs[asset].get_subset(asset_selection={asset_key("r", asset)}).execute_in_process(instance=instance, **keywords).success

        run("documents", partition_key="web.base.001")
        ends = {"dagster/asset_partition_range_start": "web.base.000", "dagster/asset_partition_range_end": "web.base.001"}
        run("documents", tags=ends)
        run("cut", tags=ends)
        run("clean", tags=ends)
        for asset in ("mixture", "model"):
            run(asset)
        run("scores", partition_key="q")
    assert workshop.stale() == ({"scores[r]"},) * 2


def test_runs_of_the_terminal_have_an_origin_so_that_the_timeline_shows_them(workshop: Workshop) -> None:
    with open_instance(workshop.home) as instance:
        runs = instance.get_runs()
        assert runs and all(run.remote_job_origin is not None and run.status == dg.DagsterRunStatus.SUCCESS for run in runs)
        origins = {run.remote_job_origin.repository_origin.code_location_origin.location_name for run in runs if run.remote_job_origin}
    assert origins == {"modelmill"}


def test_a_changed_file_of_one_partition_leaves_the_others_fresh_for_both(workshop: Workshop) -> None:
    (workshop.folder / "quiz_r").write_text("another")
    assert "questions[q]" not in workshop.up()
    assert workshop.stale() == (set(), set())
