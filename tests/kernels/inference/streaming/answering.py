"""A process that answers by a model, whole or within some memory, and tells what it took by the kernel's own account.

Of the most that was resident (``VmHWM`` of /proc/self/status) what stood before is taken off: the interpreter, its libraries, and what a model of the
same kind with hardly any weights has touched of them. Within memory, the kernel refuses any more than that besides what the process has had
(``RLIMIT_DATA``: all that it can write to and shares with nobody, touched or not).

    python -m tests.kernels.inference.streaming.answering FOLDER SMALL_FOLDER [NUM_BYTES]
"""

import json
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch

from kernels.inference.asking import Asked
from kernels.inference.engine import Engine
from kernels.inference.engines import engine_of
from kernels.inference.sampling import Sampling
from kernels.inference.streaming.plan import Most
from kernels.inference.streaming.reader import Within
from kernels.models.formats.auto_classes import auto_class
from kernels.models.formats.checkpoints import LanguageModel, shape_of_folder

MOST = Most(128, 32, 2)
ROOM = {f"most_{name}": number for name, number in MOST._asdict().items()}
PROMPTS = ([5, 17, 300, 41, 8], list(range(7, 47)))
NUM_TOKENS = 8
SET_ASIDE = 16_000_000
"""Bytes of the stack of the thread that reads, and what the C library sets aside for it, beyond what they use."""


class Numbers:
    """A tokenizer of nothing but numbers."""

    def decode(self, tokens: Any, **_: Any) -> str:
        return " ".join(map(str, tokens))


def engine(folder: Path, num_bytes: int | None) -> Engine:
    shape = shape_of_folder(folder)
    if num_bytes is None:
        model: Any = auto_class(shape).from_pretrained(folder, dtype=torch.float32, local_files_only=True).eval()
        return engine_of(LanguageModel(model, Numbers(), "cpu"), **ROOM)
    with torch.device("meta"):
        outline: Any = auto_class(shape).from_config(shape).eval()
    return engine_of(LanguageModel(outline, Numbers(), "cpu"), **ROOM, within=Within(folder, num_bytes))


class Answered(NamedTuple):
    tokens: list[list[int]]
    seconds_a_step: float
    """In the median: of steps that pass a token of each request."""


def answered(asked: Engine) -> Answered:
    for prompt in PROMPTS:
        asked.ask(Asked(tokens=prompt, max_new_tokens=NUM_TOKENS, sampling=Sampling(temperature=0)))
    found: list[list[int]] = [[], []]
    seconds: list[float] = []
    while not asked.is_idle:
        began = time.perf_counter()
        for piece in asked.step():
            assert piece.told is not None
            found[piece.request].append(piece.told.token)
        seconds.append(time.perf_counter() - began)
    return Answered(found, statistics.median(seconds))


def told(key: str) -> int:
    """Return bytes that the kernel tells of this process."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{key}:"))
    return int(line.split()[1]) * 1024


def main(folder: Path, small: Path, num_bytes: int | None) -> None:
    torch.set_num_threads(1)  # two that share a core with others wait for each other most of the time
    answered(engine(small, None if num_bytes is None else 100_000_000))
    Path("/proc/self/clear_refs").write_text("5")  # the most that was resident is counted from here on
    before = told("VmRSS")
    if num_bytes is not None:
        limit = told("VmData") + num_bytes + SET_ASIDE
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    asked = engine(folder, num_bytes)
    found = answered(asked)
    print(json.dumps({**found._asdict(), "grown_bytes": told("VmHWM") - before}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else None)
