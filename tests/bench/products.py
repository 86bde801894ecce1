"""How far a training step on a CPU can go: its matrix products alone, each at its best, against the step; wall clock and CPU seconds.

Run by ``make bench NAME=products``, with a number of threads behind it where all cores are not wanted. Products are those of the projections, the
output layer and attention in two causal query blocks, forward and both ways back, in bfloat16 with nothing between them: no norm, softmax, loss, mask
or optimizer. No step of the same model on this machine is shorter than that, so that the ratio bounds what any rewriting of it can gain.
"""

import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import torch

from tests.bench.train_peers import SIZES, WARM_STEPS, Size, ours

MODELS = {"demo": Size(256, 4, 4, 704, 0, vocabulary=4096, rows=8), "6M": SIZES["6M"], "30M": SIZES["30M"]}
STEPS = 20
QUERY_BLOCKS = 2


class Spent(NamedTuple):
    """Seconds of something that is done once."""

    wall: float
    cpu: float


def spent_by(do: Callable[[], object], times: int) -> Spent:
    """Return what one call costs, by the clock and by this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(times):
        do()
    return Spent((time.perf_counter() - wall) / times, (time.process_time() - cpu) / times)


def product(left: torch.Tensor, right: torch.Tensor) -> Spent:
    """Return what a product takes in the quickest of some rounds."""
    return min(spent_by(lambda: left @ right, 10) for _ in range(6))


def random(*shape: int) -> torch.Tensor:
    """Return a matrix, or a batch of them."""
    return torch.randn(*shape).bfloat16()


def products(size: Size) -> Spent:
    """Return what the matrix products of a step take, one by one."""
    tokens, width, head = size.rows * size.length, size.width, size.width // size.heads
    layer = [(width, 3 * width), (width, width), (width, 2 * size.inner), (size.inner, width)]
    taken: list[Spent] = []
    for columns, rows, count in [*((*shape, size.layers) for shape in layer), (width, size.vocabulary, 1)]:
        inputs, weights, gradients = random(tokens, columns), random(rows, columns), random(tokens, rows)
        pairs = [(inputs, weights.T), (gradients, weights), (gradients.T, inputs)]
        taken += [product(*pair) for pair in pairs] * count
    rows = size.length // QUERY_BLOCKS
    for block in range(1, QUERY_BLOCKS + 1):
        batch, keys = size.rows * size.heads, block * rows
        queries, others, scores = random(batch, rows, head), random(batch, keys, head), random(batch, rows, keys)
        pairs = [(queries, others.mT), (scores, others), (scores.mT, queries)]
        taken += [product(*pair) for pair in pairs] * 2 * size.layers  # of scores and of values, each with two ways back
    return Spent(sum(each.wall for each in taken), sum(each.cpu for each in taken))


def step_of(size: Size) -> Spent:
    """Return what a step of ours takes in the median, compiled, documents kept apart."""
    step = ours(size, masked=True)
    spent = [spent_by(step, 1) for _ in range(WARM_STEPS + STEPS)][WARM_STEPS:]
    return Spent(statistics.median(each.wall for each in spent), statistics.median(each.cpu for each in spent))


def main(threads: int) -> None:
    """Measure every model, and print a line of each and the JSON line of the demo's."""
    torch.set_num_threads(threads)
    ratios: dict[str, float] = {}
    found: dict[str, tuple[Spent, Spent]] = {}
    for name, size in MODELS.items():
        least, step = found[name] = products(size), step_of(size)
        ratios[name] = step.wall / least.wall
        told = f"products {least.wall * 1e3:.0f} ms (CPU {least.cpu * 1e3:.0f}), a step {step.wall * 1e3:.0f} ms (CPU {step.cpu * 1e3:.0f})"
        print(f"{name:4} on {threads} threads: {told}; without all else it would be {ratios[name]:.2f} x as fast")
    least, step = found["demo"]
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = {"name": "products", "ours": step.wall, "peer": least.wall, "ratio": least.wall / step.wall, "unit": "s a step", "peak_mb": peak_mb}
    print(json.dumps({**line, "ratios": ratios}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else len(os.sched_getaffinity(0)))
