"""The same recipe through every engine: the same bytes, whatever happens to the workers."""

import importlib.util
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from resources.storage.progress import Progress, listening
from tests.resources.engines.fake_slurm import install_slurm

pytestmark = pytest.mark.slow
CURATED = ("tokens/shards", "corpus/report")
NUM_BOOKS = 6
needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed (modelmill[ray])")


@pytest.fixture(scope="module")
def make_bookshop(make_shop: Callable[[Path], Any], prose: Callable[[int], str]) -> Callable[[Path], Any]:
    """Return what sets up the small recipe with more books."""

    def make(folder: Path) -> Any:
        shop = make_shop(folder)
        for number in range(NUM_BOOKS):
            (shop.folder / "books" / f"book-{number}.txt").write_text(prose(number))
        return shop

    return make


@pytest.fixture(scope="module")
def inline(tmp_path_factory: pytest.TempPathFactory, make_bookshop: Callable[[Path], Any]) -> dict[str, str]:
    """Contents of every cell made in the run's own process."""
    shop = make_bookshop(tmp_path_factory.mktemp("inline") / "shop")
    assert not shop.up(*CURATED).failed
    return shop.contents()


@pytest.fixture
def shop(tmp_path: Path, make_bookshop: Callable[[Path], Any]) -> Any:
    return make_bookshop(tmp_path / "shop")


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what chooses an engine, with two workers."""

    def choose_engine(kind: str) -> None:
        monkeypatch.delenv("RAY_ADDRESS", raising=False)
        monkeypatch.setenv("MILL_ENGINE", kind)
        monkeypatch.setenv("MILL_WORKERS", "2")

    return choose_engine


def writers(shop: Any) -> list[int]:
    """Return the processes that hold a task of this shop's engine, as the kernel lists them."""
    tasks = {str(path.stat().st_ino) for path in (shop.home.root / "engine").glob("*/*/progress/*")}
    locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return [int(fields[4]) for fields in locks if fields[1] == "FLOCK" and fields[3] == "WRITE" and fields[5].rsplit(":", 1)[1] in tasks]


@contextmanager
def killing_a_worker(shop: Any, asset: str) -> Iterator[list[int]]:
    """Kill one worker as soon as one begins a cell of an asset; the list has its process id then."""
    killed: list[int] = []

    def hear(progress: Progress) -> None:
        if progress.cell.asset == asset and progress.kind == "begun" and not killed:
            for pid in writers(shop)[:1]:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    with listening(hear):
        yield killed


@pytest.mark.parametrize("kind", ["local", pytest.param("ray", marks=needs_ray), "slurm"])
def test_workers_make_the_same_bytes(
    kind: str, shop: Any, inline: dict[str, str], choose: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(kind)
    if kind == "slurm":
        monkeypatch.setenv("PATH", f"{install_slurm(tmp_path / 'slurm')}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("MILL_SLURM_PARTITION", "debug")
    result = shop.up(*CURATED)
    assert not result.failed and sorted(map(str, result.made)) == sorted(inline)
    assert shop.contents() == inline
    assert not list((shop.home.root / "engine").iterdir())
    assert shop.up(*CURATED).num_runs == 0


@pytest.mark.parametrize("kind", ["local", pytest.param("ray", marks=needs_ray)])
def test_a_worker_killed_in_the_middle_loses_nothing(kind: str, shop: Any, inline: dict[str, str], choose: Callable[[str], None]) -> None:
    choose(kind)
    with killing_a_worker(shop, "corpus/filtered") as killed:
        result = shop.up(*CURATED)
    assert killed, "no worker was there to kill"
    assert not result.failed and shop.contents() == inline


def test_a_killed_run_takes_its_workers_with_it_and_the_next_goes_on(shop: Any, inline: dict[str, str], choose: Callable[[str], None]) -> None:
    choose("local")
    process = shop.start("up", "tokens/shards")
    deadline = time.monotonic() + 120
    while len(shop.contents()) < 3 or not writers(shop):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    while writers(shop):
        assert time.monotonic() < deadline, "a worker outlived its run"
        time.sleep(0.05)
    finished = shop.made_at()
    assert not shop.up(*CURATED).failed
    assert shop.contents() == inline
    assert {name: when for name, when in shop.made_at().items() if name in finished} == finished


def test_a_cell_that_fails_stops_no_other(shop: Any, choose: Callable[[str], None]) -> None:
    choose("local")
    shop.up("corpus/documents")
    documents = shop.lake.folder(shop.cell("corpus/documents", "books.base.002")) / "documents.parquet"
    documents.write_bytes(b"torn".ljust(documents.stat().st_size))  # of the size it should have: only who reads it finds out
    result = shop.up("corpus/filtered")
    (failure,) = result.failed.items()
    assert str(failure[0]) == "corpus/filtered[books.base.002]" and "ArrowInvalid" in failure[1]
    assert sum(cell.asset == "corpus/filtered" for cell in result.made) == NUM_BOOKS + 1
