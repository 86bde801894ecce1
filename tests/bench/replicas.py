"""How many tokens two replicas of a model answer in the time of one, each a process of one thread: wall clock and CPU seconds.

Run by ``make bench NAME=replicas``. A Llama of 28 million parameters in float32 continues 32 texts of 16 to 64 tokens by 32 tokens each. Processes
are started and models loaded beforehand; the wall clock goes from when all are ready to when all know all answers, in the quickest of some rounds.
Replicas cost more CPU seconds together than one alone: it reads its weights once a step for all sequences, they once each for half of them. Beside
them stand two processes that hold half of each block, or half of the blocks, each: for models that one does not hold.
"""

import json
import random
import resource
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from transformers import LlamaConfig

from kernels.inference.asking import Asked
from kernels.inference.parallel.answering import Together
from kernels.inference.parallel.seats import meet
from kernels.inference.sampling import Sampling
from kernels.inference.streaming.plan import Most
from kernels.models.formats.auto_classes import auto_class
from kernels.models.formats.checkpoints import LanguageModel, shape_of_folder
from kernels.models.formats.fast import fresh, write
from kernels.specs.layout import Layout, Rank
from tests.processes import on_processes

SIZES: dict[str, Any] = {"hidden_size": 512, "intermediate_size": 1408, "num_hidden_layers": 8, "num_attention_heads": 8, "num_key_value_heads": 8}
VOCABULARY, NUM_REQUESTS, NUM_TOKENS, ROUNDS = 4096, 32, 32, 3
LAYOUTS = {
    "1 replica": Layout(),
    "2 replicas": Layout(processes=2),
    "tensor": Layout(processes=2, tensor=2),
    "pipeline": Layout(processes=2, pipeline=2),
}


class Spent(NamedTuple):
    """What answering took in one process."""

    wall_seconds: float
    cpu_seconds: float
    peak_mb: float
    tokens: list[int]
    """All that were made, to be compared."""


def requests() -> list[Asked]:
    """Return what is asked."""
    chance = random.Random(1)
    texts = [[chance.randrange(VOCABULARY) for _ in range(chance.randrange(16, 65))] for _ in range(NUM_REQUESTS)]
    return [Asked(tokens=text, max_new_tokens=NUM_TOKENS, sampling=Sampling(temperature=0)) for text in texts]


def answered_here(rank: Rank, folder: Path) -> list[Spent]:
    """Answer as one of several processes, a few times."""
    import torch

    shape = shape_of_folder(folder)
    with torch.device("meta"):
        outline = LanguageModel(auto_class(shape).from_config(shape), SimpleNamespace(decode=lambda tokens, **_: "x" * len(tokens)), "cpu")
    seat = meet(rank, "cpu")
    rounds: list[Spent] = []
    for _ in range(ROUNDS):
        together = Together(outline, folder, seat, Most(NUM_REQUESTS * 96, 512, NUM_REQUESTS))
        seat.told_by_each(b"")
        wall, cpu = time.perf_counter(), time.process_time()
        pieces = together.answers(requests())
        tokens = [piece.told.token for piece in pieces if piece.told is not None]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        rounds.append(Spent(time.perf_counter() - wall, time.process_time() - cpu, peak, tokens))
    seat.leave()
    return rounds


def main() -> None:
    """Print a line of each way and the JSON line of two replicas against one."""
    rates: dict[str, float] = {}
    found: dict[str, tuple[Spent, ...]] = {}
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        write(fresh(LlamaConfig(**SIZES, vocab_size=VOCABULARY, max_position_embeddings=128, tie_word_embeddings=True), 1), folder)
        for name, layout in LAYOUTS.items():
            rounds = zip(*on_processes(layout, answered_here, folder), strict=True)
            each = found[name] = min(rounds, key=lambda processes: max(spent.wall_seconds for spent in processes))
            rates[name] = len(each[0].tokens) / max(spent.wall_seconds for spent in each)
            cpu = [spent.cpu_seconds for spent in each]
            same = "the same" if each[0].tokens == found["1 replica"][0].tokens else "other"
            told = f"{sum(cpu):.2f} CPU s of all, {max(cpu):.2f} of the busiest, {max(spent.peak_mb for spent in each):.0f} MB of the largest"
            print(f"{name:10} {rates[name]:5.0f} tokens/s, {told}; {same} tokens")
    ours, peer = rates["2 replicas"], rates["1 replica"]
    peak = max(spent.peak_mb for spent in found["2 replicas"])
    print(json.dumps({"name": "replicas", "ours": ours, "peer": peer, "ratio": ours / peer, "unit": "tokens/s", "peak_mb": peak, "rates": rates}))


if __name__ == "__main__":
    main()
