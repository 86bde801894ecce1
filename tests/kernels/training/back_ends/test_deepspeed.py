"""A training whose pieces DeepSpeed holds has the losses, norms and checkpoint of one process."""

from pathlib import Path
from typing import Any

import pytest

from kernels.specs.layout import Layout
from kernels.training.back_ends.deepspeed_zero import config_of
from tests.kernels.training.parallel.test_strategies import assert_same
from tests.processes import on_processes
from tests.spread_trainings import FAMILIES, Trained, exit_codes, put_data, read, taken_further, train_here

ZERO: dict[str, Layout] = {
    "zero 1": Layout(processes=2, back_end="deepspeed", zero=1),
    "zero 2": Layout(processes=2, back_end="deepspeed", zero=2),
    "zero 3": Layout(processes=2, back_end="deepspeed", zero=3),
    "zero 1, offload": Layout(processes=2, back_end="deepspeed", zero=1, offload="optimizer"),
    "zero 2, offload": Layout(processes=2, back_end="deepspeed", zero=2, offload="optimizer"),
    "zero 3, offload": Layout(processes=2, back_end="deepspeed", zero=3, offload="optimizer"),
    "zero 3, all offloaded": Layout(processes=2, back_end="deepspeed", zero=3, offload="parameters"),
    "zero 2 on 4": Layout(processes=4, back_end="deepspeed", zero=2),
    "zero 3 on 4": Layout(processes=4, back_end="deepspeed", zero=3),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return put_data(tmp_path_factory.mktemp("mixture"))


def trained(data: Path, folder: Path, layouts: list[Layout], family: str, **changes: Any) -> dict[str, Trained]:
    """Return trainings by layouts, in order, by how they are told, and that of one process by no name; each has processes of its own."""
    found: dict[str, Trained] = {}
    for index, layout in enumerate([Layout(), *layouts]):
        place = folder / str(index)
        for name in ("out", "scratch"):
            (place / name).mkdir(parents=True)
        on_processes(layout, train_here, data, place, family, changes)
        found["" if layout == Layout() else str(layout)] = read(place)
    return found


@pytest.mark.slow
def test_a_training_by_deepspeed_is_that_of_one_process(data: Path, tmp_path: Path) -> None:
    assert_same(trained(data, tmp_path, list(ZERO.values()), "llama"))


@pytest.mark.slow
def test_parts_of_steps_blocks_computed_again_and_averages_of_weights_are_as_of_one_process(data: Path, tmp_path: Path) -> None:
    chosen = [ZERO[name] for name in ("zero 1", "zero 2, offload", "zero 3", "zero 3, all offloaded")]
    changes = {"micro_batch_size": 2, "activation_checkpointing": "full", "averaging": {"kind": "ema", "decay": 0.9}}
    assert_same(trained(data, tmp_path, chosen, "llama", **changes))


@pytest.mark.slow
def test_muon_moves_what_deepspeed_holds(data: Path, tmp_path: Path) -> None:
    found = trained(data, tmp_path, [ZERO["zero 2"], ZERO["zero 3"]], "llama", optimizer="muon")
    assert_same(found, 0.03, 0.03)  # it orthogonalizes in bfloat16, which magnifies what is rounded


@pytest.mark.slow
@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "llama"])
def test_a_training_of_any_architecture_is_that_of_one_process(data: Path, tmp_path: Path, family: str) -> None:
    assert_same(trained(data, tmp_path, [ZERO["zero 2"], ZERO["zero 3"], ZERO["zero 3, all offloaded"]], family, micro_batch_size=1))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the compiler by itself
def test_a_training_that_is_compiled_is_that_of_one_process(data: Path, tmp_path: Path) -> None:
    chosen = [ZERO["zero 1"], ZERO["zero 3"]]
    assert_same(trained(data, tmp_path, chosen, "llama", compiles=True, num_steps=3, activation_checkpointing="selective"))


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_is_that_of_the_method_and_rounds_as_the_trainer_alone_does(data: Path, tmp_path: Path, precision: str) -> None:
    both = [(ZERO["zero 2"], Layout(processes=2, zero=2)), (ZERO["zero 3"], Layout(processes=2, zero=3))]
    layouts = [layout for pair in both for layout in pair]
    found = trained(data, tmp_path, layouts, "llama", precision=precision, num_steps=3, warmup_steps=0)
    for layout, own in both:
        assert_same({"": found[str(own)], "deepspeed": found[str(layout)]})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "behind"),
    [(ZERO["zero 1"], Layout(processes=2, tensor=2)), (Layout(processes=2, zero=3), ZERO["zero 3, offload"]), (ZERO["zero 3"], ZERO["zero 2 on 4"])],
)
def test_a_training_goes_on_from_deepspeed_to_another_layout_and_back(data: Path, tmp_path: Path, before: Layout, behind: Layout) -> None:
    changes = {"averaging": {"kind": "ema", "decay": 0.5}}
    whole = trained(data, tmp_path / "whole", [], "llama", **changes)[""]
    assert_same({"": whole, "behind": taken_further(before, behind, data, tmp_path, **changes)})


@pytest.mark.slow
def test_processes_end_by_themselves_each_time(data: Path, tmp_path: Path) -> None:
    for index in range(4):
        layout = ZERO["zero 1, offload" if index % 2 else "zero 3"]
        assert exit_codes(layout, data, tmp_path / str(index), num_steps=2) == [0, 0], f"training {index}: those with None wait for something"


def test_deepspeed_is_told_where_things_are_and_to_change_nothing() -> None:
    told = config_of(ZERO["zero 3, all offloaded"], "cuda")
    waits = {"device": "cpu", "pin_memory": True}
    assert told["zero_optimization"]["stage"] == 3 and told["gradient_clipping"] == 0.0
    assert {told["zero_optimization"][key] == waits for key in ("offload_optimizer", "offload_param")} == {True}
    assert config_of(ZERO["zero 2, offload"], "cpu")["zero_optimization"]["offload_optimizer"] == {"device": "cpu", "pin_memory": False}
    assert "offload_param" not in config_of(ZERO["zero 2, offload"], "cpu")["zero_optimization"]
