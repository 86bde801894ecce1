"""Nodes that a cluster has join a run: Slurm's commands as far as they are needed, and a real cluster of Ray's on this machine."""

import os
from pathlib import Path
from typing import Any

import pytest

from resources.devices.launchers import Fault, run_together
from resources.devices.nodes import NODE, Crew, gathered_crew
from resources.engines.engine import Engine, SlurmQueue
from resources.engines.joining import starter
from tests.locations import PROJECT
from tests.ray_cluster import ray_cluster
from tests.resources.devices.test_nodes import WORKER, job_of
from tests.resources.engines.fake_slurm import install_slurm

SLURM = Engine(nodes="slurm", slurm=SlurmQueue("gpus", "1:00:00", {"account": "me"}))


@pytest.fixture(autouse=True)
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NODE, "own")
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Slurm's commands on the PATH; the folder where they keep what was submitted."""
    monkeypatch.setenv("PATH", f"{install_slurm(tmp_path / 'slurm')}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "slurm"


def crew_of(folder: Path, engine: Engine) -> Any:
    """Gather two processes here and two on each of two other nodes."""
    return gathered_crew(folder / "nodes", folder / "leases", [], 6, 3, "r/models/m", starter(engine))


def run(folder: Path, crew: Crew) -> tuple[Fault | None, list[str]]:
    """Return what failed, and the node of each process."""
    environments = [{**lease.environment, NODE: "own"} for lease in crew.leases]  # the server that children are forked from may be an older one
    fault = run_together(WORKER, job_of(folder), environments, crew.nodes)
    return fault, [(folder / f"process-{rank}").read_text().split()[0] for rank in range(crew.num_processes)]


def test_slurm_starts_the_nodes_of_a_run_together_and_none_is_left_when_it_is_over(tmp_path: Path, slurm: Path) -> None:
    with crew_of(tmp_path, SLURM) as crew:
        assert run(tmp_path, crew) == (None, ["own", "own", "node-0", "node-0", "node-1", "node-1"])
    calls = [line.split() for line in (slurm / "calls").read_text().splitlines()]
    (submitted,) = [call for call in calls if call[0] == "sbatch"]
    asked = ["--partition=gpus", "--time=1:00:00", "--nodes=2", "--ntasks-per-node=1", "--cpus-per-task=2", "--account=me"]
    assert set(asked) < set(submitted) and ["scancel", "7"] in calls
    assert list((tmp_path / "nodes").iterdir()) == []


def test_a_job_that_ends_before_its_nodes_joined_fails_the_run_with_what_it_wrote(tmp_path: Path, slurm: Path) -> None:
    (slurm / "bin" / "srun").write_text("#!/bin/sh\necho no such node >&2\nexit 1\n")
    with pytest.raises(RuntimeError, match=r"of 2 other nodes 0 joined: Slurm's job 7 has ended: no such node"), crew_of(tmp_path, SLURM):
        pass


def test_what_slurm_refuses_is_told(tmp_path: Path, slurm: Path) -> None:
    (slurm / "bin" / "sbatch").write_text("#!/bin/sh\necho invalid account >&2\nexit 1\n")
    with pytest.raises(RuntimeError, match="of 2 other nodes 0 joined: sbatch: invalid account"), crew_of(tmp_path, SLURM):
        pass


def test_where_there_is_no_slurm_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(RuntimeError, match=r"nodes by Slurm need sbatch on the PATH; .* or set MILL_NODES to join"), crew_of(tmp_path, SLURM):
        pass


def test_a_ray_cluster_of_a_runs_own_has_no_other_node(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="set RAY_ADDRESS to that of a cluster"), crew_of(tmp_path, Engine(nodes="ray")):
        pass


def test_a_ray_cluster_runs_the_nodes_of_a_run_on_other_machines(tmp_path: Path) -> None:
    with ray_cluster("b", "c") as address, crew_of(tmp_path, Engine(nodes="ray", ray_address=address)) as crew:
        assert run(tmp_path, crew) == (None, ["own", "own", "b", "b", "c", "c"])
    assert list((tmp_path / "nodes").iterdir()) == []
