"""Machines that join a run: who is let in, what they are told, and that nobody works for a run that is gone."""

import json
import multiprocessing
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from multiprocessing import connection
from pathlib import Path
from typing import Any

import pytest

from resources.devices.jobs import Job, Reporter, Request
from resources.devices.launchers import Fault, run_together
from resources.devices.lines import Line
from resources.devices.nodes import NODE, Crew, Node, gathered_crew
from resources.devices.processes import has_process
from tests.locations import PROJECT

WORKER = "resources.devices.plain_worker"
AGENT = """
import sys
from multiprocessing import connection
from pathlib import Path
from resources.devices import launchers
from resources.devices.agent import serve

launchers._processes.set_forkserver_preload(["resources.devices.fork_server"])
if __name__ == "__main__":
    serve(Path(sys.argv[1]), Path(sys.argv[2]), [], print, 1)
"""


class Number(Request):
    """Each process writes its node and its own number; all but the first wait where that is asked."""

    waits: bool = False

    def fulfil(self, job: Job, report: Reporter) -> Any:
        """See `Request`."""
        (job.scratch / f"process-{job.rank}").write_text(f"{os.environ.get(NODE)} {os.getpid()}")
        while self.waits and job.rank:
            time.sleep(0.05)
        return job.rank


@pytest.fixture(autouse=True)
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NODE, "a")


