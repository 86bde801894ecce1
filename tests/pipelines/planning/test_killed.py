"""kill -9 at any moment: the next ``mill up`` completes, redoes nothing finished, and ends where an undisturbed run ends."""

import os
import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from resources.storage import ledger
from resources.storage.atomic import signs_of_life
from resources.storage.publishing import sweep
from tests.scratch import scratch_files, taken_steps

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, make_shop: Callable[[Path], Any]) -> dict[str, str]:
    """Contents of every cell of a run that nothing disturbs."""
    shop = make_shop(tmp_path_factory.mktemp("undisturbed") / "shop")
    assert not shop.up().failed
    return shop.contents()


def kill_when(shop: Any, reached: Callable[[], bool], seconds: float = 300) -> None:
    """Start ``mill up`` and kill its whole process group as soon as something is reached."""
    deadline = time.monotonic() + seconds
    with shop.start("up") as process:
        try:
            while not reached():
                assert process.poll() is None, process.stdout.read()
                assert time.monotonic() < deadline, "it was never reached"
                time.sleep(0.005)
        finally:
            process.kill()  # the parent alone: its children must follow by themselves


def finish(shop: Any) -> str:
    process = shop.start("up")
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return output


def cut_off(shop: Any) -> int:
    """Return how many attempts the last kill cut off, once all who were at work are gone."""
    deadline = time.monotonic() + 60
    while any(lives for _, lives in signs_of_life(shop.lake.drafts)):
        assert time.monotonic() < deadline, "a child outlived the kill"
        time.sleep(0.05)
    return len(list(signs_of_life(shop.lake.drafts)))


def outcomes(shop: Any, asset: str = "") -> list[str]:
    """What every attempt came to, by the ledger: all, or those at one asset."""
    return [attempt.outcome for attempt in ledger.read(shop.lake, "small") if asset in ("", attempt.asset)]


def count(shop: Any, asset: str) -> int:
    return len(list((shop.home.root / "lake" / "small" / asset).glob("*/manifest.json")))


@pytest.mark.parametrize(("asset", "number"), [("corpus/documents", 1), ("corpus/documents", 4), ("corpus/filtered", 2), ("tokens/shards", 3)])
def test_killed_in_a_data_wave(shop: Any, undisturbed: dict[str, str], asset: str, number: int) -> None:
    kill_when(shop, lambda: count(shop, asset) >= number)
    finished = shop.made_at()
    finish(shop)
    assert shop.contents() == undisturbed
    assert {name: when for name, when in shop.made_at().items() if name in finished} == finished


@pytest.mark.parametrize("steps", [1, 6, 11, 24])
def test_killed_in_pretraining(shop: Any, undisturbed: dict[str, str], steps: int) -> None:
    kill_when(shop, lambda: taken_steps(shop.home) >= steps)
    finished = shop.made_at()
    assert "models/base" not in finished
    time.sleep(1.0)
    states = scratch_files(shop.home, "step-*")
    finish(shop)
    assert shop.contents() == undisturbed  # weights and losses, bit for bit
    assert {name: when for name, when in shop.made_at().items() if name in finished} == finished
    assert outcomes(shop, "models/base") == ["killed", "made"]
    if steps > 5:
        assert states, "there was a state to resume from"


def test_killed_in_a_training_that_looks_at_its_tensors(shop: Any, make_shop: Callable[[Path], Any], tmp_path: Path) -> None:
    """The statistics are part of the content, and the speeds of before the kill stand in the table beside it."""
    whole = make_shop(tmp_path / "whole")
    for each in (whole, shop):
        each.change_recipe("checkpoint_every: 5", "checkpoint_every: 5\n    tensor_statistics_every: 3")
    assert not whole.up().failed

    kill_when(shop, lambda: taken_steps(shop.home) >= 14)
    finish(shop)
    assert shop.contents() == whole.contents()
    folder = shop.lake.folder(shop.cell("models/base"))
    assert pl.read_parquet(folder / "tensor_statistics.parquet")["step"].unique().sort().to_list() == list(range(3, 31, 3))
    speed = pl.read_parquet(folder / "speed.parquet")
    assert speed["step"].to_list() == list(range(1, 31)) and speed["tokens_per_second"].gt(0).all()


KILLS = int(os.environ.get("MILL_TEST_KILLS", "10"))


def begins(shop: Any, process: "subprocess.Popen[str]") -> None:
    """Wait until a process holds the home: it begins to work."""
    lock = shop.home.root / "up.lock"
    while process.poll() is None and not (lock.exists() and lock.read_text() == str(process.pid)):
        time.sleep(0.01)


def test_killed_at_random_moments_while_files_change(
    shop: Any, make_shop: Callable[[Path], Any], prose: Callable[[int], str], tmp_path: Path
) -> None:
    """The contents at the end are those of a rebuild from scratch on the same files, and nothing is left over."""
    dice = random.Random(1)
    killed = lost = 0
    for number in range(KILLS):
        with shop.start("up") as process:
            begins(shop, process)
            try:
                process.wait(dice.uniform(0.0, 12.0))
                was_killed = False
            except subprocess.TimeoutExpired:
                process.kill()
                was_killed = True
        if was_killed:
            killed += 1
            lost += cut_off(shop)
        if dice.random() < 0.4:
            (shop.folder / "books" / f"book-{dice.randrange(3)}.txt").write_text(prose(100 + number))
    assert killed > KILLS // 3, "too few runs were killed"
    finish(shop)
    anew = make_shop(tmp_path / "anew")
    for path in (shop.folder / "books").iterdir():
        (anew.folder / "books" / path.name).write_text(path.read_text())
    finish(anew)
    assert shop.contents() == anew.contents()
    assert sweep(shop.lake) == []
    counted = Counter(outcomes(shop))
    assert counted["killed"] == lost and counted["made"] >= len(shop.contents()), (counted, lost)
