"""A small recipe on files that a test may change, and ways to run it."""

import json
import os
import random
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from assets.graph.artifact import Graph
from pipelines.planning.bring_up import Result, bring_up
from pipelines.planning.planner import Plan, observe_sources, plan
from resources.storage.home import Home
from resources.storage.lake import Lake
from resources.storage.manifest import Cell
from tests.locations import PROJECT
from tests.small_recipe import SMALL

PASSAGE = (
    "the river house of stone and that old garden with many trees have seen be to light window morning people walk "
    "under bridge toward market where bread is sold for small silver coins while children play near water"
)
WORDS = PASSAGE.split()


def prose(seed: int, num_words: int = 400) -> str:
    """Return sentences that the filters keep, another text for each seed."""
    dice = random.Random(seed)
    words = [dice.choice(WORDS) for _ in range(num_words)]
    return " ".join(word.capitalize() + "." if index % 11 == 10 else word for index, word in enumerate(words)) + ".\n"


@dataclass
class Shop:
    """A recipe in a folder of its own, with its files, home and lake."""

    folder: Path

    @property
    def recipe_file(self) -> Path:
        return self.folder / "recipe.yaml"

    @property
    def home(self) -> Home:
        return Home.resolve(self.folder / ".mill", {})

    @property
    def lake(self) -> Lake:
        return self.home.lake()

    def graph(self) -> Graph:
        from pipelines.recipe.graph import build_graph
        from pipelines.recipe.schema import load_recipe

        return build_graph(load_recipe(self.recipe_file), self.home)

    def change_recipe(self, old: str, new: str) -> None:
        text = self.recipe_file.read_text()
        assert old in text
        self.recipe_file.write_text(text.replace(old, new))

    def plan(self) -> Plan:
        graph = self.graph()
        return plan(graph, self.lake, observe_sources(graph, self.lake))

    def waiting(self, *states: str) -> dict[str, str]:
        """Return cells that are not fresh (or in some states), with the reason."""
        return {str(p.cell): p.reason for p in self.plan().cells if (p.state in states if states else p.state != "fresh")}

    def up(self, *until: str) -> Result:
        """Bring the recipe up to date as ``mill up`` does; ``until`` names assets to stop at."""
        from pipelines.daemon.instance import open_instance
        from pipelines.planning.materialize import materialize_jobs

        graph = self.graph()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            jobs = materialize_jobs(graph, self.recipe_file, self.home, self.lake)
            with open_instance(self.home) as instance, self.home.lock("up"):
                chosen = graph.upstream(until) if until else set(graph.artifacts)
                return bring_up(graph, jobs, instance, self.lake, self.home, chosen)

    def contents(self) -> dict[str, str]:
        """Return the content hash of every cell."""
        lake = self.lake
        return {str(cell): lake.require(cell).content for cell in lake.cells("small")}

    def made_at(self) -> dict[str, float]:
        lake = self.lake
        return {str(cell): lake.require(cell).made_at for cell in lake.cells("small")}

    def cell(self, asset: str, partition: str | None = None) -> Cell:
        return Cell("small", asset, partition)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start ``mill`` in a process of its own."""
        command = [sys.executable, "-m", "pipelines.commands", *arguments, "--recipe", str(self.recipe_file)]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT), "COLUMNS": "200"}
        return subprocess.Popen(
            command, cwd=PROJECT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )


@pytest.fixture(scope="session", name="prose")
def prose_fixture() -> Callable[[int], str]:
    """Return what writes a text that the filters keep, another for each seed."""
    return prose


@pytest.fixture(scope="session")
def make_shop() -> Callable[[Path], Shop]:
    """Return what sets up the small recipe in a folder."""

    def make(folder: Path) -> Shop:
        (folder / "books").mkdir(parents=True)
        (folder / "chats").mkdir()
        for number in range(3):
            (folder / "books" / f"book-{number}.txt").write_text(prose(number))
        for number in range(2):
            lines = [
                {
                    "id": f"{number}-{turn}",
                    "messages": [{"role": "user", "content": f"What is {turn} + {number}?"}, {"role": "assistant", "content": str(turn + number)}],
                }
                for turn in range(5)
            ]
            (folder / "chats" / f"log-{number}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        (folder / "recipe.yaml").write_text(SMALL)
        return Shop(folder)

    return make


@pytest.fixture
def shop(tmp_path: Path, make_shop: Callable[[Path], Shop]) -> Shop:
    """A small recipe that nothing has been made of."""
    return make_shop(tmp_path / "shop")
