"""What a config asks for reaches what it is for: the trainer as it is put together, by its weights, its records and its words."""

import shutil
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from kernels.methods.pretraining.from_scratch import load_tokenizer
from kernels.models.blocks.decoder import Block
from kernels.training import outline, trainer
from kernels.training.execution import compilation
from kernels.training.execution.scaling import ScalingConfig
from kernels.training.feeding import feed
from kernels.training.feeding.feed import Feed
from kernels.training.learner import Learner
from kernels.training.logs.speed import Speed
from kernels.training.states import progress
from kernels.training.watchdog import Watchdog
from tests.kernels.training.test_kept import STEPS, config, first_weights, settings_of_trainings, weights
from tests.kernels.training.test_trainer import FEATURES, losses, run, same

# --- what a step computes ---


def test_an_overflow_of_half_precision_halves_the_scale_and_moves_nothing_and_finite_steps_raise_it(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scaling = ScalingConfig(initial_scale=2.0**24, growth_interval=3)
    for module in (progress, trainer):
        monkeypatch.setattr(module, "ScalingConfig", lambda: scaling)
    chosen = config(precision="float16", guards={"max_skips": 1})  # an overflow that counted as a failure would end the training
    run(data, tmp_path / "whole", chosen)
    found = losses(tmp_path / "whole")
    scales, skipped = found["loss_scale"].to_list(), found["skipped"].to_list()
    num_overflows = skipped.index(0.0)
    assert num_overflows >= 1 and scales[: num_overflows + 1] == [2.0 ** (24 - step) for step in range(num_overflows + 1)]
    assert scales[num_overflows : num_overflows + 4] == [scales[num_overflows]] * 3 + [2 * scales[num_overflows]]
    run(data, tmp_path / "overflows", config(precision="float16", stop_after_steps=num_overflows))
    before = first_weights(data, tmp_path / "before", chosen)
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights(tmp_path / "overflows").items())


def test_the_z_loss_of_a_config_is_in_the_gradients_and_not_in_the_loss_that_is_told(data: Path, tmp_path: Path) -> None:
    for name, weight in (("without", 0.0), ("with", 5.0)):
        run(data, tmp_path / name, config(stop_after_steps=1, z_loss=weight))
    without, beside = (losses(tmp_path / name).row(0, named=True) for name in ("without", "with"))
    assert beside["loss"] == without["loss"] and beside["gradient_norm"] > 1.1 * without["gradient_norm"]


def test_the_groups_of_a_config_say_how_fast_parameters_are_moved(data: Path, tmp_path: Path) -> None:
    chosen = config(parameter_groups=[{"pattern": "embedding", "learning_rate_ratio": 1e-15}, {"pattern": "*"}])
    run(data, tmp_path, chosen)
    before = first_weights(data, tmp_path / "before", chosen)
    assert [name for name, tensor in weights(tmp_path).items() if torch.equal(tensor, before[name])] == ["model.embed_tokens.weight"]


def test_the_optimizer_of_a_config_moves_the_matrices(data: Path, tmp_path: Path) -> None:
    run(data, tmp_path, config(optimizer="muon", checkpoint_every=10))
    slots = load_file(tmp_path / "scratch" / "step-000010" / "tensors.safetensors")
    moved = {name.removesuffix(".momentum") for name in slots if name.endswith(".momentum")}
    assert moved == {f"optimizer.blocks.0.{name}.weight" for name in ("qkv", "out", "gate_up", "down")}


