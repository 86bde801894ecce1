"""A training by accelerate has the losses, norms and checkpoint of one process."""

import os
import weakref
from pathlib import Path
from typing import Any

import pytest

from kernels.specs.layout import Layout, Rank
from kernels.training.back_ends.accelerated import AcceleratedSpread
from kernels.training.parallel.team import join
from tests.kernels.training.parallel.test_strategies import assert_same
from tests.processes import on_processes
from tests.small_models import small_llama
from tests.spread_trainings import FAMILIES, Trained, difference, exit_codes, put_data, read, taken_further, train_here

DATA = Layout(processes=2, back_end="accelerate")
ZERO = Layout(processes=2, back_end="accelerate", zero=3)
OFFLOADED = Layout(processes=2, back_end="accelerate", zero=3, offload="parameters")
HYBRID = Layout(processes=4, back_end="accelerate", zero=3, shard=2)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return put_data(tmp_path_factory.mktemp("mixture"))


def train_each(rank: Rank, data: Path, folders: list[tuple[Path, Layout]], family: str, changes: dict[str, Any]) -> None:
    """Train by several layouts of as many processes, one behind the other."""
    for folder, layout in folders:
        train_here(Rank(layout, rank.number, f"{rank.meeting}-{folder.name}"), data, folder, family, dict(changes))


def trained(data: Path, folder: Path, layouts: list[Layout], family: str, **changes: Any) -> dict[str, Trained]:
    """Return trainings by layouts, in order, by the names of their folders, and that of one process by none."""
    folders = [(folder / str(index), layout) for index, layout in enumerate([Layout(), *layouts])]
    for each, _ in folders:
        (each / "out").mkdir(parents=True)
        (each / "scratch").mkdir()
    for count in sorted({layout.processes for _, layout in folders}):
        on_processes(Layout(processes=count), train_each, data, [each for each in folders if each[1].processes == count], family, changes)
    return {"" if layout == Layout() else str(layout): read(each) for each, layout in folders}


@pytest.mark.parametrize("changes", [{}, {"micro_batch_size": 2, "activation_checkpointing": "full", "averaging": {"kind": "ema", "decay": 0.9}}])
def test_a_training_by_ddp_or_fsdp_is_that_of_one_process(data: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    assert_same(trained(data, tmp_path, [DATA, ZERO, OFFLOADED], "llama", **changes))


@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "llama"])
def test_a_training_of_any_architecture_by_ddp_is_that_of_one_process(data: Path, tmp_path: Path, family: str) -> None:
    assert_same(trained(data, tmp_path, [DATA], family))


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_training_of_any_architecture_by_fsdp_of_copies_too_is_that_of_one_process(data: Path, tmp_path: Path, family: str) -> None:
    assert_same(trained(data, tmp_path, [ZERO, OFFLOADED, HYBRID], family, micro_batch_size=1))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the compiler by itself
def test_a_training_that_is_compiled_is_that_of_one_process(data: Path, tmp_path: Path) -> None:
    assert_same(trained(data, tmp_path, [DATA, ZERO], "llama", compiles=True, num_steps=3, activation_checkpointing="selective"))


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_is_that_of_the_method_and_rounds_as_the_trainer_alone_does(data: Path, tmp_path: Path, precision: str) -> None:
    both = [(DATA, Layout(processes=2)), (ZERO, Layout(processes=2, zero=3))]
    found = trained(data, tmp_path, [layout for pair in both for layout in pair], "llama", precision=precision, num_steps=3, warmup_steps=0)
    for layout, own in both:
        assert_same({"": found[str(own)], "accelerate": found[str(layout)]})


def test_one_process_trains_by_it_as_without_it(data: Path, tmp_path: Path) -> None:
    found = trained(data, tmp_path, [Layout(back_end="accelerate")], "llama")
    assert [difference(each, found[""]) for name, each in found.items() if name] == [(0.0, 0.0)]


def wrapped_alone(rank: Rank) -> str:
    return type(spread_here(rank)._wrapped).__name__


def test_one_process_is_wrapped_too() -> None:
    assert on_processes(Layout(back_end="accelerate"), wrapped_alone) == ["Passage"]


