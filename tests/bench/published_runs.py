"""What is told of spread trainings before they run, held against runs that others published.

Run by ``make bench NAME=published_runs``. Each run is imagined as its authors spread it (kernels/training/worlds/imagined.py), and its tokens a
second and device, as ``mill estimate`` tells them (paces.py), stand beside theirs; memory stands beside theirs where they say it. No number here was
fitted to them: efficiencies are those that ``mill estimate`` assumes everywhere. Sources:

* torchtitan: github.com/pytorch/torchtitan, benchmarks/llama3_h100_202412_torchtitan.md (runs in bfloat16; compiled; GPUs of 500 W), and
  docs/performance.md of its first release (A100).
* Llama 3: Grattafiori et al. 2024 (arXiv 2407.21783), table 4, by its TFLOP/s a GPU.
"""

import json
import resource
import time
from typing import Any, NamedTuple

from kernels.models.architectures import llama
from kernels.models.formats.fast import counts_of, fresh
from kernels.specs.layout import Layout
from kernels.training.costs.hardware import hardware
from kernels.training.execution.activations import ActivationMode
from kernels.training.learner import Setting
from kernels.training.optimization.optimizers import OptimizerConfig
from kernels.training.worlds.imagined import Rows, imagine
from kernels.training.worlds.paces import step_time

SHAPES = {"8B": (4096, 32, 32, 14336), "70B": (8192, 80, 64, 28672), "405B": (16384, 126, 128, 53248)}
"""Width, blocks, heads and inner width of Llama 3.1 (arXiv 2407.21783, table 3); 8 key heads and 128,256 tokens each."""
AGAIN: dict[ActivationMode, float] = {"none": 0.0, "selective": 0.0, "full": 1 / 3}
"""FLOPs computed again, as a share of the model's: attention is fused."""


class Run(NamedTuple):
    """A run as it was published."""

    source: str
    model: str
    device: str
    layout: dict[str, Any]
    num_rows: int
    length: int
    activations: ActivationMode
    tokens_per_second: float | None
    """Of a device."""
    tera_flops: float | None = None
    """Of the model, a device and second, where its source tells no tokens."""
    gibibytes: float | None = None
    """Held by the fullest device."""


RUNS = (
    Run("torchtitan", "8B", "h100", {"processes": 8, "zero": 3}, 16, 8192, "selective", 6667, None, 77.0),
    Run("torchtitan", "8B", "h100", {"processes": 128, "zero": 3}, 256, 8192, "selective", 6514, None, 62.0),
    Run("torchtitan", "8B", "a100", {"processes": 64, "zero": 3}, 64, 8192, "selective", 2973),
    Run("torchtitan", "70B", "a100", {"processes": 64, "zero": 3}, 64, 8192, "full", 331),
    Run("Llama 3", "405B", "h100", {"processes": 8192, "tensor": 8, "pipeline": 16, "micro_batches": 32, "zero": 1}, 2048, 8192, "none", None, 430),
    Run("Llama 3", "405B", "h100", {"processes": 16384, "tensor": 8, "pipeline": 16, "micro_batches": 16, "zero": 1}, 2048, 8192, "none", None, 400),
)


def told(run: Run) -> tuple[float, float, float]:
    """Return tokens a second and device, TFLOP/s of the model, and GiB held, as they are told."""
    width, blocks, heads, inner = SHAPES[run.model]
    sizes = {"hidden_size": width, "num_layers": blocks, "num_heads": heads, "num_kv_heads": 8, "intermediate_size": inner}
    config = llama.LlamaConfig.model_validate({"kind": "llama", **sizes, "max_position_embeddings": run.length, "tie_embeddings": False})
    shape = llama.build(config, vocab_size=128_256, eos_token_id=0, pad_token_id=0)
    counts, layout, device = counts_of(shape), Layout.model_validate(run.layout), hardware(run.device)
    assert counts is not None
    setting = Setting("cuda", "bfloat16", False, 0.0, run.activations)
    found = imagine(lambda: fresh(shape, 1), layout, Rows(run.num_rows, run.length), setting, OptimizerConfig())
    flops = counts.flops_per_row(run.length, 0) * run.num_rows
    time = step_time(flops * (1 + AGAIN[run.activations]), device.peak_flops["bfloat16"], layout, found, device).total
    return run.num_rows * run.length / time / layout.processes, flops / time / layout.processes / 1e12, found.held.total / 2**30


def main() -> None:
    """Print the table, and the mean ratio as JSON."""
    began = time.process_time()
    print(f"{'run':11} {'model':5} {'on':10} {'layout':52} {'told':>9} {'published':>9} {'ratio':>6}  {'GiB':>6} {'published':>9}")
    ratios: list[float] = []
    for run in RUNS:
        tokens, tera, gibibytes = told(run)
        ours, theirs = (tokens, run.tokens_per_second) if run.tokens_per_second is not None else (tera, run.tera_flops)
        assert theirs is not None
        ratios.append(ours / theirs)
        unit = "tokens/s" if run.tokens_per_second is not None else "TFLOP/s"
        layout = ", ".join(f"{key} {value}" for key, value in run.layout.items()) + f", {unit}"
        memory = "" if run.gibibytes is None else f"{run.gibibytes:9.1f}"
        print(
            f"{run.source:11} {run.model:5} {run.device:10} {layout:52} {ours:9,.0f} {theirs:9,.0f} {ours / theirs:6.2f}  {gibibytes:6.1f} {memory}"
        )
    print(f"{time.process_time() - began:.0f} CPU s")
    mean = sum(ratios) / len(ratios)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(json.dumps({"name": "published_runs", "ours": mean, "peer": 1.0, "ratio": mean, "unit": "told / published", "peak_mb": peak}))


if __name__ == "__main__":
    main()
