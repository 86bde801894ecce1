"""Pretraining: the loss falls, and a stopped run ends where an undisturbed one ends."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kernels.methods.pretraining.pretrain import MIXTURE, SPEC, TOKENIZER, PretrainConfig
from kernels.models.architectures import llama
from kernels.tokens.tokenizer_files import write_tokenizer
from kernels.tokens.tokenizers.byte_bpe import ByteBpeConfig, train
from tests.method_jobs import method_job
from tests.small_mixtures import put_rows

LENGTH = 16


class Stopped(Exception):
    pass


def config(**changes: object) -> PretrainConfig:
    shape = llama.LlamaConfig(
        kind="llama", hidden_size=16, num_layers=1, num_heads=2, num_kv_heads=1, intermediate_size=32, max_position_embeddings=64, tie_embeddings=True
    )
    values: dict[str, Any] = {"architecture": shape, "seed": 1, "num_steps": 12, "batch_size": 4, "learning_rate": 0.01, "warmup_steps": 2}
    values |= {"min_learning_rate_ratio": 0.1, "weight_decay": 0.1, "gradient_clip": 1.0, "precision": "float32", "validate_every": 6}
    values |= {"max_validation_sequences": 2, "checkpoint_every": 3}
    return PretrainConfig.model_validate({**values, **changes})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mixture")
    random = np.random.default_rng(0)
    for split, rows in (("train", 24), ("validation", 3)):
        put_rows(folder, split, np.tile(random.integers(4, 20, LENGTH), (rows, 1)), np.tile((np.arange(LENGTH) // 8), (rows, 1)))
    write_tokenizer(train(iter(["a b c"] * 4), ByteBpeConfig(vocab_size=262)), folder / "tokenizer")
    return folder


def run(data: Path, folder: Path, chosen: PretrainConfig, stop_at: int | None = None, say: Callable[[str], None] = pytest.fail) -> dict[str, float]:
    def report(numbers: dict[str, float]) -> None:
        if stop_at is not None and numbers["step"] >= stop_at:
            raise Stopped

    (folder / "scratch").mkdir(parents=True, exist_ok=True)
    (folder / "out").mkdir(exist_ok=True)
    job = method_job(chosen, {MIXTURE: data, TOKENIZER: data / "tokenizer"}, folder / "out", folder / "scratch", report, say)
    return SPEC.run(job)


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def undisturbed(data: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> tuple[PretrainConfig, Path]:
    folder = tmp_path_factory.mktemp("undisturbed")
    chosen = config(precision=request.param)
    run(data, folder, chosen)
    return chosen, folder / "out"


@pytest.mark.parametrize("stop_at", [5, 10])
def test_a_stopped_run_ends_bit_for_bit_where_an_undisturbed_one_ends(
    data: Path, undisturbed: tuple[PretrainConfig, Path], tmp_path: Path, stop_at: int
) -> None:
    chosen, whole = undisturbed
    with pytest.raises(Stopped):
        run(data, tmp_path, chosen, stop_at)
    states = sorted(path.name for path in (tmp_path / "scratch").glob("step-*"))
    assert states == [f"step-{step:06d}" for step in (3, 6, 9) if step <= stop_at][-2:]
    (tmp_path / "scratch" / "step-000011").mkdir()  # half-written
    words: list[str] = []
    run(data, tmp_path, chosen, say=words.append)
    assert words == [f"state step-000011: seal.json is missing, it was not written to its end; going on from {states[-1]}"]
    for name in ("model.safetensors", "losses.parquet"):
        assert (tmp_path / "out" / name).read_bytes() == (whole / name).read_bytes()


@pytest.mark.parametrize(("damaged", "going_on"), [([9], "going on from step-000006"), ([9, 6], "no state is intact, training starts anew")])
def test_a_run_with_damaged_states_says_so_and_ends_where_an_undisturbed_one_ends(
    data: Path, undisturbed: tuple[PretrainConfig, Path], tmp_path: Path, damaged: list[int], going_on: str
) -> None:
    chosen, whole = undisturbed
    with pytest.raises(Stopped):
        run(data, tmp_path, chosen, stop_at=10)
    for step in damaged:
        tensors = tmp_path / "scratch" / f"step-{step:06d}" / "tensors.safetensors"
        content = tensors.read_bytes()
        tensors.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    words: list[str] = []
    run(data, tmp_path, chosen, say=words.append)
    assert words == [f"state step-{step:06d}: tensors.safetensors differs from its checksum; {going_on}" for step in damaged]
    for name in ("model.safetensors", "losses.parquet"):
        assert (tmp_path / "out" / name).read_bytes() == (whole / name).read_bytes()


def test_the_loss_falls_on_text_that_repeats(data: Path, tmp_path: Path) -> None:
    summary = run(data, tmp_path, config(num_steps=40))
    assert summary["num_train_tokens"] == 40 * 4 * LENGTH
    assert summary["final_loss"] < 0.5 * summary["first_loss"] and summary["validation_loss"] < summary["first_loss"]


def test_steps_whose_loss_is_not_finite_are_left_out_and_a_row_of_them_ends_the_training(data: Path, tmp_path: Path) -> None:
    words: list[str] = []
    with pytest.raises(FloatingPointError, match=r"training diverged: step \d+ is left out, since its loss is nan"):
        run(data, tmp_path, config(learning_rate=1e38, gradient_clip=1e38, warmup_steps=0, guards={"max_skips": 3}), say=words.append)
    assert len(words) == 2 and all("nan" in word for word in words)


def test_steps_that_read_the_mixture_too_often_are_refused_before_the_first(data: Path, tmp_path: Path) -> None:
    put_rows(tmp_path, "train", np.ones((4, LENGTH)), np.zeros((4, LENGTH)), max_epochs=2)
    put_rows(tmp_path, "validation", np.ones((1, LENGTH)), np.zeros((1, LENGTH)))
    (tmp_path / "tokenizer").symlink_to(data / "tokenizer")
    with pytest.raises(ValueError, match=r"reads the source 'books' 12 times .* read at most 8 rows"):
        run(tmp_path, tmp_path / "job", config())