@contextmanager
def agent(folder: Path, name: str) -> Iterator["subprocess.Popen[str]"]:
    """Have a node look for runs in a folder."""
    (folder / "agent.py").write_text(AGENT)
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), NODE: name}
    command = [sys.executable, str(folder / "agent.py"), str(folder / "nodes"), str(folder / "leases")]
    with subprocess.Popen(command, cwd=PROJECT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            yield process
        finally:
            process.kill()


def crew_of(folder: Path, gpus: list[str] | None = None, num_processes: int = 4, num_nodes: int = 2) -> Any:
    return gathered_crew(folder / "nodes", folder / "leases", gpus or [], num_processes, num_nodes, "r/models/m")


def job_of(folder: Path, **fields: Any) -> Path:
    return Job(request=Number(**fields), scratch=folder, device="cpu", num_threads=1).save()


def run(folder: Path, crew: Crew, module: str = WORKER, **fields: Any) -> Fault | None:
    return run_together(module, job_of(folder, **fields), [{**lease.environment, NODE: "a"} for lease in crew.leases], crew.nodes)


def job_that_fails(folder: Path) -> Path:
    job = job_of(folder)
    job.write_text(json.dumps({**json.loads(job.read_text()), "fields": {"waits": "perhaps"}}))
    return job


def test_a_node_that_joins_runs_its_share_under_numbers_of_its_own(tmp_path: Path) -> None:
    with agent(tmp_path, "b") as joined:
        with crew_of(tmp_path) as crew:
            assert (len(crew.leases), [node.name for node in crew.nodes], crew.num_processes) == (2, ["b"], 4)
            assert run(tmp_path, crew) is None
        told, _ = joined.communicate(timeout=20)
    assert [(tmp_path / f"process-{rank}").read_text().split()[0] for rank in range(4)] == ["a", "a", "b", "b"]
    assert json.loads((tmp_path / "result.json").read_text()) == 0
    assert told.splitlines() == ["b works for r/models/m", "r/models/m: done"]
    assert list((tmp_path / "nodes").iterdir()) == []


def test_processes_of_a_node_end_with_the_run_that_they_work_for(tmp_path: Path) -> None:
    with agent(tmp_path, "b") as joined:
        with pytest.raises(KeyboardInterrupt), crew_of(tmp_path) as crew:
            crew.nodes[0].run(WORKER, job_of(tmp_path, waits=True), 2, 4)
            until = time.monotonic() + 20
            while not (tmp_path / "process-3").exists() or not (tmp_path / "process-3").read_text():
                assert time.monotonic() < until
                time.sleep(0.02)
            raise KeyboardInterrupt
        told, _ = joined.communicate(timeout=20)
    assert "r/models/m: the run that it works for is gone" in told
    assert not has_process(int((tmp_path / "process-3").read_text().split()[1]))


def test_a_node_whose_process_fails_is_named_and_all_others_end(tmp_path: Path) -> None:
    with agent(tmp_path, "b") as joined, crew_of(tmp_path, num_processes=2) as crew:
        fault = run_together(WORKER, job_that_fails(tmp_path), [], crew.nodes, num_processes=2)
        joined.kill()
    assert fault is not None and fault.words.startswith("node b: process 0 of the") and "ended with code 1" in fault.words


@pytest.mark.parametrize(
    ("last_words", "named"),
    [
        ({}, "node b: it is gone, and its processes with it"),
        ({"fault": "process 1 was ended by signal 9", "code": -9}, "node b: process 1 was ended by signal 9"),
        ({"fault": "process 1 ended with code 1", "code": 1}, "process 0 of the 2"),
    ],
    ids=["a node that is gone", "a node's process that was killed", "one that followed ours"],
)
def test_the_cause_is_named_where_our_process_fails_before_it_is_heard_of(tmp_path: Path, last_words: dict[str, Any], named: str) -> None:
    job = job_that_fails(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        line = Line(socket.create_connection(server.getsockname()))
        ours = Line(server.accept()[0])

    def end() -> None:
        while not (begun := [child for child in multiprocessing.active_children() if str(job) in child.name]):
            time.sleep(0.02)
        connection.wait([begun[0].sentinel])
        if last_words:
            line.send(**last_words)
        line.close()

    ending = threading.Thread(target=end)
    ending.start()
    with closing(ours):
        fault = run_together(WORKER, job, [{}], [Node("b", ours)])
    ending.join()
    assert fault is not None and fault.words.startswith(named), fault


@pytest.mark.parametrize(("module", "words"), [("subprocess", "subprocess is no worker of this project")])
def test_a_node_starts_nothing_but_workers(tmp_path: Path, module: str, words: str) -> None:
    with agent(tmp_path, "b"), crew_of(tmp_path) as crew:
        assert run_together(module, job_of(tmp_path), [], crew.nodes) == Fault(1, f"node b: {words}")


def test_a_node_without_a_gpu_is_refused_where_the_run_has_some(tmp_path: Path) -> None:
    with (
        agent(tmp_path, "b"),
        pytest.raises(RuntimeError, match="node b: it has no GPU"),
        crew_of(tmp_path, ["0", "1"]),
    ):
        pass


def announced(folder: Path) -> dict[str, Any]:
    """Return what a run announces, as soon as it does."""
    until = time.monotonic() + 10
    while not (found := [path for path in (folder / "nodes").glob("*.json") if path.read_text().endswith("}")]):
        assert time.monotonic() < until
        time.sleep(0.02)
    (path,) = found
    assert path.stat().st_mode & 0o077 == 0, "others may not read the secret"
    return json.loads(path.read_text())


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (lambda token: {"node": "c", "token": "guessed"}, "it does not know the secret"),
        (lambda token: {"node": "a", "token": token}, f"a node named a is there already; let {NODE} name this one otherwise"),
        (lambda token: {"token": token}, "it does not know the secret"),
    ],
)
def test_who_is_not_let_in_is_told_why_and_the_run_waits_on(tmp_path: Path, words: Callable[[str], dict[str, Any]], fault: str) -> None:
    found: list[str] = []

    def gather() -> None:
        with crew_of(tmp_path) as crew:
            found.extend(node.name for node in crew.nodes)

    waiting = threading.Thread(target=gather)
    waiting.start()
    told = announced(tmp_path)
    stranger = Line(socket.create_connection(("127.0.0.1", told["port"])))
    stranger.send(**words(told["token"]))
    assert stranger.receive(5.0) == {"fault": fault}
    stranger.close()
    assert not found
    with agent(tmp_path, "b"):
        waiting.join(20.0)
    assert found == ["b"]


def test_a_line_gives_up_on_what_is_no_object_and_on_who_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = socket.create_connection(server.getsockname())
        here = Line(server.accept()[0])
    assert here.receive(0.05) is None
    there.sendall(b"[1]\n{nonsense\n" + b'{"fine": 1}\n')
    assert [here.receive(1.0) for _ in range(3)] == [None, None, {"fine": 1}]
    there.close()
    assert here.receive(1.0) is None
    here.close()
