"""What recomputing activations spares in memory and costs in time: a training step of each mode, its blocks compiled or not.

Run by ``make bench NAME=activations``. A Llama of 30 million parameters reads 16 rows of 512 tokens in bfloat16, with fused AdamW, on one core. Each
mode runs in a process of its own, whose peak of resident memory counts; beside it stands what the process held before its first step: the
libraries, the weights and the batch. CPU seconds are the median of the steps behind the first.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
from typing import Any, get_args

from kernels.training.execution.activations import ActivationMode
from tests.bench.measuring import took

ROWS, LENGTH, NUM_TOKENS = 16, 512, 8192
STEPS = 3
SHAPE = {"hidden_size": 512, "num_layers": 8, "num_heads": 8, "num_kv_heads": 8, "intermediate_size": 1376, "max_position_embeddings": LENGTH}


def measure(mode: ActivationMode, *, compiled: bool) -> dict[str, float]:
    """Return CPU seconds of a step, the peak of memory, and the memory before the first step, in MB."""
    import torch

    from kernels.models.architectures import llama
    from kernels.models.formats.fast import fresh
    from kernels.training.execution.compilation import keep_freed_memory
    from kernels.training.learner import Learner, Setting
    from kernels.training.optimization.optimizers import Optimizer, OptimizerConfig

    torch.set_num_threads(1)
    keep_freed_memory()
    config = llama.LlamaConfig.model_validate({"kind": "llama", "tie_embeddings": False, **SHAPE})
    trainable = fresh(llama.build(config, vocab_size=NUM_TOKENS, eos_token_id=0, pad_token_id=1), 1)
    learner = Learner(trainable, Setting("cpu", "bfloat16", compiled=compiled, z_loss=0.0, activations=mode))
    optimizer = Optimizer(learner.module, OptimizerConfig(), 0.1)
    batch = batch_of_rows()
    before = peak_mb()

    def step() -> None:
        learner.gradients(batch)
        optimizer.step(1e-4)
        for parameter in learner.module.parameters():
            parameter.grad = None

    step()
    return {"cpu": statistics.median(took(step).cpu_seconds for _ in range(STEPS)), "peak_mb": peak_mb(), "before_mb": before}


def batch_of_rows() -> Any:
    """Return rows of random tokens, each a document, whose tokens are predicted from those before them."""
    import numpy as np

    from kernels.training.feeding.batches import Examples
    from kernels.training.feeding.feed import batch_of

    tokens = np.random.default_rng(1).integers(4, NUM_TOKENS, (ROWS, LENGTH))
    return batch_of([Examples(tokens, np.zeros((ROWS, LENGTH), np.int32), np.roll(tokens, -1, 1), None, None, None, 0)])


def peak_mb() -> float:
    """Return the most memory that this process held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Run all modes and print the table and the JSON line."""
    core = str(sorted(os.sched_getaffinity(0))[0])
    found: dict[str, dict[str, float]] = {}
    for how in ("eager", "compiled"):
        for mode in get_args(ActivationMode):
            call = ["taskset", "-c", core, sys.executable, "-W", "ignore", "-m", "tests.bench.activations", mode, how]
            told = subprocess.run(call, check=True, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}).stdout
            found[f"{how} {mode}"] = taken = json.loads(told.splitlines()[-1])
            none = found[f"{how} none"]
            times, added = taken["cpu"] / none["cpu"], (taken["peak_mb"] - taken["before_mb"]) / (none["peak_mb"] - none["before_mb"])
            held = f"peak {taken['peak_mb']:5.0f} MB, {taken['before_mb']:.0f} of them before the first step"
            print(f"{how:8} {mode:9} {taken['cpu']:6.2f} CPU s a step ({times:.2f} x), {held}: steps add {added:.2f} x", flush=True)
    print(json.dumps({"name": "activations", "unit": "CPU s a step", "modes": found}))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1], compiled=sys.argv[2] == "compiled")))  # pyright: ignore[reportArgumentType]
    else:
        main()
