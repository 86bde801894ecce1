"""How long a step of a world takes is the sum of what is computed, waited for and sent, over links as their makers tell them."""

from typing import Any

import pytest

from kernels.specs.layout import Axis, Layout
from kernels.training.costs.hardware import Hardware, Links
from kernels.training.worlds.imagined import Held, Imagined
from kernels.training.worlds.paces import LINK_EFFICIENCY, step_time
from kernels.training.worlds.watching import Traffic

Sent = tuple[str, tuple[Axis, ...], float]
LINKS = Links(8, 100.0, 10.0, "of a test")
DEVICE = Hardware("device", {"bfloat16": 200.0}, None, 32.0, None, 0.5, "of a test", "cuda", LINKS)


def told(layout: dict[str, Any], *traffic: Sent, device: Hardware = DEVICE) -> tuple[float, ...]:
    """Return the parts of a step's time, of 800 FLOPs a process, each of which moves 7 numbers."""
    found = Imagined(0, Held(0, 0, 0, 0), 0, tuple(Traffic(operation, axes, 1, sent) for operation, axes, sent in traffic), 7, {})
    chosen = Layout.model_validate(layout)
    return step_time(800.0 * chosen.processes, 200.0, chosen, found, device)


def test_sums_of_gradients_cost_what_is_left_over_beside_products() -> None:
    sums: Sent = ("all_reduce", ("data",), 0.8 * 1200)
    assert told({"processes": 8}, sums) == (8.0, 0.0, 1200 / 100 - 8, 7.0)
    assert told({"processes": 8}, ("all_reduce", ("data",), 80.0)) == (8.0, 0.0, 0.0, 7.0)
    assert LINK_EFFICIENCY == 0.8


def test_what_goes_between_nodes_takes_the_link_between_them() -> None:
    assert told({"processes": 16}, ("all_reduce", ("data",), 0.8 * 200))[2] == 200 / 10 - 8
    tensor: Sent = ("all_gather", ("tensor",), 0.8 * 200)
    assert told({"processes": 16, "tensor": 8}, tensor)[2] == 200 / 100, "and a block's other half waits for it"
    assert told({"processes": 16, "tensor": 16}, tensor)[2] == 200 / 10


def test_a_pipeline_waits_while_it_fills_and_for_sums_behind_it() -> None:
    sums: Sent = ("reduce_scatter", ("shard",), 0.8 * 100)
    layout = {"processes": 8, "pipeline": 4, "micro_batches": 12, "zero": 1}
    assert told(layout, sums) == (8.0, 8.0 * 3 / 12, 1.0, 7.0)
    assert told({**layout, "schedule": "interleaved", "stages": 3}, sums)[1] == 8.0 * 3 / 36


@pytest.mark.parametrize(
    ("layout", "device", "words"),
    [
        ({"processes": 8, "offload": "optimizer"}, DEVICE, "how fast the machine beside it moves weights is not known"),
        ({"processes": 8}, DEVICE._replace(links=None), "what joins several of them is not known"),
        ({"processes": 16}, DEVICE._replace(links=LINKS._replace(between=None)), "what joins more than 8 of them is not known; take fewer processes"),
    ],
)
def test_what_is_not_known_is_said(layout: dict[str, Any], device: Hardware, words: str) -> None:
    with pytest.raises(ValueError, match=f"device: {words}"):
        told(layout, ("all_reduce", ("data",), 1.0), device=device)
