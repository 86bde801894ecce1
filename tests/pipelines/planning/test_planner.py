"""What the planner finds stale, and why, on a graph of four stages made by hand and without Dagster."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assets.graph.artifact import SHARDS, Artifact, Graph
from assets.graph.build import CellBuild, Judging
from assets.graph.checks import Check, CheckFinding, CheckSuite
from assets.graph.making import make
from assets.graph.state import GraphState
from assets.graph.upstream import Upstream, earlier, every, files_of, same
from kernels.specs.config import Config
from pipelines.planning.planner import Plan, Wave, next_wave, observe_sources, plan, with_what_follows
from resources.storage.home import Home
from resources.storage.lake import Lake
from resources.storage.manifest import Cell
from resources.storage.sources import Location, open_file
from tests.small_graphs import artifact, bring_up, workplace

DOCUMENTS, FILTERED, UNIQUE, REPORT = "corpus/documents", "corpus/filtered", "corpus/unique", "report"
STAGES = (DOCUMENTS, FILTERED, UNIQUE)


class Step(Config):
    min_chars: int


class Steps(Config):
    steps: list[Step]


def lines(table: pa.Table) -> list[str]:
    return table["text"].to_pylist()


@dataclass
class Works:
    """A small graph that a test may change, and the lake that it fills."""

    folder: Path
    min_chars: int = 1
    filter_version: str = "1"
    check_version: str = "1"
    checked: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)
    """Cells that were judged, in order."""

    @property
    def lake(self) -> Lake:
        return self.home.lake()

    @property
    def home(self) -> Home:
        return Home.resolve(self.folder / ".mill", {})

    @property
    def location(self) -> Location:
        return Location(str(self.folder / "books"), ("*.txt",), "base", 1)

    def write(self, name: str, *texts: str) -> None:
        (self.folder / "books").mkdir(parents=True, exist_ok=True)
        (self.folder / "books" / f"{name}.txt").write_text("\n".join(texts))

    def graph(self) -> Graph:
        def read(build: CellBuild) -> None:
            with open_file(self.location, build.observed.partition(build.key).files[0].path) as stream:
                build.write("documents", pa.table({"text": [line.strip() for line in stream.read().decode().splitlines()]}), main=True)

        def keep_long(build: CellBuild) -> None:
            texts = lines(build.table(DOCUMENTS, "documents", build.key))
            build.write("documents", pa.table({"text": [text for text in texts if len(text) >= build.config.steps[0].min_chars]}))

        def keep_first(build: CellBuild) -> None:
            before = build.observed.keys[: build.observed.positions[build.key]]
            known = set(build.usable(FILTERED))
            seen = {text for key in before if key in known for text in lines(build.table(FILTERED, "documents", key))}
            texts = lines(build.table(FILTERED, "documents", build.key))
            build.write("documents", pa.table({"text": pa.array([text for text in texts if text not in seen], pa.string())}))

        def collect(build: CellBuild) -> None:
            texts = [text for key in build.usable(UNIQUE) for text in lines(build.table(UNIQUE, "documents", key))]
            build.write("documents", pa.table({"text": pa.array(texts, pa.string())}))

        steps = Steps(steps=[Step(min_chars=self.min_chars)])
        stages = [
            self.stage(DOCUMENTS, read, files_of(["books"])),
            self.stage(FILTERED, keep_long, (same(DOCUMENTS),), code_version=self.filter_version, config=lambda partition: steps),
            self.stage(UNIQUE, keep_first, (same(FILTERED), earlier(FILTERED))),
            self.stage(REPORT, collect, (every(UNIQUE),), partitioning=None),
        ]
        return Graph(
            recipe="small",
            artifacts={stage.name: stage for stage in stages},
            suites={asset: [self.suite(asset)] for asset in self.checked},
            sources={"books": self.location},
            inputs={},
        )

    def stage(self, name: str, build: Callable[[CellBuild], None], made_from: tuple[Upstream, ...], **changes: Any) -> Artifact:
        return artifact(name, build, **{"recipe": "small", "partitioning": SHARDS, "made_from": made_from, **changes})

    def suite(self, asset: str) -> CheckSuite:
        def evaluate(judging: Judging, cells: list[Cell]) -> dict[Cell, dict[str, CheckFinding]]:
            self.asked += [str(cell) for cell in cells]
            return {cell: {f"no_{fault}": self.finding(judging, cell, fault) for fault in ("rot", "mould")} for cell in cells}

        checks = (Check("no_rot", "No rot.", True, self.check_version), Check("no_mould", "No mould.", False, self.check_version))
        return CheckSuite(name=f"{asset}_suite", asset=asset, checks=checks, evaluate=evaluate)

    def finding(self, judging: Judging, cell: Cell, fault: str) -> CheckFinding:
        num_bad = lines(judging.table(cell, "documents")).count(fault)
        return CheckFinding(not num_bad, f"{num_bad} rows of {fault}")

    def plan(self) -> Plan:
        graph = self.graph()
        return plan(graph, self.lake, observe_sources(graph, self.lake))

    def waiting(self, *states: str) -> dict[str, str]:
        """Return cells that are not fresh (or in some states), with the reason."""
        return {str(p.cell): p.reason for p in self.plan().cells if (p.state in states if states else p.state != "fresh")}

    def up(self, *selected: str) -> list[str]:
        """Judge and make until nothing is left, and return what was made, in order."""
        graph = self.graph()
        return bring_up(graph, self.home, observe_sources(graph, self.lake), set(selected) or None)

    def reported(self) -> list[str]:
        return lines(self.lake.table(Cell("small", REPORT), "documents"))

    def contents(self) -> dict[str, str]:
        return {str(cell): self.lake.require(cell).content for cell in self.lake.cells("small")}


def chain(number: int, *stages: str) -> list[str]:
    return [f"{stage}[books.base.00{number}]" for stage in stages or STAGES]


@pytest.fixture
def works(tmp_path: Path) -> Works:
    """Three files, of which nothing has been made."""
    works = Works(tmp_path)
    for name, texts in {"a": ("river", "old house"), "b": ("garden", "river"), "c": ("bridge",)}.items():
        works.write(name, *texts)
    return works


@pytest.fixture
def finished(works: Works) -> Works:
    works.up()
    return works


def test_at_first_everything_is_missing_and_only_what_has_no_parent_is_ready(works: Works) -> None:
    assert works.waiting("stale") == {cell: "missing" for number in range(3) for cell in chain(number, DOCUMENTS)}
    pending = works.waiting("pending")
    assert set(pending) == {REPORT, *(cell for number in range(3) for cell in chain(number, FILTERED, UNIQUE))}
    assert pending["corpus/filtered[books.base.001]"] == "missing; hangs on corpus/documents[books.base.001]"
    assert pending[REPORT] == "missing; hangs on corpus/unique[books.base.000] and 2 more"


def test_a_parent_is_made_before_its_children_and_each_cell_once(works: Works) -> None:
    made = works.up()
    assert made == [*(cell for stage in STAGES for number in range(3) for cell in chain(number, stage)), REPORT]
    assert works.reported() == ["river", "old house", "garden", "bridge"]


def test_afterwards_there_is_nothing_to_do(finished: Works) -> None:
    assert finished.waiting() == {}
    assert finished.up() == []
    assert next_wave(finished.graph(), finished.plan(), {*STAGES, REPORT}, set(), set()) is None


def test_only_what_is_selected_is_made(works: Works) -> None:
    assert works.up(DOCUMENTS) == [cell for number in range(3) for cell in chain(number, DOCUMENTS)]
    assert set(works.waiting("stale")) == {cell for number in range(3) for cell in chain(number, FILTERED)}


def test_a_config_makes_stale_its_own_stage_and_names_key_and_values(finished: Works) -> None:
    finished.min_chars = 2
    stale = finished.waiting("stale")
    assert stale == {cell: "config changed: steps[0].min_chars 1 -> 2" for number in range(3) for cell in chain(number, FILTERED)}
    assert set(finished.waiting("pending")) == {REPORT, *(cell for number in range(3) for cell in chain(number, UNIQUE))}
    assert finished.up() == list(stale), "nothing is shorter than two characters: the wave stops"


def test_a_config_that_changes_content_goes_all_the_way_down(finished: Works) -> None:
    finished.min_chars = 7
    assert finished.up() == [
        *(cell for number in range(3) for cell in chain(number, FILTERED)),
        *(cell for number in range(3) for cell in chain(number, UNIQUE)),
        REPORT,
    ]
    assert finished.reported() == ["old house"]


def test_new_code_makes_stale_its_own_stage(finished: Works) -> None:
    finished.filter_version = "2"
    assert finished.waiting("stale") == {cell: "code changed: 1 -> 2" for number in range(3) for cell in chain(number, FILTERED)}


def test_code_and_config_are_both_named(finished: Works) -> None:
    finished.filter_version, finished.min_chars = "2", 3
    assert finished.waiting("stale")["corpus/filtered[books.base.000]"] == "code changed: 1 -> 2; config changed: steps[0].min_chars 1 -> 3"


def test_a_changed_file_makes_stale_its_own_reader_and_then_what_hangs_on_it(finished: Works) -> None:
    finished.write("c", "a longer bridge")
    assert finished.waiting("stale") == {"corpus/documents[books.base.002]": "parent sources/books[books.base.002] changed"}
    finished.up(DOCUMENTS)
    assert finished.waiting("stale") == {"corpus/filtered[books.base.002]": "parent corpus/documents[books.base.002] changed"}
    assert finished.up() == [*chain(2, FILTERED, UNIQUE), REPORT]
    assert finished.reported()[-1] == "a longer bridge"


def test_a_parent_made_again_with_equal_content_leaves_its_children_fresh(finished: Works) -> None:
    before = finished.contents()
    finished.write("a", "river   ", "old house", "")
    assert finished.up() == chain(0, DOCUMENTS)
    assert finished.contents() == before
    assert finished.waiting() == {}


def test_a_new_file_makes_its_own_chain_and_the_fan_in(finished: Works) -> None:
    finished.write("aa", "river", "market")  # sorts between a and b, arrives last
    assert set(finished.waiting()) == {*chain(3), REPORT}
    assert finished.up() == [*chain(3), REPORT]
    assert finished.reported() == ["river", "old house", "garden", "bridge", "market"]


def test_a_file_that_goes_leaves_the_fan_in_stale_and_takes_its_cells_out_of_the_plan(finished: Works) -> None:
    (finished.folder / "books" / "c.txt").unlink()
    assert finished.waiting() == {REPORT: "parent corpus/unique[books.base.002] is gone"}


def test_what_arrived_earlier_counts_for_later_partitions_and_not_the_other_way(finished: Works) -> None:
    finished.write("b", "window")
    finished.up(DOCUMENTS, FILTERED)
    assert finished.waiting("stale") == {
        "corpus/unique[books.base.001]": "parent corpus/filtered[books.base.001] changed",
        "corpus/unique[books.base.002]": "parent corpus/filtered[earlier] changed",
    }
    assert finished.up() == ["corpus/unique[books.base.001]", "corpus/unique[books.base.002]", REPORT]


def test_an_earlier_partition_that_goes_gives_its_texts_back(finished: Works) -> None:
    (finished.folder / "books" / "a.txt").unlink()
    finished.up()
    assert finished.reported() == ["garden", "river", "bridge"]


# --- checks ---


def test_cells_that_were_not_judged_are_judged_before_anything_is_made(works: Works) -> None:
    works.checked = (DOCUMENTS,)
    works.up(FILTERED)  # nothing is ready
    documents = [cell for number in range(3) for cell in chain(number, DOCUMENTS)]
    graph, lake = works.graph(), works.lake
    state = GraphState(graph, lake, observe_sources(graph, lake))
    for key in state.observed.keys:
        make(graph.artifacts[DOCUMENTS], key, state, workplace(works.home))
    assert works.waiting("unjudged") == dict.fromkeys(documents, "its checks have not run")
    assert works.waiting("pending")["corpus/filtered[books.base.000]"] == (
        "missing; hangs on corpus/documents[books.base.000], whose checks have not run"
    )
    assert next_wave(graph, works.plan(), {*STAGES, REPORT}, set(), set()) == Wave({}, [DOCUMENTS])
    works.up()
    assert works.asked == documents
    assert works.waiting() == {}


def test_a_cell_is_judged_again_when_its_content_or_the_question_changes_and_only_then(works: Works) -> None:
    works.checked = (DOCUMENTS,)
    works.up()
    works.asked.clear()
    works.up()
    assert works.asked == []
    works.write("c", "changed")
    works.up()
    assert works.asked == chain(2, DOCUMENTS)
    works.check_version = "2"
    works.up()
    assert works.asked == [*chain(2, DOCUMENTS), *(cell for number in range(3) for cell in chain(number, DOCUMENTS))]


def test_a_bad_partition_is_blocked_with_the_finding_and_holds_its_descendants_alone(works: Works) -> None:
    works.checked = (DOCUMENTS,)
    works.write("b", "garden", "rot")
    made = works.up()
    assert works.waiting() == {
        "corpus/documents[books.base.001]": "no_rot: 1 rows of rot",
        "corpus/filtered[books.base.001]": "held: corpus/documents[books.base.001] is blocked",
        "corpus/unique[books.base.001]": "held: corpus/filtered[books.base.001] is held",
    }
    assert set(made) == {*chain(0), *chain(1, DOCUMENTS), *chain(2), REPORT}
    assert works.reported() == ["river", "old house", "bridge"]


def test_a_bad_partition_that_is_mended_goes_on(works: Works) -> None:
    works.checked = (DOCUMENTS,)
    works.write("b", "garden", "rot")
    works.up()
    works.write("b", "garden")
    assert works.up() == [*chain(1), *chain(2, UNIQUE), REPORT]
    assert works.waiting() == {}
    assert works.reported() == ["river", "old house", "garden", "bridge"]


def test_a_partition_that_turns_bad_feeds_nobody_while_the_others_go_on(works: Works) -> None:
    works.checked = (DOCUMENTS,)
    works.up()
    works.write("b", "garden", "rot")
    works.write("c", "market")
    assert works.up() == [*chain(1, DOCUMENTS), *chain(2), REPORT]
    assert works.waiting("stale", "pending", "unjudged") == {}
    assert works.reported() == ["river", "old house", "market"]


def test_a_check_that_does_not_block_lets_its_partition_through(works: Works) -> None:
    works.checked = (DOCUMENTS,)
    works.write("b", "mould")
    works.up()
    assert works.waiting() == {}
    assert works.lake.verdicts(Cell("small", DOCUMENTS, "books.base.001"))["no_mould"].passed is False
    assert "mould" in works.reported()


def test_nothing_of_a_blocked_cell_reaches_a_fan_in_right_below_it(works: Works) -> None:
    works.checked = (UNIQUE,)
    works.write("b", "garden", "rot")
    works.up()
    assert list(works.waiting("blocked")) == chain(1, UNIQUE)
    parents = {parent.name for parent in works.lake.require(Cell("small", REPORT)).parents}
    assert parents == {*chain(0, UNIQUE), *chain(2, UNIQUE)}
    assert works.reported() == ["river", "old house", "bridge"]


# --- waves ---


def test_a_wave_holds_no_cell_that_was_tried(works: Works) -> None:
    planned = works.plan()
    first = [p.cell for p in planned.having("stale")]
    wave = next_wave(works.graph(), planned, {*STAGES, REPORT}, set(first[:1]), set())
    assert wave == Wave({DOCUMENTS: first[1:]}, [])
    assert next_wave(works.graph(), planned, {*STAGES, REPORT}, set(first), set()) is None


def test_an_asset_waits_for_its_parent_even_where_both_have_stale_cells(finished: Works) -> None:
    finished.write("d", "market")
    finished.write("a", "river bank", "old house")
    finished.up(DOCUMENTS)
    finished.write("e", "tower")  # documents of e and the filtered of a and d are stale together
    planned = finished.plan()
    assert {p.cell.asset for p in planned.having("stale")} == {DOCUMENTS, FILTERED}
    wave = next_wave(finished.graph(), planned, {*STAGES, REPORT}, set(), set())
    assert wave is not None and list(wave.cells) == [DOCUMENTS]


def run_of(works: Works, *selected: str, tried: tuple[str, ...] = ()) -> Wave:
    graph, planned = works.graph(), works.plan()
    chosen, done = set(selected or (*STAGES, REPORT)), {found.cell for found in planned.cells if str(found.cell) in tried}
    wave = next_wave(graph, planned, chosen, done, set())
    assert wave is not None
    return with_what_follows(graph, planned, wave, chosen, done)


def test_a_run_goes_on_to_all_that_has_partitions_and_judges_what_it_makes(finished: Works) -> None:
    finished.checked = (UNIQUE, REPORT)
    finished.up()
    finished.write("d", "market")
    wave = run_of(finished)
    assert {asset: [str(cell) for cell in cells] for asset, cells in wave.cells.items()} == {stage: chain(3, stage) for stage in STAGES}
    assert wave.judge == [UNIQUE]


def test_a_run_goes_on_to_nothing_that_was_not_asked_for_or_was_tried(finished: Works) -> None:
    finished.write("d", "market")
    assert list(run_of(finished, DOCUMENTS, FILTERED).cells) == [DOCUMENTS, FILTERED]
    assert list(run_of(finished, tried=tuple(chain(3, FILTERED))).cells) == [DOCUMENTS]


def test_a_run_that_judges_goes_on_to_what_waits_for_the_verdicts(works: Works) -> None:
    works.up(DOCUMENTS)
    works.checked = (DOCUMENTS,)
    wave = run_of(works)
    assert list(wave.cells) == [FILTERED, UNIQUE] and wave.judge == [DOCUMENTS]


def test_what_uses_a_gpu_has_a_run_of_its_own(works: Works) -> None:
    graph = works.graph()
    artifacts = {**graph.artifacts, FILTERED: replace(graph.artifacts[FILTERED], uses_gpu=True)}
    planned = works.plan()
    wave = next_wave(graph, planned, {*STAGES, REPORT}, set(), set())
    assert wave is not None
    assert list(with_what_follows(replace(graph, artifacts=artifacts), planned, wave, {*STAGES, REPORT}, set()).cells) == [DOCUMENTS]
