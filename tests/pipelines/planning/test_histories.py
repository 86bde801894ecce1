"""Planner and lake against brute force: random graphs that live through random histories, each state compared with a rebuild on paper.

A history is a series of events (files come, go, change and return; code, config and checks change; files are damaged, writers killed), each
followed by bringing the graph up to date. Afterwards every cell must have the state and the content that a computation from scratch gives
it, nothing may have been made that was as it should be, and a second time there must be nothing to do.
"""

import os
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from assets.graph.artifact import SHARDS, Artifact, Graph
from assets.graph.build import CellBuild, Judging
from assets.graph.checks import Check, CheckFinding, CheckSuite
from assets.graph.state import GraphState
from assets.graph.upstream import Partition, Upstream, as_set, earlier, every, files_of, first, same, whole
from kernels.specs.config import Config
from resources.storage import publishing
from resources.storage.home import Home
from resources.storage.look import look
from resources.storage.manifest import Cell
from resources.storage.sources import Location, ObservedSources, observe
from tests.small_graphs import bring_up

SOURCES = ("a", "b")
FEW = 5
"""Contents are numbers below this, so that many changes change nothing."""
NUM_EVENTS = 7


class Number(Config):
    value: int


class Killed(BaseException):
    """A process that is killed in the middle of its work."""


@dataclass(frozen=True)
class Stage:
    """One asset of a random graph: the sum of what it is made from, and of its config and code."""

    name: str
    partitioned: bool
    made_from: tuple[Upstream, ...]
    config: int = 0
    code: int = 0
    checks: tuple["Question", ...] = ()


@dataclass(frozen=True)
class Question:
    """One check: fails where the cell's number, and the sum of what it reads, give a certain rest."""

    name: str
    rest: int
    version: int
    blocking: bool
    reads: tuple[Upstream, ...] = ()


def random_stages(dice: random.Random) -> list[Stage]:
    """Return a graph of three to six assets, each made from some before it."""
    stages = [Stage("documents", True, files_of(SOURCES))]
    for number in range(dice.randint(2, 5)):
        before = dice.sample(stages, dice.randint(1, min(2, len(stages))))
        partitioned = dice.random() < 0.6
        ups = tuple(dict.fromkeys(_up(dice, stage, partitioned) for stage in before))
        stages.append(Stage(f"stage_{number}", partitioned, ups))
    return [replace(stage, checks=_questions(dice, stages[:place])) for place, stage in enumerate(stages)]


def _up(dice: random.Random, stage: Stage, partitioned: bool) -> Upstream:
    if not stage.partitioned:
        return whole(stage.name)
    if partitioned:
        return dice.choice([same, earlier])(stage.name)
    chosen = dice.choice(["every", "one source", "first", "set"])
    if chosen == "first":
        return first(stage.name, dice.sample(SOURCES, 2), 1)
    found = every(stage.name, {dice.choice(SOURCES)} if chosen == "one source" else None)
    return as_set(found) if chosen == "set" else found


def _questions(dice: random.Random, before: list[Stage]) -> tuple[Question, ...]:
    found: list[Question] = []
    for number in range(dice.choice([0, 0, 1, 2])):
        reads = tuple(every(stage.name) if stage.partitioned else whole(stage.name) for stage in dice.sample(before, min(1, len(before))))
        found.append(Question(f"check_{number}", dice.randrange(FEW), 1, dice.random() < 0.7, reads if dice.random() < 0.4 else ()))
    return tuple(found)


def counted(upstream: Upstream, numbers: list[int]) -> Iterable[int]:
    """Return what counts of some numbers: each, or each kind of them once."""
    return set(numbers) if upstream.counted == "as_set" else numbers


