"""Where a deployment's state lies, and that one planner works in it at a time."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from resources.storage.home import Busy, Home
from resources.storage.lake import Cell
from tests.locations import PROJECT


def home_at(root: Path) -> Home:
    return Home.resolve(root, {})


def hold(root: Path, name: str = "up") -> "subprocess.Popen[str]":
    """Start a process that takes the lock, and return it once it holds it."""
    body = f"""
    import sys
    from pathlib import Path
    from resources.storage.home import Home
    with Home.resolve(Path({str(root)!r}), {{}}).lock({name!r}):
        print("held", flush=True)
        sys.stdin.read()
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(body)], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "held\n"
    return process


def end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


def test_a_lock_that_is_held_names_its_holder_and_is_freed_when_that_is_killed(tmp_path: Path) -> None:
    process = hold(tmp_path)
    try:
        with pytest.raises(Busy, match=rf"up\.lock: held by process {process.pid}; wait for it or stop it"), home_at(tmp_path).lock("up"):
            pass
        with home_at(tmp_path).lock("other"):
            pass
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with home_at(tmp_path).lock("up"):
            assert (tmp_path / "up.lock").read_text() == str(os.getpid())
    finally:
        end(process)


def test_a_lock_is_freed_by_an_error_within(tmp_path: Path) -> None:
    home = home_at(tmp_path)

    def fail() -> None:
        with home.lock("up"):
            raise RuntimeError("within")

    with pytest.raises(RuntimeError, match="within"):
        fail()
    with home.lock("up"), pytest.raises(Busy, match=rf"held by process {os.getpid()}"), home.lock("up"):
        pass


def test_a_home_lies_where_the_environment_says_and_else_beside_the_recipe(tmp_path: Path) -> None:
    plain = Home.resolve(tmp_path / ".mill", {})
    assert (plain.root, plain.lake_url) == (tmp_path / ".mill", str(tmp_path / ".mill" / "lake"))
    told = Home.resolve(tmp_path / ".mill", {"MILL_HOME": "/srv/mill", "MILL_LAKE": "memory://lake", "MILL_CACHE": "/srv/cache"})
    assert (told.root, told.lake_url, told.package_cache) == (Path("/srv/mill"), "memory://lake", Path("/srv/cache"))


def test_all_that_a_home_holds_lies_in_it(tmp_path: Path) -> None:
    home = home_at(tmp_path)
    places = {home.dagster, home.embedded, home.data_docs, home.leases, home.scratch(Cell("small", "models/base"), "f" * 32), Path(home.lake().root)}
    assert len(places) == 6 and all(place.is_relative_to(tmp_path) for place in places)


def test_unfinished_work_is_kept_apart_by_what_it_is_made_from(tmp_path: Path) -> None:
    home, cell = home_at(tmp_path), Cell("small", "models/base")
    first = home.scratch(cell, "a" * 32)
    (first / "step-5").write_text("state")
    assert home.scratch(cell, "b" * 32) != first
    assert (home.scratch(cell, "a" * 32) / "step-5").read_text() == "state"
