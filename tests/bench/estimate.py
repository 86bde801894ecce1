"""What ``mill estimate`` foretells of trainings against what they take: seconds, memory and FLOPs of four families of models.

Run by ``make bench NAME=estimate``, with a number of steps behind it where `STEPS` is not wanted. The models are those of the recipe
``architectures``, 2 million parameters each. Each is foretold in a process of its own on the mixture that stands, then trained by ``mill up``:
seconds are those of its cell, from the start of its process to the checkpoint that stands, memory the most that its process held. One core; what
else the machine does slows both, so run it alone. Where a GPU is they train there, and memory is that of its tensors. FLOPs differ where rows have
room that no token took (T5).
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from kernels.training.costs.memory import Device, training_memory
from kernels.training.costs.work import training_flops
from pipelines.commands.estimate import seconds_at_hand
from pipelines.planning.trainings import trainings
from pipelines.recipe.schema import load_recipe
from resources.devices.leases import count_gpus
from resources.storage.home import Home
from resources.storage.manifest import Cell
from tests.bench.commands import mill, run_command, take_one_core
from tests.bench.trained_recipes import write_recipe

MODELS = ["decoder", "encoder", "encoder_decoder", "recurrent_decoder"]
STEPS = 150
DEVICE: Device = "cuda" if count_gpus() else "cpu"
GOAL = 0.15
"""Largest difference of seconds, of what was measured."""


def foretell(folder: Path, model: str) -> dict[str, float]:
    """Return what is foretold of a model: seconds, MB and FLOPs."""
    lake = Home.resolve(folder / ".mill", {}).lake()
    found = {training.model: training for training in trainings(load_recipe(folder / "recipe.yaml").entries, lake, DEVICE)}[model]
    if found.work is None:
        raise ValueError(f"{model}: {found.why_not}")
    memory = training_memory(found.work.counts, found.work.step, found.work.held).total / 1e6
    return {"seconds": seconds_at_hand(found.work), "memory_mb": memory, "flops": training_flops(found.work)}


def measured(folder: Path, model: str) -> dict[str, float]:
    """Return what a training that stands took."""
    manifest = Home.resolve(folder / ".mill", {}).lake().require(Cell("bench", f"models/{model}", None))
    told = manifest.metadata
    return {
        "seconds": manifest.seconds,
        "memory_mb": float(told["peak_memory_mb"]),
        "flops": float(told["flops_per_token"]) * float(told["num_train_tokens"]),
    }


def main(num_steps: int) -> None:
    """Foretell and train each model, and print the table and the JSON line."""
    take_one_core()
    rows: dict[str, tuple[dict[str, float], dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_recipe(folder, MODELS, num_steps)
        run_command(mill(folder, "up", "--until", "tokens"), folder)
        for model in MODELS:
            load = os.getloadavg()[0]
            foretold: dict[str, Any] = json.loads(_told([sys.executable, "-W", "ignore", "-m", "tests.bench.estimate", str(folder), model]))
            run_command(mill(folder, "up", f"models/{model}"), folder)
            rows[model] = foretold, measured(folder, model)
            ours, took = rows[model]
            print(
                f"{model:18} foretold {ours['seconds']:5.0f} s, took {took['seconds']:5.0f} ({ours['seconds'] / took['seconds'] - 1:+.0%}); "
                f"{ours['memory_mb']:5.0f} MB, took {took['memory_mb']:5.0f} ({ours['memory_mb'] / took['memory_mb'] - 1:+.0%}); "
                f"{ours['flops']:.3g} FLOPs, took {took['flops']:.3g} ({ours['flops'] / took['flops'] - 1:+.1%}); load {load:.1f}",
                flush=True,
            )
    seconds = [sum(each[side]["seconds"] for each in rows.values()) for side in (0, 1)]
    off = {model: round(ours["seconds"] / took["seconds"] - 1, 3) for model, (ours, took) in rows.items()}
    line = {"name": "estimate", "ours": seconds[0], "peer": seconds[1], "ratio": seconds[1] / seconds[0], "unit": "s of trainings"}
    print(json.dumps({**line, "peak_mb": max(took["memory_mb"] for _, took in rows.values()), "off": off, "goal": GOAL}))


def _told(command: list[str]) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip().splitlines()[-1]


if __name__ == "__main__":
    if len(sys.argv) > 2:
        print(json.dumps(foretell(Path(sys.argv[1]), sys.argv[2])))
    else:
        main(*map(int, sys.argv[1:] or [STEPS]))