@dataclass
class History:
    """A graph, its files and its lake."""

    folder: Path
    dice: random.Random
    stages: list[Stage] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    kill_in: int = 0
    """After how many more cells begun the process dies; 0 never."""

    def __post_init__(self) -> None:
        self.stages = random_stages(self.dice)
        self.home = Home.resolve(self.folder / "home", {})
        self.lake = self.home.lake()
        self.observed = ObservedSources()
        self.gone: dict[Path, str] = {}
        for source in SOURCES:
            (self.folder / source).mkdir(parents=True)
            for _ in range(self.dice.randint(1, 2)):
                self.add_file(source)

    # --- the graph as it is now ---

    def graph(self) -> Graph:
        artifacts = {stage.name: self._artifact(stage) for stage in self.stages}
        suites = {stage.name: [self._suite(stage)] for stage in self.stages if stage.checks}
        return Graph(recipe="r", artifacts=artifacts, suites=suites, sources=self.locations(), inputs={})

    def locations(self) -> dict[str, Location]:
        return {source: Location(str(self.folder / source), ("*",), "base", 1) for source in SOURCES}

    def _artifact(self, stage: Stage) -> Artifact:
        def build(build: CellBuild) -> None:
            if self.kill_in == 1:
                raise Killed
            self.kill_in = max(0, self.kill_in - 1)
            total = stage.config + stage.code
            for upstream in stage.made_from:
                numbers: list[int] = []
                for key in upstream.choose(build.observed, build.partition):
                    if upstream.asset.startswith("sources/"):
                        numbers.append(self.number_of_files(build.observed, str(key)))
                    elif build.state.usable(upstream.asset, key) is not None:
                        numbers.append(int((build.folder(upstream.asset, key) / "number").read_text()))
                total += sum(counted(upstream, numbers))
            (build.draft.folder / "number").write_text(str(total % FEW))

        return Artifact(
            recipe="r",
            name=stage.name,
            description="",
            group="g",
            kinds=(),
            code_version=str(stage.code),
            partitioning=SHARDS if stage.partitioned else None,
            config=lambda partition: Number(value=stage.config),
            made_from=stage.made_from,
            build=build,
        )

    def number_of_files(self, observed: ObservedSources, key: str) -> int:
        partition = observed.partition(key)
        return sum(int((self.folder / partition.source / file.path).read_text()) for file in partition.files)

    def _suite(self, stage: Stage) -> CheckSuite:
        reads = tuple(dict.fromkeys(read for question in stage.checks for read in question.reads))

        def evaluate(judging: Judging, cells: list[Cell]) -> dict[Cell, dict[str, CheckFinding]]:
            return {cell: {question.name: self._answer(judging, cell, question) for question in stage.checks} for cell in cells}

        checks = tuple(Check(question.name, "", question.blocking, f"{question.version}:{question.rest}") for question in stage.checks)
        return CheckSuite(name=f"{stage.name}_suite", asset=stage.name, checks=checks, evaluate=evaluate, reads=reads)

    def _answer(self, judging: Judging, cell: Cell, question: Question) -> CheckFinding:
        total = int((judging.folder(cell) / "number").read_text())
        for read in question.reads:
            for key in read.choose(judging.state.observed, cell.partition):
                if judging.state.usable(read.asset, key) is not None:
                    total += int((judging.folder(cell._replace(asset=read.asset, partition=key)) / "number").read_text())
        return CheckFinding(total % FEW != question.rest, f"{total % FEW}")

    # --- from scratch, on paper ---

    def on_paper(self) -> dict[tuple[str, Partition], tuple[str, int | None]]:
        """Return state and number of every cell, computed without lake or planner."""
        found: dict[tuple[str, Partition], tuple[str, int | None]] = {}

        def usable(asset: str, key: Partition) -> int | None:
            state, number = found.get((asset, key), ("absent", None))
            return number if state == "fresh" else None

        for stage in self.stages:
            for partition in self.observed.keys if stage.partitioned else (None,):
                total, held = stage.config + stage.code, False
                for upstream in stage.made_from:
                    numbers: list[int] = []
                    for key in upstream.choose(self.observed, partition):
                        files = upstream.asset.startswith("sources/")
                        number = self.number_of_files(self.observed, str(key)) if files else usable(upstream.asset, key)
                        held |= number is None and not upstream.optional
                        numbers += [] if number is None else [number]
                    total += sum(counted(upstream, numbers))
                if held:
                    found[stage.name, partition] = ("held", None)
                    continue
                number = total % FEW
                reads = [(read, key) for question in stage.checks for read in question.reads for key in read.choose(self.observed, partition)]
                if any(not read.optional and usable(read.asset, key) is None for read, key in reads):
                    found[stage.name, partition] = ("held", None)
                    continue
                blocked = any(question.blocking and self._fails(question, number, partition, usable) for question in stage.checks)
                found[stage.name, partition] = ("blocked" if blocked else "fresh", number)
        return found

    def _fails(self, question: Question, number: int, partition: Partition, usable: Callable[[str, Partition], int | None]) -> bool:
        read = sum(usable(read.asset, key) or 0 for read in question.reads for key in read.choose(self.observed, partition))
        return (number + read) % FEW == question.rest

    # --- events ---

    def add_file(self, source: str) -> None:
        place = self.folder / source
        (place / f"f{len(list(place.iterdir())) + len(self.gone)}-{self.dice.randrange(1 << 30)}").write_text(str(self.dice.randrange(FEW)))

    def _files(self) -> list[Path]:
        return [path for source in SOURCES for path in sorted((self.folder / source).iterdir())]

    def _change_stage(self, **changes: Any) -> None:
        place = self.dice.randrange(len(self.stages))
        self.stages[place] = replace(self.stages[place], **changes)

    def happen(self) -> str:
        """Let one thing happen, and say what."""
        event = self.dice.choice(["add", "change", "remove", "return", "config", "code", "check", "uncheck", "damage", "unmanifest", "kill", "mess"])
        files = self._files()
        match event:
            case "add":
                self.add_file(self.dice.choice(SOURCES))
            case "change":
                self.dice.choice(files).write_text(str(self.dice.randrange(FEW)) + " " * self.dice.randrange(3))
            case "remove":
                path = self.dice.choice(files)
                if len(list(path.parent.iterdir())) > 1:
                    self.gone[path] = path.read_text()
                    path.unlink()
            case "return" if self.gone:
                path = self.dice.choice(sorted(self.gone))
                path.write_text(self.gone.pop(path))
            case "config":
                self._change_stage(config=self.dice.randrange(3))
            case "code":
                self._change_stage(code=self.dice.randrange(3))
            case "check":
                question = Question(f"check_{self.dice.randrange(3)}", self.dice.randrange(FEW), self.dice.randrange(3), self.dice.random() < 0.7)
                place = self.dice.randrange(len(self.stages))
                others = tuple(other for other in self.stages[place].checks if other.name != question.name)
                self.stages[place] = replace(self.stages[place], checks=(*others, question))
            case "uncheck":
                self._change_stage(checks=())
            case "damage" | "unmanifest" | "mess":
                self._harm(event)
            case "kill":
                self.kill_in = self.dice.randint(1, 6)
            case _:
                pass
        return event

    def _harm(self, event: str) -> None:
        cells = [cell for cell in self.lake.cells("r") if self.lake.readable(cell) is not None]
        if not cells:
            return
        cell = self.dice.choice(cells)
        if event == "damage":
            path = self.lake.folder(cell) / "number"
            self.dice.choice([lambda: path.unlink(missing_ok=True), lambda: path.write_text("")])()
        elif event == "unmanifest":
            self.dice.choice([os.unlink, lambda place: Path(place).write_text("{")])(self.lake.place(cell, "manifest.json"))
        else:
            Path(self.lake.place(cell, "checks.json")).write_text("not json")

    # --- bringing up, and looking ---

    def up(self) -> None:
        self.observed = observe(self.observed, self.locations(), {})
        publishing.sweep(self.lake)
        before = {cell: record for cell, record in look(self.lake, "r").items() if record.manifest is not None and not record.trouble}
        self.made = bring_up(self.graph(), self.home, self.observed)
        assert len(self.made) == len(set(self.made)), f"made twice: {self.made}"
        for cell, record in before.items():
            if str(cell) in self.made:
                assert record.manifest is not None
                assert self.lake.require(cell).fingerprint != record.manifest.fingerprint, f"made in vain: {cell}"

    def compare(self, said: list[str]) -> None:
        state = GraphState(self.graph(), self.lake, self.observed)
        paper = self.on_paper()
        assert {status.cell[1:] for status in state.cells} == set(paper), said
        for status in state.cells:
            expected, number = paper[status.cell.asset, status.cell.partition]
            assert status.state == expected, (said, status, expected)
            if number is not None:
                manifest = state.manifest(status.cell.asset, status.cell.partition)
                assert manifest is not None and not state.record(status.cell.asset, status.cell.partition).trouble, (said, status)
                assert (self.lake.folder(status.cell) / "number").read_text() == str(number), (said, status)