class Passes:
    """How many rows pass a block together, pass by pass; in training, and in validation apart."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows: dict[bool, list[int]] = defaultdict(list)
        plain = Block.forward

        def noted(block: Block, x: torch.Tensor, *told: Any) -> torch.Tensor:
            self.rows[block.training].append(len(x))
            return plain(block, x, *told)

        monkeypatch.setattr(Block, "forward", noted)


@pytest.mark.parametrize(("mode", "times"), [("none", 1), ("full", 2)])
def test_blocks_are_computed_again_where_a_config_asks_for_it(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, times: int
) -> None:
    passes = Passes(monkeypatch)
    run(data, tmp_path, config(num_steps=3, activation_checkpointing=mode))
    assert passes.rows[True] == [4] * times * (1 + 3), "those of the dry run and of three steps"


def test_rows_pass_the_model_in_parts_and_the_step_is_the_same(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(data, tmp_path / "whole", config(num_steps=3))
    passes = Passes(monkeypatch)
    run(data, tmp_path / "parts", config(num_steps=3, micro_batch_size=2, max_validation_sequences=3))
    assert passes.rows[True] == [2, 2] * (1 + 3) and passes.rows[False] == [2, 1]
    assert losses(tmp_path / "parts")["loss"].to_list() == pytest.approx(losses(tmp_path / "whole")["loss"].to_list(), rel=1e-5)


def test_a_step_of_every_stage_is_tried_before_the_first_and_nothing_comes_out_otherwise(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Learner.gradients
    read: list[tuple[int, ...]] = []

    def noted(self: Learner, batch: Any, scale: float = 1.0) -> float:
        read.append(batch.parts[0].inputs_BT.shape)
        return plain(self, batch, scale)

    monkeypatch.setattr(Learner, "gradients", noted)
    chosen = config(**FEATURES["stages"], averaging={"kind": "ema"})
    run(data, tmp_path / "tried", chosen)
    tried, taken = read[:-STEPS], read[-STEPS:]
    assert tried == list(dict.fromkeys(taken)) == [(8, 8), (2, 16)]
    monkeypatch.setattr(outline, "check", lambda *given: None)
    run(data, tmp_path / "untried", chosen)
    assert same(tmp_path / "tried", tmp_path / "untried")


def test_bits_a_byte_are_of_the_bytes_of_the_tokens_that_are_predicted(data: Path, tmp_path: Path) -> None:
    found = run(data, tmp_path, config())
    tokenizer = load_tokenizer(data / "tokenizer")
    rows = np.load(data / "validation_tokens.npy")[:2].reshape(-1, 8)[:, 1:]  # of two rows two documents each, whose first tokens nothing predicts
    num_bytes = sum(len(piece) for piece in tokenizer.convert_ids_to_tokens(rows.flatten().tolist()))
    assert num_bytes > 1.1 * rows.size, "some tokens have several bytes"
    assert found["validation_bits_per_byte"] == pytest.approx(found["validation_loss"] * rows.size / np.log(2) / num_bytes, rel=1e-6)


# --- what goes on beside the steps ---


def test_a_loss_that_stays_on_lost_ground_ends_the_training(data: Path, tmp_path: Path) -> None:
    guards = {"min_observations": 2, "window": 4, "sigmas": 1e9, "divergence_factor": 1.2, "divergence_steps": 3}
    with pytest.raises(FloatingPointError, match=r"training diverged: step \d+: for 3 steps the loss stood above 1\.2 times its best mean"):
        run(data, tmp_path, config(learning_rate=20.0, guards=guards))


def test_a_training_that_stands_still_is_told_of_and_so_is_that_it_goes_on(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words, now = list[str](), [0.0]  # a clock of its own: on a busy machine the first step alone may take longer than a stall
    monkeypatch.setattr(trainer, "Watchdog", partial(Watchdog, clock=lambda: now[0], min_seconds=0.3))

    def stand_still(numbers: dict[str, float]) -> None:
        now[0] += 100.0 if numbers["step"] == 4 else 0.01
        until = time.monotonic() + 20
        while numbers["step"] == 4 and not words and time.monotonic() < until:
            time.sleep(0.01)

    run(data, tmp_path, config(), stand_still, words.append)
    assert words == [
        "no step has ended for 100 s, where a step takes 0.01 s; training stands still or waits for something",
        "training goes on after 100 s",
    ]


@pytest.mark.parametrize(("where", "share"), [("feed", "waiting_share"), ("report", "telling_share")])
def test_the_shares_of_the_time_that_is_waited_for_batches_and_spent_on_telling_are_told(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, share: str
) -> None:
    now = [0.0]  # a clock of its own, of which a step takes a second, and so does what is waited for or told; a busy machine has no part in it

    def taking(plain: Callable[..., Any]) -> Callable[..., Any]:
        def take(*of: Any, **named: Any) -> Any:
            now[0] += 1
            return plain(*of, **named)

        return take

    class PreparesNothingAhead(ThreadPoolExecutor):
        def submit(self, prepare: Callable[..., Any], *of: Any, **named: Any) -> Any:
            return SimpleNamespace(result=lambda: prepare(*of, **named))

    monkeypatch.setattr(feed, "ThreadPoolExecutor", PreparesNothingAhead)
    monkeypatch.setattr(feed, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    monkeypatch.setattr(trainer, "Speed", partial(Speed, clock=lambda: now[0]))
    monkeypatch.setattr(Learner, "gradients", taking(Learner.gradients))
    if where == "feed":
        monkeypatch.setattr(Feed, "batch", taking(Feed.batch))
    found = run(data, tmp_path, config(num_steps=5), taking(lambda _: None) if where == "report" else lambda _: None)
    assert found["waiting_share"] + found["telling_share"] == found[share] == 0.5


def test_where_no_compiler_is_found_a_training_runs_uncompiled_and_says_why(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compilation, "LEAST_FLOPS", dict.fromkeys(compilation.LEAST_FLOPS, 0.0))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    settings = settings_of_trainings(monkeypatch)
    words: list[str] = []
    found = run(data, tmp_path, config(), say=words.append)
    assert len(words) == 1 and "compiler is found, so that training runs uncompiled" in words[0] and "; install g" in words[0]
    assert [setting.compiled for setting in settings] == [False] and found["final_loss"] < found["first_loss"]
