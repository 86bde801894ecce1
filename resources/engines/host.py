"""The process that hosts datatrove's executor for one attempt: ``python -m resources.engines.host FOLDER``.

A process of its own keeps what executors do to theirs (loguru, Ray's threads and signal handlers, pools that hang when a worker is
killed) out of the run, and lets the run end all of it.
"""

import os
import sys
from pathlib import Path
from typing import Any

from resources.devices.lifeline import die_with_parent
from resources.engines.engine import Batch, Engine, read_batch
from resources.engines.hosting import leave_when_told
from resources.engines.queue import wait_for_job

RAY_STORE_BYTES = 100_000_000
"""Of a cluster of our own: cells go through the lake, so Ray's object store holds next to nothing."""


def main(folder: Path) -> None:
    """Run an attempt's batch to its end."""
    engine, batch, num_tasks = read_batch(folder)
    leave_when_told()
    {"local": run_local, "ray": run_ray, "slurm": run_slurm}[engine.kind](engine, batch, num_tasks, folder)


def _arguments(engine: Engine, num_tasks: int, folder: Path) -> dict[str, Any]:
    """Return what every executor takes. The folder of logs is fresh, so that no completion of an earlier job makes it skip a task."""
    from resources.engines.task import DoItems

    return {"pipeline": [DoItems(str(folder))], "tasks": num_tasks, "workers": engine.num_workers, "logging_dir": str(folder / "datatrove")}


def run_local(engine: Engine, batch: Batch, num_tasks: int, folder: Path) -> None:
    """Run on processes of this machine, forked from a server that has imported what they need while this process does the same."""
    from multiprocess import forkserver

    die_with_parent()
    os.register_at_fork(after_in_child=die_with_parent)  # datatrove's queue server would outlive a killed host
    if engine.num_workers > 1:
        forkserver.set_forkserver_preload(["resources.devices.fork_server", "resources.engines.task", batch.opener.partition(":")[0]])
        forkserver.ensure_running()
    from datatrove.executor.local import LocalPipelineExecutor

    LocalPipelineExecutor(**_arguments(engine, num_tasks, folder)).run()


def run_ray(engine: Engine, batch: Batch, num_tasks: int, folder: Path) -> None:
    """Run on a Ray cluster, one of our own where no address is given."""
    import ray
    from datatrove.executor.ray import RayPipelineExecutor

    die_with_parent()
    own = {"num_cpus": engine.num_workers, "object_store_memory": RAY_STORE_BYTES, "include_dashboard": False}
    scratch = folder / "tmp"  # datatrove logs below the system's temporary folder, under one name for every run and user
    scratch.mkdir()
    environment = {"TMPDIR": str(scratch), "PYTHONPATH": os.environ["PYTHONPATH"]}
    ray.init(address=engine.ray_address, runtime_env={"env_vars": environment}, **(own if engine.ray_address == "local" else {}))
    RayPipelineExecutor(**_arguments(engine, num_tasks, folder)).run()
    ray.shutdown()


def run_slurm(engine: Engine, batch: Batch, num_tasks: int, folder: Path) -> None:
    """Submit an array of jobs and wait for its end; take it back where the run ends first."""
    from resources.engines.slurm import ArrayOfJobs

    if engine.slurm is None:
        raise ValueError("the engine slurm needs a queue; set MILL_SLURM_PARTITION")
    activate = Path(sys.prefix) / "bin" / "activate"
    executor = ArrayOfJobs(
        **_arguments(engine, num_tasks, folder),
        partition=engine.slurm.partition,
        time=engine.slurm.time_limit,
        sbatch_args=engine.slurm.arguments,
        job_name=f"modelmill-{folder.parent.name}"[:60],
        qos="",
        venv_path=str(activate) if activate.exists() else "",
        with_srun=False,
    )
    parent = os.getppid()
    executor.run()
    wait_for_job(str(executor.job_id), parent)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
