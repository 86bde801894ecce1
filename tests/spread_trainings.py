"""Trainings of very small models by every layout of processes, and how far they are from that of one process."""

import multiprocessing
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file

from kernels.methods.pretraining.pretrain import MIXTURE, SPEC, TOKENIZER, PretrainConfig
from kernels.specs.families import configured, specs
from kernels.specs.layout import Layout, Rank
from kernels.tokens.special_tokens import SpecialTokens
from kernels.tokens.tokenizer_files import write_tokenizer
from kernels.tokens.tokenizers.byte_bpe import ByteBpeConfig, train
from kernels.training import outline, runs
from kernels.training.execution import compilation
from tests.kernels.methods.pretraining.test_pretrain import config as pretrain_config
from tests.method_jobs import method_job
from tests.processes import on_processes
from tests.small_mixtures import put_rows

LENGTH, VOCABULARY = 16, 280
STACK: dict[str, Any] = {"hidden_size": 32, "num_layers": 4, "num_heads": 4, "intermediate_size": 48, "max_position_embeddings": 64}
ENCODER = {**STACK, "global_every": 2, "local_attention": 4}
STATES = {"hidden_size": 32, "num_layers": 4, "state_size": 8, "head_dim": 16, "chunk_size": 8}
FAMILIES: dict[str, tuple[dict[str, Any], str]] = {
    "llama": ({**STACK, "num_kv_heads": 2}, "next_token"),
    "prefix_decoder": ({**STACK, "num_kv_heads": 2}, "prefix_lm"),
    "modernbert": (ENCODER, "masked"),
    "t5": (STACK, "span_corruption"),
    "mamba2": (STATES, "next_token"),
}
LAYOUTS: dict[str, Layout] = {
    "data": Layout(processes=2),
    "data, offload": Layout(processes=2, offload="optimizer"),
    "zero 1": Layout(processes=2, zero=1),
    "zero 2": Layout(processes=2, zero=2),
    "zero 3": Layout(processes=2, zero=3),
    "zero 3, offload": Layout(processes=2, zero=3, offload="optimizer"),
    "zero 3, all offloaded": Layout(processes=2, zero=3, offload="parameters"),
    "tensor": Layout(processes=2, tensor=2),
    "context": Layout(processes=2, context=2),
    "gpipe": Layout(processes=2, pipeline=2, schedule="gpipe"),
    "1f1b": Layout(processes=2, pipeline=2),
    "interleaved": Layout(processes=2, pipeline=2, schedule="interleaved"),
    "context on 4": Layout(processes=4, context=4),
    "data x context": Layout(processes=4, context=2),
    "context x zero 1": Layout(processes=2, context=2, zero=1),
    "context x zero 3": Layout(processes=4, context=2, zero=3),
    "copies x context x zero 3": Layout(processes=8, context=2, zero=3, shard=2),
    "context x tensor": Layout(processes=4, context=2, tensor=2),
    "pipeline x context": Layout(processes=4, context=2, pipeline=2),
    "data on 4": Layout(processes=4),
    "zero 1 on 4": Layout(processes=4, zero=1),
    "zero 3 on 4": Layout(processes=4, zero=3),
    "data x zero 2": Layout(processes=4, zero=2, shard=2),
    "data x tensor": Layout(processes=4, tensor=2),
    "tensor x zero 3": Layout(processes=4, tensor=2, zero=3),
    "1f1b on 4": Layout(processes=4, pipeline=4, micro_batches=8),
    "pipeline x data": Layout(processes=4, pipeline=2),
    "pipeline x tensor x zero 1": Layout(processes=8, pipeline=2, tensor=2, zero=1),
    "pipeline x zero 1": Layout(processes=4, pipeline=2, zero=1),
    "pipeline x zero 3": Layout(processes=4, pipeline=2, zero=3),
    "interleaved x zero 3, all offloaded": Layout(processes=4, pipeline=2, zero=3, schedule="interleaved", offload="parameters"),
    "pipeline x tensor x zero 3": Layout(processes=8, pipeline=2, tensor=2, zero=3),
    "tensor x zero 2": Layout(processes=4, tensor=2, zero=2),
    "pipeline x tensor": Layout(processes=4, pipeline=2, tensor=2, schedule="interleaved"),
    "data x zero 3": Layout(processes=4, zero=3, shard=2),
}
QUICK = ("data", "zero 3", "tensor", "context on 4", "1f1b", "data x zero 2", "interleaved x zero 3, all offloaded", "pipeline x tensor")
"""Of them, those that are tried with every architecture each time."""
CLOSE = 1e-5
"""Largest difference of a loss or norm in float32, as a share of it where it is above 1."""
WEIGHTS_CLOSE = 1e-4
"""The same of a tensor of the checkpoint, as a share of its norm: AdamW makes a whole step of a gradient that is nothing but what was rounded."""


class Trained(NamedTuple):
    """What is looked at of a training."""

    losses: pl.DataFrame
    weights: dict[str, torch.Tensor]


def put_data(folder: Path) -> Path:
    """Write rows of two documents each, of lengths of their own, and a tokenizer beside them; return the folder."""
    random = np.random.default_rng(0)
    for split, rows in (("train", 24), ("validation", 3)):
        ends = random.integers(4, 12, rows)
        put_rows(folder, split, random.integers(5, VOCABULARY, (rows, LENGTH)), (np.arange(LENGTH)[None] >= ends[:, None]).astype(int))
    special = SpecialTokens(mask=True, num_sentinels=8)
    text = "the cat sat on that other mat there and then went home again"
    write_tokenizer(train(iter([text] * 4), ByteBpeConfig(vocab_size=VOCABULARY, special_tokens=special)), folder / "tokenizer", special)
    return folder


