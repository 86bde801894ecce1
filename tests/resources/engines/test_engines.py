"""Engines on jobs of a line each: what is done, what fails, and what a lost worker costs."""

import importlib.util
import os
import sys
import time
from pathlib import Path

import pytest

from resources.engines.attempt import Attempt
from resources.engines.dispatch import run_batch
from resources.engines.engine import Batch, Engine, SlurmQueue, engine_from_json
from resources.storage.lake import Cell
from resources.storage.progress import Progress
from tests.resources.engines.fake_slurm import install_slurm

JOBS = """
import os, signal, time
from pathlib import Path

from resources.storage.lake import Cell
from resources.storage.progress import Progress, tell

def open_shop(settings):
    out = Path(settings["out"])

    def do(name, how):
        first = not (out / f"{name}.begun").exists()
        (out / f"{name}.begun").write_text(str(os.getpid()))
        tell(Progress(Cell("r", "a", name), "advanced", how))
        if how == "fail":
            raise ValueError(f"{name} is bad")
        if how == "die" or (how == "die once" and first):
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "lose the actor once" and first:
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(60)
        if how == "wait":
            time.sleep(60)
        (out / name).write_text(os.environ["POLARS_MAX_THREADS"])

    return do

def open_nothing(settings):
    raise TypeError("no such recipe")
"""
QUEUE = SlurmQueue("debug", "1:00:00", {"account": "me"})


