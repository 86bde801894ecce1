"""SFT and DPO on several processes learn what they learn on one."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from kernels.documents.conversations import conversation
from kernels.documents.schema import document_table
from kernels.methods.alignment import dpo, sft
from kernels.models.architectures import llama
from kernels.specs.layout import Layout, Rank
from kernels.specs.turns import Turn
from kernels.training import outline, runs
from tests.method_jobs import method_job
from tests.processes import on_processes
from tests.small_models import put_llama

SHAPE = llama.LlamaConfig(
    kind="llama", hidden_size=32, num_layers=2, num_heads=2, num_kv_heads=2, intermediate_size=48, max_position_embeddings=128, tie_embeddings=True
)
WORDS = ("cat", "dog", "mat", "sun", "hat", "fox", "owl", "bee", "ant", "elk", "yak", "emu")
PAIRS = [[("user", f"{a} or {b}"), ("assistant", a), ("rejected", b)] for a, b in pairwise(WORDS)]
CONFIG: dict[str, Any] = {"seed": 1, "num_steps": 6, "batch_size": 4, "learning_rate": 0.01, "warmup_steps": 1, "max_length": 48}
CONFIG |= {"precision": "float32", "checkpoint_every": 4, "validate_every": 3, "micro_batch_size": 1}

ACCELERATED = [Layout(processes=2, back_end="accelerate"), Layout(processes=2, zero=3, back_end="accelerate")]


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model, and beside it conversations."""
    folder = tmp_path_factory.mktemp("parent")
    put_llama(folder, SHAPE, "cat or dog")
    documents = [conversation(str(key), [Turn(*turn) for turn in chat]) for key, chat in enumerate(PAIRS * 4)]
    pq.write_table(document_table("chats", "x.jsonl", documents), folder / "chats.parquet")
    return folder


def tune(rank: Rank, parent: Path, folder: Path, method: str) -> None:
    for module in (outline, runs):
        module.measure_peak = lambda device, precision: 1e12  # type: ignore[attr-defined]
    paths: dict[Any, Path] = {sft.PARENT: parent / "model", sft.CONVERSATIONS: parent / "chats.parquet"}
    config: Any = sft.SftConfig(**CONFIG)
    if method == "dpo":
        paths, config = {dpo.PARENT: parent / "model", dpo.PAIRS: parent / "chats.parquet"}, dpo.DpoConfig(**CONFIG, beta=0.1)
    out = folder / ("nowhere" if rank.number else "out")
    job = replace(method_job(config, paths, out, folder / "scratch", say=lambda words: None), rank=rank)
    (sft.run if method == "sft" else dpo.run)(job)


def tuned(parent: Path, folder: Path, method: str, layout: Layout) -> pl.DataFrame:
    for name in ("out", "scratch"):
        (folder / name).mkdir(parents=True)
    on_processes(layout, tune, parent, folder, method)
    return pl.read_parquet(folder / "out" / "losses.parquet")


@pytest.mark.parametrize(
    ("method", "layouts"),
    [
        (
            "sft",
            [
                Layout(processes=2),
                Layout(processes=2, tensor=2),
                Layout(processes=2, context=2),
                Layout(processes=2, pipeline=2),
                Layout(processes=4, tensor=2, zero=3),
                Layout(processes=2, back_end="accelerate"),
            ],
        ),
        (
            "dpo",
            [Layout(processes=2), Layout(processes=2, tensor=2), Layout(processes=2, context=2), Layout(processes=4, zero=3, shard=2), *ACCELERATED],
        ),
    ],
)
def test_losses_and_all_that_is_told_beside_them_are_those_of_one_process(parent: Path, tmp_path: Path, method: str, layouts: list[Layout]) -> None:
    alone = tuned(parent, tmp_path / "alone", method, Layout()).fill_null(0.0)
    for index, layout in enumerate(layouts):
        found = tuned(parent, tmp_path / str(index), method, layout).fill_null(0.0)
        assert found.columns == alone.columns and found.height == alone.height
        for name in alone.columns:
            difference = ((found[name] - alone[name]).abs() / alone[name].abs().clip(1.0)).max()
            assert float(difference or 0.0) < 1e-5, (layout, name, found[name].to_list(), alone[name].to_list())  # type: ignore[arg-type]


def refused(rank: Rank, parent: Path, folder: Path) -> str:
    with pytest.raises(ValueError) as error:
        tune(rank, parent, folder, "dpo")
    return str(error.value)


def test_preference_pairs_on_a_pipeline_are_refused_with_the_reason(parent: Path, tmp_path: Path) -> None:
    for words in on_processes(Layout(processes=2, pipeline=2), refused, parent, tmp_path):
        assert words == "pipeline: the loss of preference pairs is not of parts of a step; leave the key out"
