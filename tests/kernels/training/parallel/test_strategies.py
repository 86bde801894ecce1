"""However a training is spread, its losses, its norms and its checkpoint are those of one process."""

import os
import signal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from kernels.specs.layout import Layout, Rank
from kernels.training.feeding.feed import Batch
from kernels.training.learner import Learner
from kernels.training.logs.tensors import STATISTICS
from tests.processes import on_processes
from tests.spread_trainings import (
    CLOSE,
    FAMILIES,
    LAYOUTS,
    QUICK,
    WEIGHTS_CLOSE,
    Trained,
    can,
    difference,
    put_data,
    read,
    taken_further,
    train_here,
    trainings,
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return put_data(tmp_path_factory.mktemp("mixture"))


def assert_same(found: dict[str, Trained], close: float = CLOSE, weights_close: float = WEIGHTS_CLOSE) -> None:
    """Fail where a training is not that of one process."""
    differences = {name: difference(each, found[""]) for name, each in found.items() if name}
    assert all(of_losses < close and of_weights < weights_close for of_losses, of_weights in differences.values()), differences


@pytest.mark.parametrize("family", FAMILIES)
def test_a_training_of_any_architecture_is_the_same_on_two_and_four_processes_by_every_strategy(data: Path, tmp_path: Path, family: str) -> None:
    assert_same(trainings(data, tmp_path, [name for name in QUICK if can(family, LAYOUTS[name])], family))


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_training_of_any_architecture_is_the_same_by_all_strategies_and_their_combinations(data: Path, tmp_path: Path, family: str) -> None:
    assert_same(trainings(data, tmp_path, [name for name, layout in LAYOUTS.items() if can(family, layout)], family))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the compiler by itself
def test_a_training_that_is_compiled_is_the_same_on_several_processes(data: Path, tmp_path: Path) -> None:
    found = trainings(
        data, tmp_path, ["data", "zero 3", "tensor", "context", "1f1b"], "llama", compiles=True, num_steps=3, activation_checkpointing="selective"
    )
    assert_same(found)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_a_training_in_half_precision_is_near_to_that_of_one_process(data: Path, tmp_path: Path, precision: str) -> None:
    found = trainings(data, tmp_path, ["zero 3", "tensor", "context", "1f1b"], "llama", precision=precision, num_steps=2, warmup_steps=0)
    assert_same(found, 0.02, 0.15)  # a step of AdamW is as long for a gradient that is mostly rounded


@pytest.mark.parametrize("positions", ["alibi", "t5", "learned", "sinusoidal"])
def test_whatever_tells_where_tokens_stand_rows_are_parted_alike(data: Path, tmp_path: Path, positions: str) -> None:
    assert_same(trainings(data, tmp_path, ["context on 4", "context x tensor"], "llama", sizes={"positions": positions}, num_steps=4))


FEATURES: dict[str, dict[str, Any]] = {
    "muon": {"optimizer": "muon"},
    "ema": {"averaging": {"kind": "ema", "decay": 0.9}},
    "snapshots": {"averaging": {"kind": "snapshots", "num_snapshots": 2}},
    "parts": {"micro_batch_size": 2, "activation_checkpointing": "full"},
    "stages": {"batch_stages": [{"from": 0.5, "batch_size": 4}], "length_stages": [{"from": 0, "length": 8}, {"from": 0.5, "length": 16}]},
    "tensors": {"tensor_statistics_every": 2},
    "best": {"keep": "best", "validate_every": 1, "averaging": {"kind": "ema", "decay": 0.5}},
}


@pytest.mark.parametrize("feature", FEATURES)
def test_whatever_a_training_uses_it_is_the_same_on_several_processes(data: Path, tmp_path: Path, feature: str) -> None:
    names = ["zero 3, offload", "interleaved", "tensor x zero 3", "context x zero 1"]
    found = trainings(data, tmp_path, names, "llama", **FEATURES[feature])
    assert_same(found, *((0.03, 0.03) if feature == "muon" else ()))  # it orthogonalizes in bfloat16, which magnifies what is rounded
    if feature == "tensors":
        tables = [pl.read_parquet(tmp_path / str(index) / "out" / STATISTICS) for index in range(len(names) + 1)]
        for table in tables[1:]:
            assert_frame_equal(table, tables[0], rel_tol=1e-4, abs_tol=1e-6)


def refused(rank: Rank, data: Path, folder: Path, family: str, changes: dict[str, Any]) -> str:
    """Return why a training by a layout is refused."""
    with pytest.raises(ValueError) as error:
        train_here(rank, data, folder, family, changes)
    return str(error.value)


@pytest.mark.parametrize(
    ("family", "sizes", "layout", "reason"),
    [
        ("mamba2", {}, Layout(processes=2, tensor=2), "tensor: the blocks of Mamba cannot be computed by several processes; leave the key out"),
        ("mamba2", {}, Layout(processes=2, context=2), "context: tokens of Mamba meet elsewhere than in attention of ours"),
        ("t5", {}, Layout(processes=2, pipeline=2), "pipeline: EncoderDecoder is not one stack of blocks"),
        ("llama", {"num_layers": 3}, Layout(processes=4, pipeline=4), "pipeline: 3 blocks are fewer than 4 stages; take fewer processes or stages"),
        ("llama", {"num_kv_heads": 1}, Layout(processes=2, tensor=2), "tensor: 1 key heads cannot be parted between 2 processes"),
        ("llama", {"intermediate_size": 46}, Layout(processes=4, tensor=4), "tensor: 2 key heads cannot be parted between 4 processes"),
        ("modernbert", {"intermediate_size": 46}, Layout(processes=4, tensor=4), "46 rows or columns of blocks.0.gate_up.weight cannot be parted"),
    ],
)
def test_what_cannot_be_spread_is_refused_with_the_reason(
    data: Path, tmp_path: Path, family: str, sizes: dict[str, Any], layout: Layout, reason: str
) -> None:
    for words in on_processes(layout, refused, data, tmp_path, family, {"sizes": sizes}):
        assert reason in words


def test_rows_that_cannot_be_shared_alike_are_refused_before_anything_is_read(data: Path, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="batch_size: 6 rows of a step cannot be shared alike by 4 processes that read; take a multiple of 4"):
        trainings(data, tmp_path, ["data on 4"], "llama", batch_size=6)


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        ("", "zero 3"),
        ("zero 3", ""),
        ("data x zero 2", "data"),
        ("data", "zero 1 on 4"),
        ("zero 3, offload", "pipeline x tensor"),
        ("pipeline x zero 1", "zero 2"),
        ("1f1b", "data x tensor"),
        ("pipeline x data", ""),
        ("tensor x zero 3", "zero 2"),
        ("1f1b", "context x zero 3"),
        ("context x zero 1", "data"),
    ],
)
def test_a_training_that_stopped_goes_on_by_another_layout_and_loses_and_repeats_nothing(
    data: Path, tmp_path: Path, before: str, behind: str
) -> None:
    changes = {"averaging": {"kind": "ema", "decay": 0.5}}
    whole = trainings(data, tmp_path / "whole", [], "llama", **changes)[""]
    layouts = {"": Layout(), **LAYOUTS}
    assert_same({"": whole, behind: taken_further(layouts[before], layouts[behind], data, tmp_path, **changes)})