def live(folder: Path, seed: int) -> int:
    """Live through one history and return how many states were compared."""
    dice = random.Random(seed)
    history = History(folder, dice)
    said: list[str] = [f"seed {seed}"]
    history.up()
    history.compare(said)
    for _ in range(NUM_EVENTS):
        for _ in range(dice.choice([1, 1, 2])):
            said.append(history.happen())
        try:
            history.up()
        except Killed:
            said.append("killed")
            history.kill_in = 0
            history.up()
        history.kill_in = 0
        history.compare(said)
        assert bring_up(history.graph(), history.home, history.observed) == [], said
    assert not list(history.lake.drafts.glob("*")), said
    return NUM_EVENTS + 1


@pytest.fixture
def fast_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Do without syncing: no history here ends in a crash of the machine."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    yield


@pytest.mark.usefixtures("fast_disk")
def test_the_planner_is_right_through_random_histories(tmp_path: Path) -> None:
    assert sum(live(tmp_path / str(seed), seed) for seed in range(60)) == 60 * (NUM_EVENTS + 1)


@pytest.mark.slow
@pytest.mark.usefixtures("fast_disk")
def test_the_planner_is_right_through_a_thousand_random_histories(tmp_path: Path) -> None:
    import shutil

    for seed in range(1000, 2000):
        live(tmp_path / str(seed), seed)
        shutil.rmtree(tmp_path / str(seed))
