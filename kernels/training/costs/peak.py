"""The peak of a device as it is measured: FLOP/s of products of matrices, and which share of it a training takes.

The best of some products, since anything else that runs on the machine only ever takes time away; of random numbers, since a GPU multiplies those
that are alike with less power and so faster than any that a training has. The share (MFU) is of the FLOPs of the model as
written, whatever is recomputed (Chowdhery et al. 2022, arXiv 2204.02311, appendix B).
"""

import time
from collections.abc import Callable
from typing import Any, Literal

Precision = Literal["bfloat16", "float16", "float32"]

CPU_SIZES, CUDA_SIZES = (512, 768), (4096, 8192)
"""Rows and columns of the squares that are multiplied."""
REPEATS = 40
MAX_SECONDS = 0.4
"""Of one precision: of CPU time, on all cores together, or of a GPU's."""


def measure_peak(device: str, precision: Precision) -> float:
    """Return the peak in FLOP/s of a device ("cpu" with the threads that torch now uses, or "cuda") at a precision.

    Takes about half a second of the device's time; the memory that it takes of a GPU counts for no peak of memory. Worth asking of float16 on GPUs
    alone: CPUs without units for it are a hundred times slower.
    """
    import torch

    kind = getattr(torch, precision)
    random = torch.Generator(device).manual_seed(1)
    best = 0.0
    sizes, seconds_of, clock = (CUDA_SIZES, _cuda_seconds, time.perf_counter) if device == "cuda" else (CPU_SIZES, _cpu_seconds, time.process_time)
    began = clock()
    for size in sizes:
        left, right = (torch.randn(size, size, dtype=kind, device=device, generator=random) for _ in range(2))
        out = torch.empty_like(left)
        seconds_of(lambda left=left, right=right, out=out: torch.mm(left, right, out=out))  # the first one prepares
        for _ in range(REPEATS):
            best = max(best, 2 * size**3 / seconds_of(lambda left=left, right=right, out=out: torch.mm(left, right, out=out)))
            if clock() - began > MAX_SECONDS:
                break
        del left, right, out
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    return best


def _cpu_seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _cuda_seconds(work: Callable[[], Any]) -> float:
    """Return how long the device works, as its own events tell; the host returns from a call before it is done."""
    import torch

    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    work()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / 1000


def mfu(flops: float, seconds: float, peak: float) -> float:
    """Return the share of a peak (FLOP/s) that some FLOPs of a model took in some seconds.

    Raises:
        ValueError: seconds or peak are not above zero.
    """
    if not (seconds > 0 and peak > 0):
        raise ValueError(f"{seconds} seconds at a peak of {peak} FLOP/s have no share; measure both before asking")
    return flops / seconds / peak
