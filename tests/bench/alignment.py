"""A step of SFT and of DPO against TRL's trainers: CPU seconds on one core, of the same model, examples, order and precision.

Run by ``make bench NAME=alignment``. The data are the chats of the demo recipe, 64 tokens on average and 250 at most; the models are a decoder of 4M
parameters with a tokenizer of its own, and SmolLM2-135M-Instruct. Sides take turns, each run a process of its own on one core, and the median of its
steps counts, batches among it; nothing is compiled. TRL pads its batches: its own packing puts conversations of several steps into one, so that its
steps are no longer of as many examples. Asking the reference counts: ours asks the parent once before the first step, TRL a second model in each.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from assets.datasets.embedded import prepare
from kernels.documents.schema import document_table
from kernels.methods.alignment import dpo, sft
from kernels.reading.formats import chats
from kernels.specs.methods import MethodJob
from kernels.specs.sources import Document, SourceFile
from kernels.specs.turns import Turn
from resources.storage.home import Home
from tests import trl_trainers
from tests.locations import PROJECT

ROUNDS, WARM, STEPS = 2, 1, {"4M": 10, "135M": 2}
BATCH = {"sft": 16, "dpo": 8}
LENGTH, RATE, BETA, SEED = 256, 1e-5, 0.1, 1
GOAL = 0.8
"""Of TRL's CPU seconds, at most."""


# --- what all read ---


def write_chats(folder: Path, cache: Path) -> list[list[Turn]]:
    """Write the demo's chats as a table of documents; return them."""
    files = [SourceFile(path.name, partial(path.open, "rb")) for path in sorted(prepare("chats", folder, cache).glob("*.jsonl"))]
    read = [each for file in files for each in chats.SPEC.read(file, chats.ChatsConfig())]
    documents = [each._replace(key=str(key)) for key, each in enumerate(read) if isinstance(each, Document)]
    pq.write_table(document_table("chats", "chats.jsonl", documents), folder / "chats.parquet")
    return [list(each.turns or []) for each in documents]


