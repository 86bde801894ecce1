"""What a training costs beyond itself as an asset: Dagster, Pipes, planning, checks and publishing, in CPU seconds of all processes.

Run by ``make bench NAME=overhead``, with two numbers of steps behind it where `STEPS` are not wanted. One model of 2 million parameters is trained
by ``mill up`` on a mixture that stands, and by the same method called alone in one process (the bare loop); each short and long, on one core. What
differs in the short runs is paid once a training; what the command's own process takes more in the long run grows with the training, which a run of
seconds is too short to tell. Processes that the command leaves behind (the server that children are forked from) come to this one and are waited for,
so that all is counted.
"""

import ctypes
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from pipelines.recipe.schema import kernel_config, load_recipe
from resources.storage.home import Home
from resources.storage.manifest import Cell
from tests.bench.bare_loop import JOB
from tests.bench.commands import mill, run_command, take_one_core
from tests.bench.trained_recipes import write_recipe

MODEL = "decoder"
STEPS = (10, 200)
GOAL = 0.01
"""Largest share of a training's CPU seconds that grows with it."""
PR_SET_CHILD_SUBREAPER = 36


class Spent(NamedTuple):
    """CPU seconds of a run."""

    command: float
    """Of the process that was started."""
    others: float
    """Of those that it started and did not wait for, and of theirs."""

    @property
    def total(self) -> float:
        """All of them."""
        return self.command + self.others


def write_job(folder: Path) -> None:
    """Write the config of the model of a folder's recipe, and where its mixture and tokenizer stand."""
    entry: Any = load_recipe(folder / "recipe.yaml").entries.models[MODEL]
    lake = Home.resolve(folder / ".mill", {}).lake()
    places = {name: str(lake.folder(Cell("bench", f"tokens/{name}_bpe", None))) for name in ("mixture", "tokenizer")}
    (folder / JOB).write_text(json.dumps({"config": kernel_config("methods", "pretrain", entry).model_dump(mode="json"), **places}))


def spent_by(command: list[str], folder: Path) -> Spent:
    """Run a command to its end and to that of all that it leaves behind."""
    took = run_command(command, folder)
    others = 0.0
    while True:
        try:
            _, _, used = os.wait4(-1, 0)
        except ChildProcessError:
            return Spent(took.cpu_seconds, others)
        others += used.ru_utime + used.ru_stime


def main(short: int, long: int) -> None:
    """Run both sides, short and long, and print where seconds go and the JSON line."""
    take_one_core()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    ours: list[Spent] = []
    bare: list[Spent] = []
    with tempfile.TemporaryDirectory() as name:
        standing = Path(name) / "standing"
        write_recipe(standing, [MODEL], short)
        spent_by(mill(standing, "up", "--until", "tokens"), standing)
        for steps in (short, long):
            folder = Path(name) / str(steps)
            shutil.copytree(standing, folder, symlinks=True)
            write_recipe(folder, [MODEL], steps)
            write_job(folder)
            ours.append(spent_by(mill(folder, "up"), folder))
            environment = [sys.executable, "-W", "ignore", "-m", "tests.bench.bare_loop", str(folder)]
            bare.append(spent_by(["env", f"PYTHONPATH={Path.cwd()}", *environment], folder))
            told = f"mill up {ours[-1].total:.1f} CPU s (its own process {ours[-1].command:.1f}), bare loop {bare[-1].total:.1f}"
            print(f"{steps} steps: {told}; load {os.getloadavg()[0]:.1f}", flush=True)
    trained = bare[1].total - bare[0].total
    grows = (ours[1].command - ours[0].command) / trained
    once = ours[0].total - bare[0].total
    print(f"once a training: {once:.1f} CPU s; with each second of training: {grows:.2%} more (goal {GOAL:.0%})")
    print(f"of a run of {ours[1].total:.0f} CPU s that is {ours[1].total / bare[1].total - 1:.1%}")
    line = {"name": "overhead", "ours": ours[1].total, "peer": bare[1].total, "ratio": bare[1].total / ours[1].total, "unit": "CPU s"}
    print(json.dumps({**line, "peak_mb": _peak_mb(), "once": once, "share_that_grows": grows}))


def _peak_mb() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


if __name__ == "__main__":
    main(*(tuple(map(int, sys.argv[1:])) or STEPS))
