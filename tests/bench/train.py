"""A training step against its peers: CPU seconds on one core, or seconds of a GPU, of the same model, batch and precision.

Run by ``make bench NAME=train``: of a GPU where there is one. Sides take turns (`tests.bench.train_peers`), each run a process of its own, and the
median of all its steps counts. The Hugging Face Trainer is run as it comes and with ``torch_compile``; ours keeps documents of a row apart, which the
peers do not. MFU is the share of the machine's own peak of bfloat16 matrix products, measured beside the runs.

What was tried here and did not pay: four query blocks instead of two (smaller products), an output layer in chunks of 256 or 4096 rows, summing the
output layer's gradient over the whole batch at once, comparing segments inside the kernel instead of adding a mask, and an exponential by repeated
squaring (the vectors of 512 bits take two turns each on the machine at hand, so that it is no faster than the library's).
"""

import json
import os
import resource
import statistics
import subprocess
import sys
from typing import Any

from resources.devices.leases import CUDA_ENVIRONMENT
from tests.bench.train_peers import SIZES, flops_of_step

ROUNDS, STEPS = 3, 8
SIDES = ("ours", "ours_unmasked", "trainer", "trainer_compiled", "chat")
GOALS: dict[str, dict[str, float]] = {"6M": {"trainer": 1.7, "chat": 1.55}, "30M": {"trainer": 1.35, "chat": 1.55}}


def run(side: str, size: str) -> dict[str, Any]:
    """Return what one process of a side tells."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.bench.train_peers", side, size, str(STEPS)]
    environment = {**os.environ, **CUDA_ENVIRONMENT}
    if SIZES[size].device == "cpu":
        command = ["taskset", "-c", str(sorted(os.sched_getaffinity(0))[0]), *command]
        environment["OMP_NUM_THREADS"] = "1"
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return json.loads(told.stdout.strip().splitlines()[-1])


def peak(device: str) -> float:
    """Return the peak of one core or of the GPU in bfloat16 products, FLOP/s."""
    import torch

    from kernels.training.costs.peak import measure_peak

    torch.set_num_threads(1)
    return max(measure_peak(device, "bfloat16") for _ in range(3))


def main(sizes: list[str]) -> None:
    """Run all sides in turn and print the table and the JSON line."""
    ratios: dict[str, float] = {}
    ours = theirs = 0.0
    for size in sizes:
        steps: dict[str, list[float]] = {side: [] for side in SIDES}
        firsts: dict[str, float] = {}
        memory: dict[str, float] = {}
        peaks: list[float] = []
        for _ in range(ROUNDS):
            for side in SIDES:
                told = run(side, size)
                steps[side] += told["seconds"]
                firsts[side], memory[side] = told["first"], told["device_mb"]
            peaks.append(peak(SIZES[size].device))
        medians = {side: statistics.median(taken) for side, taken in steps.items()}
        for side, taken in medians.items():
            share = flops_of_step(SIZES[size]) / taken / max(peaks)
            ratio, first = taken / medians["ours"], firsts[side]
            rate = f", {SIZES[size].rows * SIZES[size].length / taken:,.0f} tokens/s, {memory[side]:,.0f} MB" if memory[side] else ""
            print(f"{size:4} {side:17} {taken:6.4f} s a step, MFU {share:5.1%}, ours is {ratio:.2f} x, first step {first:.0f} s{rate}")
        for peer in ("trainer", "trainer_compiled", "chat"):
            ratios[f"{size} {peer}"] = medians[peer] / medians["ours"]
            goal = GOALS.get(size, {}).get(peer)
            print(f"     {peer}: {ratios[f'{size} {peer}']:.2f} x{'' if goal is None else f', goal {goal}'}")
        ours, theirs = ours or medians["ours"], theirs or medians["trainer"]
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    line = {"name": "train", "ours": ours, "peer": theirs, "ratio": theirs / ours, "unit": "s a step", "peak_mb": peak_mb, "ratios": ratios}
    print(json.dumps(line))


if __name__ == "__main__":
    import torch

    here = "cuda" if torch.cuda.is_available() else "cpu"
    main(sys.argv[1:] or [name for name, size in SIZES.items() if size.device == here])