def write_small_model(folder: Path, texts: list[str]) -> None:
    """Write a decoder of 4M parameters with random weights, and a tokenizer of its own."""
    from transformers import AutoTokenizer, LlamaForCausalLM

    from kernels.models.architectures import llama
    from kernels.models.formats import checkpoints
    from kernels.tokens.tokenizer_files import write_tokenizer
    from kernels.tokens.tokenizers import byte_bpe

    write_tokenizer(byte_bpe.train(iter(texts), byte_bpe.ByteBpeConfig(vocab_size=4096)), folder / "tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
    shape = llama.LlamaConfig.model_validate(
        {"kind": "llama", "hidden_size": 256, "num_layers": 4, "num_heads": 4, "num_kv_heads": 2, "intermediate_size": 704}
        | {"max_position_embeddings": 1024, "tie_embeddings": True}
    )
    model = LlamaForCausalLM(llama.build(shape, vocab_size=len(tokenizer), eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id))
    checkpoints.save(model, tokenizer, folder / "4M")


def adopt(folder: Path, cache: Path) -> None:
    """Write SmolLM2 as a checkpoint."""
    from kernels.methods.adoption.gguf import PACKAGE, SPEC

    (folder / "135M").mkdir()
    config: Any = SPEC.config(dtype="float32")
    package = prepare("smollm2", folder, cache)
    SPEC.run(MethodJob(config=config, paths={PACKAGE: package}, out=folder / "135M", scratch=folder, device="cpu", report=print, say=print))


# --- one side in a process of its own ---


def config_of(method: str, steps: int) -> Any:
    """Return what ours is told: as a recipe would."""
    told = {"seed": SEED, "num_steps": steps, "batch_size": BATCH[method], "learning_rate": RATE, "warmup_steps": 0, "max_length": LENGTH}
    told |= {"precision": "bfloat16", "checkpoint_every": 1000, "validation_fraction": 0.0, "compile": "never"}
    return sft.SftConfig.model_validate(told) if method == "sft" else dpo.DpoConfig.model_validate({**told, "beta": BETA})


def ours(method: str, folder: Path, model: Path, steps: int) -> dict[str, Any]:
    """Return the CPU seconds of our steps, and of asking the parent once, a step."""
    clock: list[float] = []
    losses: list[float] = []
    asked = 0.0
    ask = dpo.ask_references

    def timed(*arguments: Any) -> None:
        nonlocal asked
        before = time.process_time()
        ask(*arguments)
        asked = time.process_time() - before

    def report(numbers: dict[str, float]) -> None:
        clock.append(time.process_time())
        losses.append(numbers["loss"])

    dpo.ask_references = timed
    module, need = (sft, sft.CONVERSATIONS) if method == "sft" else (dpo, dpo.PAIRS)
    with tempfile.TemporaryDirectory() as out:
        (Path(out) / "out").mkdir()
        paths: Any = {module.PARENT: model, need: folder / "chats.parquet"}
        module.run(
            MethodJob(config=config_of(method, steps), paths=paths, out=Path(out) / "out", scratch=Path(out), device="cpu", report=report, say=print)
        )
    return {"cpu": [after - before for before, after in pairwise(clock)], "reference": asked / steps, "losses": losses}


def trl(method: str, folder: Path, model: Path, steps: int) -> dict[str, Any]:
    """Return the CPU seconds of TRL's steps, on our examples in our order."""
    from transformers import TrainerCallback

    from kernels.models.formats import checkpoints
    from kernels.models.formats.chats import chat_encoder
    from kernels.training.course.stages import constant, make_plan, whole_rows
    from kernels.training.feeding.epochs import ExampleFeed
    from kernels.training.tuning.runs import conversations

    clock: list[float] = []

    class Clock(TrainerCallback):
        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            clock.append(time.process_time())

        def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            clock.append(time.process_time())

    lm = checkpoints.load_to_train(model, "cpu")
    encoder, found = chat_encoder(lm.tokenizer), conversations(folder / "chats.parquet")
    if method == "sft":
        examples: list[Any] = list(sft.examples(encoder, found, LENGTH).texts)
    else:
        examples = list(dpo.examples(encoder, [pair for turns in found for pair in dpo.preference_pairs(turns)], LENGTH).pairs)
    plan = make_plan(steps, constant(BATCH[method]), whole_rows(8), 8)
    feed: Any = ExampleFeed("conversations" if method == "sft" else "pairs", len(examples), lambda numbers: None, plan, SEED, None)  # pyright: ignore[reportArgumentType]
    ordered = [examples[number] for number in feed.numbers(np.arange(steps * BATCH[method]))]
    with tempfile.TemporaryDirectory() as out:
        settings = trl_trainers.Settings(Path(out), steps, BATCH[method], RATE, bfloat16=True)
        if method == "sft":
            trainer = trl_trainers.sft_trainer(lm.model, lm.tokenizer, ordered, settings)
        else:
            trainer = trl_trainers.dpo_trainer(lm.model, checkpoints.load(model, "cpu").model, lm.tokenizer, ordered, BETA, settings)
        trainer.add_callback(Clock())
        losses = [row["loss"] for row in trl_trainers.train(trainer)]
    return {"cpu": [after - before for before, after in pairwise(clock)][1:], "reference": 0.0, "losses": losses}


def run(side: str, method: str, folder: Path, size: str) -> dict[str, Any]:
    """Return what one process of a side tells."""
    core = str(sorted(os.sched_getaffinity(0))[0])
    command = ["taskset", "-c", core, sys.executable, "-W", "ignore", "-m", "tests.bench.alignment", side, method, str(folder), size]
    told = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    return json.loads(told.stdout.strip().splitlines()[-1])


def main(sizes: list[str]) -> None:
    """Run all sides in turn and print the table and the JSON line."""
    cache = Home.resolve(PROJECT / ".mill", os.environ).package_cache
    shares: dict[str, float] = {}
    firsts: list[float] = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        found = write_chats(folder, cache)
        make: dict[str, Callable[[], None]] = {
            "4M": lambda: write_small_model(folder, [turn.content for turns in found for turn in turns]),
            "135M": lambda: adopt(folder, cache),
        }
        for size in sizes:
            make[size]()
            for method in BATCH:
                told = {side: [run(side, method, folder, size) for _ in range(ROUNDS)] for side in ("ours", "trl")}
                seconds = {side: statistics.median([step for each in runs for step in each["cpu"]]) for side, runs in told.items()}
                reference = min(each["reference"] for each in told["ours"])
                shares[f"{size} {method}"] = (seconds["ours"] + reference) / seconds["trl"]
                firsts += [*seconds.values()] if not firsts else []
                apart = max(abs(a - b) / b for a, b in zip(told["ours"][0]["losses"], told["trl"][0]["losses"], strict=True))
                memory = {side: max(each["peak_mb"] for each in runs) for side, runs in told.items()}
                share = f"{shares[f'{size} {method}']:.2f} of TRL's {seconds['trl']:.3f} (goal {GOAL})"
                asked = f" and {reference:.3f} for the reference" if reference else ""
                print(f"{size:4} {method}: {seconds['ours']:.3f} CPU s a step{asked}, {share}; losses within {apart:.1%}", flush=True)
                print(f"     memory {memory['ours']:.0f} MB, TRL's {memory['trl']:.0f} MB", flush=True)
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    line = {"name": "alignment", "ours": firsts[0], "peer": firsts[1], "ratio": firsts[1] / firsts[0], "unit": "CPU s a step", "peak_mb": peak_mb}
    print(json.dumps({**line, "shares": shares}))


def main_of_side(side: str, method: str, folder: str, size: str) -> None:
    """Take the steps of one side and print what they took."""
    import torch

    torch.set_num_threads(1)
    told = (ours if side == "ours" else trl)(method, Path(folder), Path(folder) / size, STEPS[size] + WARM)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**told, "cpu": told["cpu"][WARM - 1 :], "peak_mb": peak_mb}))


if __name__ == "__main__":
    if sys.argv[1:2] in (["ours"], ["trl"]):
        main_of_side(*sys.argv[1:])
    else:
        main(sys.argv[1:] or list(STEPS))
