"""The process that has nodes join a run: ``python -m resources.engines.node_host FOLDER``. It ends when they have."""

import os
import subprocess
import sys
from pathlib import Path

from resources.devices.lifeline import die_with_parent
from resources.engines.engine import Engine, lacking
from resources.engines.hosting import leave_when_told
from resources.engines.joining import Asked, read_asked
from resources.engines.queue import wait_for_job

AGENT = "resources.devices.agent"
SCRIPT = '#!/bin/sh\nexec srun "$@"\n'
OWN_NODE = "SLURMD_NODENAME"
"""Environment variable that names this node where Slurm runs us."""


def main(folder: Path) -> None:
    """Have nodes join and wait until they have ended."""
    engine, asked = read_asked(folder)
    command = [sys.executable, "-m", AGENT, str(asked.announced), str(asked.leases)]
    leave_when_told()
    if lacks := lacking(engine.nodes):
        sys.exit(f"nodes by {engine.nodes.capitalize()} need {lacks}, or set MILL_NODES to join")
    {"ray": by_ray, "slurm": by_slurm}[engine.nodes](engine, asked, command, folder)


def by_slurm(engine: Engine, asked: Asked, command: list[str], folder: Path) -> None:
    """Submit one job of all nodes, which Slurm starts together, on other machines than this."""
    if engine.slurm is None:
        sys.exit("nodes by Slurm need a queue; set MILL_SLURM_PARTITION")
    script, log = folder / "nodes.sh", folder / "nodes.log"
    script.write_text(SCRIPT)
    options = {
        "job-name": f"modelmill-nodes-{folder.name}",
        "partition": engine.slurm.partition,
        "time": engine.slurm.time_limit,
        "nodes": str(asked.num_nodes),
        "ntasks-per-node": "1",
        "gpus-per-node" if asked.device == "cuda" else "cpus-per-task": str(asked.num_devices),
        "output": str(log),
        **({"exclude": os.environ[OWN_NODE]} if OWN_NODE in os.environ else {}),
        **engine.slurm.arguments,
    }
    given = [f"--{name}={value}" if value else f"--{name}" for name, value in options.items()]
    parent = os.getppid()
    submitted = subprocess.run(["sbatch", "--parsable", *given, str(script), *command], capture_output=True, text=True, check=False)
    if submitted.returncode:
        sys.exit(f"sbatch: {submitted.stderr.strip()}")
    job = submitted.stdout.strip().partition(";")[0]
    wait_for_job(job, parent)
    told = log.read_text(errors="replace") if log.exists() else ""
    print(f"Slurm's job {job} has ended: {told.strip() or 'it wrote nothing'}")


def by_ray(engine: Engine, asked: Asked, command: list[str], folder: Path) -> None:
    """Have a Ray cluster run the agents, all at once or none, on other nodes than this."""
    if engine.ray_address == "local":
        sys.exit("a Ray cluster of a run's own has no other machine; set RAY_ADDRESS to that of a cluster, or MILL_NODES to join")
    import ray
    from ray.util.placement_group import placement_group
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    die_with_parent()
    ray.init(address=engine.ray_address, runtime_env={"env_vars": {"PYTHONPATH": os.environ["PYTHONPATH"]}})
    own, kind = ray.get_runtime_context().get_node_id(), "GPU" if asked.device == "cuda" else "CPU"
    others = [{"ray.io/node-id": f"!{own}"}] * asked.num_nodes
    group = placement_group([{kind: asked.num_devices}] * asked.num_nodes, strategy="STRICT_SPREAD", bundle_label_selector=others)
    ray.get(group.ready())
    needs = {"num_gpus": asked.num_devices, "num_cpus": 0} if kind == "GPU" else {"num_cpus": asked.num_devices}
    agent = ray.remote(run_agent)
    agents = [
        agent.options(scheduling_strategy=PlacementGroupSchedulingStrategy(group, index), max_retries=0, **needs).remote(command)
        for index in range(asked.num_nodes)
    ]
    for told in ray.get(agents):
        print(told.strip())
    ray.shutdown()


def run_agent(command: list[str]) -> str:
    """Run an agent on a node to its end and return what it said."""
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return ended.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]))
