"""Runs whose process is gone: those of this process, of a process that has the number of another, and of none."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.daemon.instance import open_instance
from pipelines.planning import runs
from pipelines.planning.runs import PROCESS_TAG, end_orphans, run_in_process
from resources.devices.processes import is_alive, this_process
from resources.storage.home import Home


def test_a_process_is_known_by_its_start_and_not_by_its_number_alone() -> None:
    host, pid, started = this_process().split()
    assert is_alive(this_process())
    assert not is_alive(f"{host} {pid} {int(started) + 1}"), "another process has the number now"
    assert is_alive(f"elsewhere {pid} {started}"), "of another machine nobody here can tell"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not is_alive(f"{host} {ended.pid} ")


@pytest.mark.parametrize(
    ("tag", "ends"),
    [
        ("this", False),
        ("reused", True),
        ("none, long ago", True),
        ("none, just now", False),
    ],
)
def test_runs_without_their_process_are_ended(tag: str, ends: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tags: dict[str, Any] = {"this": {PROCESS_TAG: this_process()}, "reused": {PROCESS_TAG: f"{socket.gethostname()} {os.getpid()} 1"}}
    if tag == "none, long ago":
        monkeypatch.setattr(runs, "SILENT_SECONDS", -1.0)
    with open_instance(Home.resolve(tmp_path, {})) as instance:

        @dg.job
        def nothing() -> None:
            pass

        run = instance.create_run_for_job(nothing, tags=tags.get(tag, {}))
        assert end_orphans(instance) == ([run.run_id] if ends else [])
        found = instance.get_run_by_id(run.run_id)
        assert found is not None and (found.status == dg.DagsterRunStatus.FAILURE) is ends


@pytest.mark.parametrize("interrupted", [signal.SIG_IGN, signal.default_int_handler])
def test_behind_a_run_signals_do_what_they_did_before_it(interrupted: Any, tmp_path: Path) -> None:
    """In the background of a script SIGINT is ignored, and Dagster would leave SIGTERM as that is."""

    def heard(number: int, frame: Any) -> None:
        """Stand for what a command does."""

    @dg.op
    def during() -> None:
        assert signal.getsignal(signal.SIGTERM) is not heard, "Dagster has put its own in place"

    @dg.job
    def nothing() -> None:
        during()

    asked, before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGTERM, heard)
    signal.signal(signal.SIGINT, interrupted)
    try:
        with open_instance(Home.resolve(tmp_path, {})) as instance:
            assert run_in_process(nothing, instance, {}, {}).events[-1].event_type is dg.DagsterEventType.RUN_SUCCESS
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == (heard, interrupted)
    finally:
        signal.signal(signal.SIGTERM, asked)
        signal.signal(signal.SIGINT, before)
