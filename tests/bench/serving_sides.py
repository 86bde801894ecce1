"""One side of `tests.bench.serving`, in a process of its own: what it takes to answer, and how near it comes to the float32 model."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.serving_engines import LONG, MANY, NUM_NEW, NUM_NEW_OF_MANY, PROMPT, SIDES, Side

REPEATS = 3


def speeds(side: Side, tokens: list[int]) -> dict[str, dict[str, float]]:
    """Return tokens a second of the wall clock and of the CPU, each the best of some repeats.

    What is made alone and at sixteen sequences counts without the prompts: from what it takes with one new token is told what all take.
    """
    texts = _pieces(tokens)
    side.answer([next(texts)[:PROMPT] for _ in range(MANY)], 3)
    side.answer([next(texts)], 1)
    asked = {"prefill": (1, LONG, 1), "alone, begun": (1, PROMPT, 1), "alone": (1, PROMPT, NUM_NEW + 1)}
    asked |= {"sixteen, begun": (MANY, PROMPT, 1), "sixteen": (MANY, PROMPT, NUM_NEW_OF_MANY)}
    least: dict[str, tuple[float, float]] = {}
    for name, (count, length, num_new) in asked.items():
        took = [_took(lambda: side.answer([next(texts)[:length] for _ in range(count)], num_new)) for _ in range(REPEATS)]  # noqa: B023
        least[name] = min(each[0] for each in took), min(each[1] for each in took)
    found: dict[str, dict[str, float]] = {}
    for index, clock in enumerate(("wall", "cpu")):
        told = {name: seconds[index] for name, seconds in least.items()}
        found[clock] = {
            "alone": NUM_NEW / (told["alone"] - told["alone, begun"]),
            "sixteen": MANY * (NUM_NEW_OF_MANY - 1) / (told["sixteen"] - told["sixteen, begun"]),
            "prefill": LONG / told["prefill"],
        }
    return found


def _pieces(tokens: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(tokens) - LONG, LONG // 2):
        yield tokens[start : start + LONG]


def _took(work: Callable[[], None]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def truth(side: Side, texts: Any, expected: Any) -> dict[str, float]:
    """Return the mean of the divergence of next-token distributions from those of the float32 model, in nats, and the share of equal top tokens."""
    assert side.logits is not None
    divergences: list[Any] = []
    equal: list[Any] = []
    for tokens, rows in zip(texts.tolist(), expected, strict=True):
        found = np.asarray(side.logits(tokens), np.float32)
        theirs, ours = _log_softmax(rows), _log_softmax(found)
        divergences.append((np.exp(theirs) * (theirs - ours)).sum(-1))
        equal.append(rows.argmax(-1) == found.argmax(-1))
    return {"divergence": float(np.concatenate(divergences).mean()), "equal": float(np.concatenate(equal).mean())}


def _log_softmax(rows: Any) -> Any:
    shifted = rows - rows.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def main(name: str, form: str, folder: Path, threads: int, asked: str) -> None:
    """Measure a side and print what was found."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    side = SIDES[name](folder, form, threads)
    if asked == "speed":
        found: dict[str, Any] = speeds(side, np.load(folder / "prompts.npy").tolist())
    else:
        found = truth(side, np.load(folder / "texts.npy"), np.load(folder / "logits.npy", mmap_mode="r"))
    peak_kb = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]  # getrusage's would begin at what the parent held
    print(json.dumps({**found, "peak_mb": int(peak_kb) / 1024}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