def config(family: str, **changes: Any) -> PretrainConfig:
    sizes, objective = FAMILIES[family]
    spec = specs("architectures")[family]
    architecture = spec.config.model_validate({"kind": family, "tie_embeddings": True, **sizes, **changes.pop("sizes", {})})
    chosen = {"architecture": architecture, "objective": configured("objectives", objective)}
    return pretrain_config(**chosen, **{"num_steps": 6, "batch_size": 8, "validate_every": 3, "checkpoint_every": 4, "z_loss": 1e-3, **changes})


def train_here(rank: Rank, data: Path, folder: Path, family: str, changes: dict[str, Any], stop_behind: int | None = None) -> list[int]:
    """Train, alone or as one process of several, and return the steps that were taken; a process that is to stop behind one is as if killed.

    It is a process of its own, whose modules may be changed.
    """
    for module in (outline, runs):
        module.measure_peak = lambda device, precision: 1e12  # type: ignore[attr-defined]
    steps: list[int] = []
    if changes.pop("compiles", False):
        compilation.LEAST_FLOPS = {"cpu": 0.0}

    def report(numbers: dict[str, float]) -> None:
        steps.append(int(numbers["step"]))
        if steps[-1] == stop_behind:
            raise Stopped

    chosen = config(family, **changes)
    job = method_job(chosen, {MIXTURE: data, TOKENIZER: data / "tokenizer"}, folder / "out", folder / "scratch", report, lambda words: None)
    SPEC.run(replace(job, rank=rank, out=folder / ("nowhere" if rank.number else "out")))
    return steps


class Stopped(Exception):
    """Ends one process of a training at once."""


def train_each(rank: Rank, data: Path, folders: dict[str, Path], family: str, changes: dict[str, Any]) -> None:
    """Train by several layouts of as many processes, one behind the other."""
    for name, folder in folders.items():
        train_here(Rank(LAYOUTS[name], rank.number, f"{rank.meeting}-{folder.name}"), data, folder, family, changes)


def trainings(data: Path, folder: Path, names: Iterable[str], family: str, **changes: Any) -> dict[str, Trained]:
    """Return trainings by the names of their layouts, and that of one process by none."""
    folders = {name: folder / str(index) for index, name in enumerate(["", *names])}
    for each in folders.values():
        (each / "out").mkdir(parents=True)
        (each / "scratch").mkdir()
    on_processes(Layout(), train_here, data, folders[""], family, changes)
    for num in sorted({LAYOUTS[name].processes for name in names}):
        some = {name: each for name, each in folders.items() if name and LAYOUTS[name].processes == num}
        on_processes(Layout(processes=num), train_each, data, some, family, changes)
    return {name: read(each) for name, each in folders.items()}


def read(folder: Path) -> Trained:
    return Trained(pl.read_parquet(folder / "out" / "losses.parquet"), load_file(folder / "out" / "model.safetensors"))


def taken_further(before: Layout, behind: Layout, data: Path, folder: Path, **changes: Any) -> Trained:
    """Return a training of a Llama that is stopped at step 5 by one layout and goes on from there by another, to its end at step 6."""
    for name in ("out", "scratch"):
        (folder / name).mkdir()
    given = (data, folder, "llama", changes)
    with pytest.raises(AssertionError, match="Stopped"):
        on_processes(before, train_here, *given, 5)
    assert (folder / "scratch" / "step-000004").is_dir()
    assert on_processes(behind, train_here, *given)[0] == [5, 6]
    return read(folder)


def exit_codes(layout: Layout, data: Path, folder: Path, **changes: Any) -> list[int | None]:
    """Return the exit codes of the processes of a training of a Llama that ends by itself; None of those that do not within two minutes."""
    for name in ("out", "scratch"):
        (folder / name).mkdir(parents=True)
    context = multiprocessing.get_context("forkserver")
    ranks = [Rank(layout, number, f"file://{folder}/meeting") for number in range(layout.processes)]
    started = [context.Process(target=train_here, args=(rank, data, folder, "llama", changes)) for rank in ranks]
    for process in started:
        process.start()
    for process in started:
        process.join(120.0)
    codes = [process.exitcode for process in started]
    for process in started:
        process.kill()
    return codes


def difference(found: Trained, expected: Trained) -> tuple[float, float]:
    """Return the largest difference of losses, norms and counts, and of a tensor as its share of the tensor's norm."""
    assert found.losses.columns == expected.losses.columns and found.losses.height == expected.losses.height
    assert found.weights.keys() == expected.weights.keys()
    of_weights = [float((found.weights[name] - tensor).norm() / tensor.norm()) for name, tensor in expected.weights.items()]
    expected_losses, losses = expected.losses.fill_null(0.0), found.losses.fill_null(0.0)
    of_losses = [((losses[name] - each).abs() / each.abs().clip(1.0)).max() for name, each in expected_losses.to_dict().items()]
    return max(map(float, of_losses)), max(of_weights)  # type: ignore[arg-type]


def can(family: str, layout: Layout) -> bool:
    """Whether models of a family can be spread by a layout."""
    return not (family == "mamba2" and layout.size("tensor") * layout.size("context") > 1) and not (family == "t5" and layout.pipeline > 1)
