"""Layouts: how many processes differ in what, and what does not go together."""

from typing import Any

import pytest
from pydantic import ValidationError

from kernels.specs.layout import AXES, Layout


@pytest.mark.parametrize(
    ("keys", "sizes"),
    [
        ({}, (1, 1, 1, 1, 1)),
        ({"processes": 8}, (1, 8, 1, 1, 1)),
        ({"processes": 8, "zero": 3}, (1, 1, 8, 1, 1)),
        ({"processes": 8, "zero": 2, "shard": 4}, (1, 2, 4, 1, 1)),
        ({"processes": 8, "tensor": 2, "pipeline": 2, "zero": 1}, (2, 1, 2, 1, 2)),
        ({"processes": 8, "tensor": 2, "pipeline": 4}, (4, 1, 1, 1, 2)),
        ({"processes": 16, "tensor": 2, "context": 4}, (1, 2, 1, 4, 2)),
        ({"processes": 4, "context": 4, "zero": 3}, (1, 1, 1, 4, 1)),
    ],
)
def test_processes_are_parted_along_the_axes(keys: dict[str, Any], sizes: tuple[int, ...]) -> None:
    layout = Layout(**keys)
    assert tuple(map(layout.size, AXES)) == sizes
    assert layout.num_readers == sizes[1] * sizes[2]


def test_a_pipeline_has_two_parts_a_process_and_two_stages_each_where_it_is_interleaved_if_nothing_else_is_said() -> None:
    layout = Layout(processes=4, pipeline=4, schedule="interleaved")
    assert (layout.num_parts, layout.stages_per_process) == (8, 2)
    assert (Layout().num_parts, Layout(processes=2, pipeline=2).stages_per_process) == (1, 1)
    chosen = Layout(processes=4, pipeline=4, schedule="interleaved", stages=3, micro_batches=4)
    assert (chosen.num_parts, chosen.stages_per_process) == (4, 3)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"processes": 3, "tensor": 2}, "3 processes are no whole number of groups of 2"),
        ({"processes": 6, "tensor": 2, "pipeline": 2}, "6 processes are no whole number of groups of 4"),
        ({"processes": 6, "tensor": 2, "context": 2}, "6 processes are no whole number of groups of 4"),
        ({"processes": 2, "shard": 2}, "pieces are for zero: 1, 2 or 3"),
        ({"processes": 6, "zero": 1, "shard": 4}, "6 copies of the model are no whole number of groups of 4; take a divisor of 6"),
        ({"zero": 1}, "there is one copy of the model, which nobody shares"),
        ({"processes": 2, "tensor": 2, "zero": 1}, "there is one copy of the model, which nobody shares"),
        (
            {"processes": 4, "zero": 2, "offload": "parameters"},
            "weights wait elsewhere in pieces alone; give 'zero: 3' too, or take offload: optimizer",
        ),
        ({"processes": 2, "micro_batches": 4}, "it is of a pipeline; give 'pipeline' too"),
        ({"processes": 2, "tensor": 2, "back_end": "accelerate"}, "accelerate has copies of a model or pieces of it here, and parts nothing else"),
        ({"processes": 2, "context": 2, "back_end": "accelerate"}, "accelerate has copies of a model or pieces of it here, and parts nothing else"),
        ({"processes": 2, "pipeline": 2, "back_end": "accelerate"}, "accelerate has copies of a model or pieces of it here, and parts nothing else"),
        ({"processes": 2, "zero": 1, "back_end": "accelerate"}, "accelerate has stage 1 by DeepSpeed alone; take back_end: deepspeed, or zero: 3"),
        ({"processes": 2, "zero": 2, "back_end": "accelerate"}, "accelerate has stage 2 by DeepSpeed alone; take back_end: deepspeed, or zero: 3"),
        ({"processes": 2, "zero": 3, "shard": 1}, "greater than or equal to 2"),
        ({"processes": 2, "offload": "optimizer", "back_end": "accelerate"}, "accelerate moves weights where they are; take offload: parameters"),
        ({"processes": 4, "tensor": 2, "zero": 1, "back_end": "deepspeed"}, "deepspeed has copies of a model or pieces of it here"),
        ({"processes": 2, "back_end": "deepspeed"}, "DeepSpeed is here for what it holds in pieces; give zero: 1, 2 or 3"),
        ({"processes": 4, "zero": 3, "shard": 2, "back_end": "deepspeed"}, "DeepSpeed's pieces are of all processes; leave the key out"),
        ({"processes": 2, "pipeline": 2, "stages": 2}, "a process of a pipeline by 1f1b holds one; take schedule: interleaved"),
    ],
)
def test_what_does_not_go_together_is_refused_with_the_remedy(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Layout(**keys)