class Desk:
    """Gives jobs to an engine and keeps what came of them."""

    def __init__(self, folder: Path) -> None:
        self.out, self.folder, self.heard = folder / "out", folder / "run", list[Progress]()
        self.out.mkdir()

    def run(self, engine: Engine, *hows: str, opener: str = "jobs_of_a_line:open_shop") -> dict[str, str]:
        items = [[f"i{number}", how] for number, how in enumerate(hows)]
        return run_batch(engine, Batch(opener=opener, settings={"out": str(self.out)}, items=items), self.folder, self.heard.append)

    @property
    def done(self) -> list[str]:
        return sorted(path.name for path in self.out.iterdir() if not path.suffix)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "jobs_of_a_line.py").write_text(JOBS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "modules"))
    return Desk(tmp_path)


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Slurm's commands on the PATH; the folder where they keep what was submitted."""
    monkeypatch.setenv("PATH", f"{install_slurm(tmp_path / 'slurm')}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "slurm"


def local(workers: int = 2) -> Engine:
    return Engine(kind="local", num_workers=workers)


def test_an_item_that_fails_is_named_with_its_error_and_stops_no_other(desk: Desk) -> None:
    assert desk.run(local(), "ok", "fail", "ok") == {"i1": "ValueError: i1 is bad"}
    assert desk.done == ["i0", "i2"]
    assert {(progress.cell, progress.message) for progress in desk.heard} == {
        (Cell("r", "a", "i0"), "ok"),
        (Cell("r", "a", "i1"), "fail"),
        (Cell("r", "a", "i2"), "ok"),
    }
    assert "ValueError: i1 is bad" in (desk.folder / "attempt-1" / "datatrove" / "logs" / "task_00001.log").read_text()


def test_what_cannot_be_opened_fails_every_item(desk: Desk) -> None:
    assert desk.run(local(1), "ok", "ok", opener="jobs_of_a_line:open_nothing") == dict.fromkeys(["i0", "i1"], "TypeError: no such recipe")


def test_nothing_is_left_of_a_job_that_went_well(desk: Desk) -> None:
    assert desk.run(local(1), "ok", "ok") == {}
    assert desk.done == ["i0", "i1"] and not desk.folder.exists()


def test_local_workers_share_the_cores(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resources.engines.attempt.num_cores", lambda: 6)
    desk.run(local(2), "ok")
    assert (desk.out / "i0").read_text() == "3"


@pytest.mark.slow
def test_a_killed_worker_loses_nothing(desk: Desk) -> None:
    assert desk.run(local(), "ok", "die once", "ok", "ok", "ok", "ok") == {}
    assert desk.done == [f"i{number}" for number in range(6)]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_an_item_that_kills_every_worker_is_given_up_and_all_others_are_done(desk: Desk, workers: int) -> None:
    failed = desk.run(local(workers), "ok", "die", "ok", "ok", "ok")
    assert list(failed) == ["i1"] and "its worker was lost 3 times" in failed["i1"]
    assert desk.done == ["i0", "i2", "i3", "i4"]


def test_a_run_that_ends_takes_its_workers_with_it(desk: Desk) -> None:
    def interrupt(progress: Progress) -> None:
        raise KeyboardInterrupt

    batch = Batch(opener="jobs_of_a_line:open_shop", settings={"out": str(desk.out)}, items=[["i0", "wait"], ["i1", "wait"]])
    with pytest.raises(KeyboardInterrupt):
        run_batch(local(), batch, desk.folder, interrupt)
    begun = [int(path.read_text()) for path in desk.out.glob("*.begun")]
    assert begun and all(_ends(pid) for pid in begun)


def _ends(pid: int, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_slurm_runs_the_script_that_was_submitted(desk: Desk, slurm: Path) -> None:
    failed = desk.run(Engine(kind="slurm", num_workers=2, slurm=QUEUE), "ok", "ok", "fail")
    assert failed == {"i2": "ValueError: i2 is bad"} and desk.done == ["i0", "i1"]
    (script,) = [path.read_text() for path in slurm.glob("script-*")]
    for option in ("--partition=debug", "--time=1:00:00", "--account=me", "--array=0-1%2"):
        assert f"#SBATCH {option}\n" in script
    calls = [call.split()[0] for call in (slurm / "calls").read_text().splitlines()]
    assert calls.count("sbatch") == 1


@pytest.mark.slow
def test_a_lost_slurm_task_is_submitted_again(desk: Desk, slurm: Path) -> None:
    assert desk.run(Engine(kind="slurm", num_workers=2, slurm=QUEUE), "ok", "die once", "ok", "ok") == {}
    assert desk.done == ["i0", "i1", "i2", "i3"] and len(list(slurm.glob("script-*"))) == 2


def test_slurm_jobs_are_cancelled_with_the_run(desk: Desk, slurm: Path) -> None:
    def interrupt(progress: Progress) -> None:
        raise KeyboardInterrupt

    batch = Batch(opener="jobs_of_a_line:open_shop", settings={"out": str(desk.out)}, items=[["i0", "wait"]])
    with pytest.raises(KeyboardInterrupt):
        run_batch(Engine(kind="slurm", num_workers=1, slurm=QUEUE), batch, desk.folder, interrupt)
    assert "scancel 7" in (slurm / "calls").read_text().splitlines()
    assert _ends(int((desk.out / "i0.begun").read_text()))


needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed (modelmill[ray])")
ray = Engine(kind="ray", num_workers=2)


@needs_ray
@pytest.mark.slow
def test_ray_workers_do_a_job_on_a_cluster_of_their_own(desk: Desk) -> None:
    assert desk.run(ray, "ok", "fail", "ok") == {"i1": "ValueError: i1 is bad"}
    assert desk.done == ["i0", "i2"]


@needs_ray
@pytest.mark.slow
@pytest.mark.parametrize("loss", ["lose the actor once", "die once"])
def test_a_killed_ray_worker_loses_nothing(desk: Desk, loss: str) -> None:
    assert desk.run(ray, "ok", loss, "ok", "ok") == {}
    assert desk.done == ["i0", "i1", "i2", "i3"]


def test_an_engine_without_its_software_says_what_to_install(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match=r"install modelmill\[ray\]"):
        desk.run(ray, "ok")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError, match="needs sbatch on the PATH"):
        desk.run(Engine(kind="slurm", slurm=QUEUE), "ok")


def test_an_executor_that_does_not_start_gives_the_end_of_its_log(desk: Desk) -> None:
    with pytest.raises(RuntimeError, match=r"(?s)the engine slurm could not be started: .*set MILL_SLURM_PARTITION"):
        batch = Batch(opener="x:y", settings={}, items=[["i0", "ok"]])
        Attempt(Engine(kind="slurm"), batch, 1, desk.folder, desk.heard.append).run()


@pytest.mark.parametrize(("workers", "items", "tasks"), [(2, 1, 1), (2, 8, 2), (2, 320, 20), (64, 320, 64), (4000, 3000, 1000)])
def test_tasks_are_as_many_as_workers_and_short_where_there_is_much_to_do(workers: int, items: int, tasks: int) -> None:
    assert Engine(kind="local", num_workers=workers).num_tasks(items) == tasks


def test_an_engine_survives_its_json() -> None:
    for engine in (Engine(), Engine(kind="slurm", num_workers=9, slurm=QUEUE)):
        assert engine_from_json(engine.to_json()) == engine


def test_a_line_that_a_killed_worker_left_torn_is_passed_over(tmp_path: Path) -> None:
    items = [["i0", "ok"], ["i1", "ok"], ["i2", "ok"]]
    attempt = Attempt(local(), Batch(opener="x:y", settings={}, items=items), 1, tmp_path / "run", lambda progress: None)
    told = '{"kind": "begun", "item": "i0"}\n{"kind": "done", "item": "i0"}\n{"kind": "begun", "item": "i1"}\n{"kind": "do\n{"kind": "opened"}\n'
    (tmp_path / "run" / "progress" / "00000").write_text(told)
    assert attempt.listen()
    assert attempt.unsettled() == [["i2", "ok"], ["i1", "ok"]]  # what a worker was lost over comes last
