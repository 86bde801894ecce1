"""A training by accelerate has the losses, norms and checkpoint of one process."""

from pathlib import Path
from typing import Any

import pytest

from kernels.specs.layout import Layout, Rank
from tests.kernels.training.parallel.test_strategies import assert_same
from tests.processes import on_processes
from tests.spread_trainings import FAMILIES, Trained, difference, put_data, read, train_here

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
    ours = {DATA: Layout(processes=2), ZERO: Layout(processes=2, zero=3)}
    found = trained(data, tmp_path, [*ours, *ours.values()], "llama", precision=precision, num_steps=3, warmup_steps=0)
    for layout, own in ours.items():
        assert_same({"": found[str(own)], "accelerate": found[str(layout)]})


def alone(rank: Rank, data: Path, folder: Path, layout: Layout) -> list[str]:
    """Train alone by a layout, and return by whom the model was wrapped."""
    from kernels.training.back_ends.accelerated import AcceleratedSpread

    wrapped: list[str] = []
    plain = AcceleratedSpread.passed

    def passed(self: AcceleratedSpread, call: Any) -> Any:
        wrapped.append(type(self).__name__)
        return plain(self, call)

    AcceleratedSpread.passed = passed  # type: ignore[method-assign]
    train_here(rank._replace(layout=layout), data, folder, "llama", {})
    return wrapped[:1]


def test_one_process_trains_by_it_as_without_it(data: Path, tmp_path: Path) -> None:
    folders = [tmp_path / "without", tmp_path / "by it"]
    for folder, layout, wrapped in zip(folders, [Layout(), Layout(back_end="accelerate")], [[], ["AcceleratedSpread"]], strict=True):
        for name in ("out", "scratch"):
            (folder / name).mkdir(parents=True)
        assert on_processes(Layout(), alone, data, folder, layout) == [wrapped]
    assert difference(read(folders[1]), read(folders[0])) == (0.0, 0.0)


@pytest.mark.parametrize(("before", "behind"), [(DATA, Layout(processes=2, zero=1)), (Layout(processes=2, zero=3), DATA), (Layout(), OFFLOADED)])
def test_a_training_goes_on_from_accelerate_to_the_trainer_alone_and_back(data: Path, tmp_path: Path, before: Layout, behind: Layout) -> None:
    changes = {"averaging": {"kind": "ema", "decay": 0.5}}
    whole = trained(data, tmp_path / "whole", [], "llama", **changes)[""]
    for name in ("out", "scratch"):
        (tmp_path / name).mkdir()
    given = (data, tmp_path, "llama", changes)
    with pytest.raises(AssertionError, match="Stopped"):
        on_processes(before, train_here, *given, 5)
    assert on_processes(behind, train_here, *given)[0] == [5, 6]
    assert_same({"": whole, "behind": read(tmp_path)})


def train_in_surroundings(rank: Rank, data: Path, folder: Path) -> dict[str, str]:
    """Train among variables of an ``accelerate launch`` and of a cluster, and return what they are behind it."""
    import os

    around = {"ACCELERATE_MIXED_PRECISION": "bf16", "ACCELERATE_USE_DEEPSPEED": "true", "FSDP_VERSION": "1", "RANK": "7", "PMI_SIZE": "9"}
    os.environ |= around
    train_here(rank, data, folder, "llama", {})
    return {name: os.environ[name] for name in (*around, *filter(os.environ.__contains__, ("WORLD_SIZE", "ACCELERATE_USE_FSDP")))} | {
        name: value for name, value in around.items() if os.environ[name] != value
    }


def test_what_is_said_around_it_to_accelerate_changes_nothing_and_stays_as_it_was(data: Path, tmp_path: Path) -> None:
    expected = trained(data, tmp_path / "expected", [], "llama")
    for name in ("out", "scratch"):
        (tmp_path / name).mkdir()
    around = {"ACCELERATE_MIXED_PRECISION": "bf16", "ACCELERATE_USE_DEEPSPEED": "true", "FSDP_VERSION": "1", "RANK": "7", "PMI_SIZE": "9"}
    assert on_processes(ZERO, train_in_surroundings, data, tmp_path) == [around] * 2
    assert_same({**expected, "among variables": read(tmp_path)})


def wrapper(rank: Rank) -> tuple[str, str, int]:
    """Return by what a model is passed, whether its Accelerator took up the group that was there, and how many threads there are."""
    import torch

    from kernels.models.formats.fast import taken
    from kernels.training.back_ends.accelerated import AcceleratedSpread
    from kernels.training.parallel.team import join
    from tests.small_models import small_llama

    team, trainable = join(rank, "cpu"), taken(small_llama())
    world: Any = torch.distributed.distributed_c10d._get_default_group()
    spread = AcceleratedSpread(trainable.module, trainable.splits, team, "cpu", "none", compiled=False)
    name, is_same = type(spread._wrapped).__name__, world is torch.distributed.distributed_c10d._get_default_group()
    spread.leave()
    team.leave()
    return name, str(is_same), torch.get_num_threads()


@pytest.mark.parametrize(("layout", "name"), [(DATA, "DistributedDataParallel"), (ZERO, "FSDPLlama")])
def test_the_model_is_wrapped_by_accelerates_own_means_in_the_process_group_that_is_there(layout: Layout, name: str) -> None:
    for found, is_same, threads in on_processes(layout, wrapper):
        assert (found.startswith(name[:4]), is_same, threads) == (True, "True", 1)


def train_often(rank: Rank, data: Path, folder: Path) -> None:
    for index in range(4):
        here = folder / str(index)
        for name in ("out", "scratch"):
            (here / name).mkdir(parents=True, exist_ok=True)
        train_here(Rank(rank.layout, rank.number, f"{rank.meeting}-{index}"), data, here, "llama", {"num_steps": 2})


def test_trainings_one_behind_the_other_all_end(data: Path, tmp_path: Path) -> None:
    on_processes(DATA, train_often, data, tmp_path)
    assert all((tmp_path / str(index) / "out" / "model.safetensors").is_file() for index in range(4))