def asked_to_end(rank: Rank, data: Path, folder: Path) -> str:
    """Train, the second process being asked to end while it takes the third step; return with which words it ended."""
    plain, passes = Learner.gradients, list[int]()

    def gradients(self: Learner, batch: Batch, scale: float = 1.0) -> float:
        passes.append(len(passes))  # the first is the dry run
        if rank.number == 1 and len(passes) == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        return plain(self, batch, scale)

    Learner.gradients = gradients  # type: ignore[method-assign]
    with pytest.raises(SystemExit) as ended:
        train_here(rank, data, folder, "llama", {})
    return str(ended.value)


@pytest.mark.parametrize("name", ["data", "1f1b"])
def test_where_one_process_is_asked_to_end_all_keep_a_state_behind_the_same_step_and_end(data: Path, tmp_path: Path, name: str) -> None:
    for folder in ("out", "scratch"):
        (tmp_path / folder).mkdir()
    words = on_processes(LAYOUTS[name], asked_to_end, data, tmp_path)
    assert words == ["training was asked to end and kept a state behind step 3; mill up goes on from there"] * 2
    assert on_processes(Layout(), train_here, data, tmp_path, "llama", {})[0] == [4, 5, 6]


def diverging(rank: Rank, data: Path, folder: Path) -> None:
    """Train, the losses of two steps being no numbers, behind which training goes back."""
    plain, passes = Learner.gradients, list[int]()

    def gradients(self: Learner, batch: Batch, scale: float = 1.0) -> float:
        passes.append(len(passes))  # the first is the dry run
        loss = plain(self, batch, scale)
        return float("nan") if len(passes) in (6, 7) else loss

    Learner.gradients = gradients  # type: ignore[method-assign]
    guards = {"max_skips": 2, "on_divergence": "roll_back"}
    train_here(rank, data, folder, "llama", {"guards": guards, "num_steps": 8, "checkpoint_every": 2})


def test_a_training_that_diverges_goes_back_to_the_same_state_on_several_processes(data: Path, tmp_path: Path) -> None:
    found: dict[str, Trained] = {}
    for name, layout in {"": Layout(), **{name: LAYOUTS[name] for name in ("zero 3", "pipeline x tensor")}}.items():
        folder = tmp_path / (name or "alone")
        for part in ("out", "scratch"):
            (folder / part).mkdir(parents=True)
        on_processes(layout, diverging, data, folder)
        found[name] = read(folder)
    assert found[""].losses["learning_rate"][4] < found[""].losses["learning_rate"][3] / 1.5, "it learns more slowly"
    assert_same(found)
