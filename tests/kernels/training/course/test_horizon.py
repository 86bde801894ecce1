"""How long a training is, by each of five ways, and what none of them may say."""

from typing import Any

import pytest
from pydantic import ValidationError

from kernels.training.course.horizon import Extent, HorizonConfig, find_horizon, tokens_asked
from kernels.training.course.stages import BatchStage, LengthStage, constant

EXTENT = Extent(num_parameters=1_000, num_rows=10, row_length=100, flops_per_token=None)


def steps(batch_size: int = 4, extent: Extent = EXTENT, **config: Any) -> int:
    return find_horizon(HorizonConfig(**config), extent, constant(batch_size)).num_steps


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"num_steps": 7}, 7),
        ({"num_tokens": 2_000}, 5),
        ({"num_tokens": 1_999}, 4),
        ({"num_epochs": 2}, 5),
        ({"num_epochs": 1}, 2),
        ({"num_flops": 6 * 1_000 * 2_000}, 5),
        ({"tokens_per_parameter": 20}, 50),
        ({"tokens_per_parameter": 0.4}, 1),
    ],
)
def test_each_way_gives_the_most_steps_within_it(config: dict[str, Any], expected: int) -> None:
    assert steps(**config) == expected


def test_the_operations_that_a_model_tells_come_before_six_a_parameter() -> None:
    assert steps(extent=EXTENT._replace(flops_per_token=12_000), num_flops=6 * 1_000 * 4_000) == 5


def test_rows_in_pieces_are_counted_for_what_they_take() -> None:
    lengths = [LengthStage.model_validate({"from": start, "length": length}) for start, length in ((0, 25), (0.3, 100))]
    extent = EXTENT._replace(flops_per_token=12_000, lengths=lengths, flops_of_pieces={25: 6_000, 100: 12_000})
    short, long = 6_000 * 400, 12_000 * 400  # a step, each
    for num_short, num_long in ((3, 7), (30, 70), (5, 11)):  # of 16 steps three tenths are 4.8
        exactly = num_short * short + num_long * long
        assert steps(extent=extent, num_flops=exactly) == num_short + num_long
        assert steps(extent=extent, num_flops=exactly - 1) < num_short + num_long


def test_a_part_of_an_epoch_is_taken_as_it_is_written() -> None:
    # 0.57 of 100 rows are 57, though the binary number beside 0.57 has a little less
    assert steps(batch_size=1, extent=EXTENT._replace(num_rows=100), num_epochs=0.57) == 57


def test_stages_of_batches_share_the_rows() -> None:
    stages = [BatchStage.model_validate({"from": start, "batch_size": size}) for start, size in ((0, 2), (0.5, 4))]
    horizon = find_horizon(HorizonConfig(num_tokens=2_400), EXTENT, stages)
    assert (horizon.num_steps, horizon.num_tokens) == (9, 2_400)


def test_a_hard_stop_leaves_the_steps_of_the_schedule_alone() -> None:
    horizon = find_horizon(HorizonConfig(num_steps=7, stop_after_steps=3), EXTENT, constant(4))
    assert (horizon.num_steps, horizon.last_step) == (7, 3)
    assert find_horizon(HorizonConfig(num_steps=7), EXTENT, constant(4)).last_step == 7


def test_the_words_tell_what_the_steps_come_to() -> None:
    words = find_horizon(HorizonConfig(num_tokens=2_000), EXTENT, constant(4)).words
    assert words == "5 steps by num_tokens 2,000: 2,000 tokens, 2.00 epochs, 2.0 tokens a parameter"


def test_tokens_are_known_before_batches_unless_steps_are_given() -> None:
    assert tokens_asked(HorizonConfig(tokens_per_parameter=20), EXTENT) == 20_000
    assert tokens_asked(HorizonConfig(num_tokens=2_050), EXTENT) == 2_000
    assert tokens_asked(HorizonConfig(num_steps=3), EXTENT) is None


@pytest.mark.parametrize(
    ("config", "key", "fault"),
    [
        ({}, "num_steps", "nothing says how long the training is; give one of num_steps, num_tokens"),
        ({"num_epochs": 1, "num_tokens": 5}, "num_epochs", "num_tokens says already how long the training is"),
        ({"num_steps": 3, "stop_after_steps": 4}, "stop_after_steps", "4 is more than the 3 steps"),
    ],
)
def test_a_fault_names_its_key(config: dict[str, Any], key: str, fault: str) -> None:
    with pytest.raises(ValidationError, match=fault) as caught:
        HorizonConfig(**config)
    assert caught.value.errors()[0].get("ctx", {})["key"] == key


def test_less_than_a_step_is_a_fault_of_what_asks_for_it() -> None:
    with pytest.raises(ValueError, match="350 is 3 rows of 100 tokens, and a step reads 4; raise it or lower the batch size") as caught:
        steps(num_tokens=350)
    assert getattr(caught.value, "context", {})["key"] == "num_tokens"


def test_a_stop_behind_the_steps_that_tokens_come_to_is_a_fault() -> None:
    with pytest.raises(ValueError, match="6 is more than the 5 steps of the training"):
        steps(num_tokens=2_000, stop_after_steps=6)