@pytest.mark.parametrize(("before", "behind"), [(DATA, Layout(processes=2, zero=1)), (Layout(processes=2, zero=3), DATA), (Layout(), OFFLOADED)])
def test_a_training_goes_on_from_accelerate_to_the_trainer_alone_and_back(data: Path, tmp_path: Path, before: Layout, behind: Layout) -> None:
    changes = {"averaging": {"kind": "ema", "decay": 0.5}}
    whole = trained(data, tmp_path / "whole", [], "llama", **changes)[""]
    assert_same({"": whole, "behind": taken_further(before, behind, data, tmp_path, **changes)})


AROUND = {"ACCELERATE_MIXED_PRECISION": "bf16", "ACCELERATE_USE_DEEPSPEED": "true", "FSDP_VERSION": "1", "RANK": "7", "PMI_SIZE": "9"}


def train_among(rank: Rank, data: Path, folder: Path) -> dict[str, str | None]:
    """Train among variables of an ``accelerate launch`` and of a cluster, and return what they are behind it."""
    os.environ |= AROUND
    train_here(rank, data, folder, "llama", {})
    return {name: os.environ.get(name) for name in (*AROUND, "WORLD_SIZE", "ACCELERATE_USE_FSDP")}


def test_what_is_said_to_accelerate_around_it_changes_nothing_and_stays_as_it_was(data: Path, tmp_path: Path) -> None:
    expected = trained(data, tmp_path / "expected", [], "llama")
    for name in ("out", "scratch"):
        (tmp_path / name).mkdir()
    assert on_processes(ZERO, train_among, data, tmp_path) == [{**AROUND, "WORLD_SIZE": None, "ACCELERATE_USE_FSDP": None}] * 2
    assert_same({**expected, "among variables": read(tmp_path)})


def spread_here(rank: Rank) -> AcceleratedSpread:
    from kernels.models.formats.fast import taken

    trainable = taken(small_llama())
    return AcceleratedSpread(trainable.module, trainable.splits, join(rank, "cpu"), "cpu", "none", compiled=False)


def wrapped(rank: Rank) -> tuple[list[str], bool, int]:
    """Return by what a model is passed, whether the process group that was there is still the one, and how many threads there are."""
    import torch

    spread = spread_here(rank)
    types, world = [each.__name__ for each in type(spread._wrapped).__mro__], torch.distributed.group.WORLD
    spread.leave()
    return types, world is torch.distributed.group.WORLD and torch.distributed.get_world_size() == 2, torch.get_num_threads()


@pytest.mark.parametrize(("layout", "name"), [(DATA, "DistributedDataParallel"), (ZERO, "FSDPModule")])
def test_the_model_is_wrapped_by_torchs_own_in_the_process_group_that_is_there(layout: Layout, name: str) -> None:
    for types, is_same, num_threads in on_processes(layout, wrapped):
        assert (name in types, is_same, num_threads) == (True, True, 1)


def outlives(rank: Rank) -> bool:
    """Return whether the DDP of a model is still there behind the end of its training."""
    spread = spread_here(rank)
    ddp = weakref.ref(spread._wrapped)
    spread.pass_back(spread.passed(lambda: sum(shard.tensor.square().sum() for shard in spread.shards.values())))
    spread.leave()
    return ddp() is not None


def test_no_ddp_outlives_the_process_group_that_it_speaks_by() -> None:
    assert on_processes(DATA, outlives) == [False, False]


def shares_of_gradients(rank: Rank) -> list[list[float]]:
    """Return, for two steps of two parts, the gradients over the parameters that they are of, the second process using the first parameter alone."""
    spread = spread_here(rank)
    parameters = [shard.tensor for shard in spread.shards.values()]
    used = parameters[: 1 if rank.number else None]
    found: list[list[float]] = []
    for _ in range(2):
        for is_last in (False, True):
            with spread.part(is_last=is_last):
                spread.pass_back(spread.passed(lambda: sum(each.square().sum() for each in used)))
        found.append([float(each.grad.norm() / each.detach().norm()) for each in parameters])
        for each in parameters:
            each.grad = None
    return found


def test_gradients_are_sums_over_parts_and_processes_though_one_has_no_use_for_some_parameters() -> None:
    for found in on_processes(DATA, shares_of_gradients):
        for first, *others in found:
            assert [first, *others] == pytest.approx([8.0] + [4.0] * len(others))


def test_processes_end_by_themselves_each_time(data: Path, tmp_path: Path) -> None:
    for index in range(4):
        assert exit_codes(DATA, data, tmp_path / str(index), num_steps=2) == [0, 0], f"training {index}: those with None wait for something"
