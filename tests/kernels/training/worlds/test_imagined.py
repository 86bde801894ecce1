"""What a process of an imagined world holds and sends is what one of a real world does, and what theory says of worlds that none of us has."""

from typing import Any

import pytest
import torch

from kernels.models.architectures import llama
from kernels.models.formats.fast import Trainable, fresh
from kernels.specs.layout import Layout, Rank
from kernels.training.execution.activations import ActivationMode
from kernels.training.learner import Learner, Setting
from kernels.training.optimization.optimizers import OptimizerConfig
from kernels.training.parallel.team import join
from kernels.training.worlds.imagined import Imagined, Rows, imagine, take_step
from kernels.training.worlds.watching import Watch
from tests.processes import on_processes

WIDTH, LAYERS, LENGTH, VOCABULARY = 64, 8, 64, 256
BLOCK = WIDTH * 3 * WIDTH + WIDTH * WIDTH + WIDTH * 256 + 128 * WIDTH
"""Numbers of a block's matrices."""
NORMS, AROUND = 2 * WIDTH, VOCABULARY * WIDTH + WIDTH
WHOLE = LAYERS * (BLOCK + NORMS) + AROUND
FLOAT = 4
ROWS = Rows(8, LENGTH)


def build() -> Trainable:
    sizes: dict[str, Any] = {"hidden_size": WIDTH, "num_layers": LAYERS, "num_heads": 8, "num_kv_heads": 8, "intermediate_size": 128}
    config = llama.LlamaConfig.model_validate({"kind": "llama", **sizes, "max_position_embeddings": LENGTH, "tie_embeddings": True})
    return fresh(llama.build(config, vocab_size=VOCABULARY, eos_token_id=0, pad_token_id=3), 1)


def imagined(layout: Layout, number: int = 0, rows: Rows = ROWS, activations: ActivationMode = "none", device: str = "cpu") -> Imagined:
    return imagine(build, layout, rows, Setting(device, "float32", False, 0.0, activations), OptimizerConfig(), number)


def sent(found: Imagined) -> dict[tuple[str, tuple[str, ...]], float]:
    return {(each.operation, each.axes): each.sent_bytes for each in found.traffic}


def watched(rank: Rank) -> tuple[list[Any], float]:
    """Return what a process of a real world sends in a step, and the most that stood at once of what came in it."""
    learner = Learner(build(), Setting("cpu", "float32", False, 0.0, "none"), join(rank, "cpu"))
    with Watch(rank.layout) as watch:
        weights = {watch.key(shard.tensor) for shard in learner.spread.shards.values()} | {watch.key(each) for each in learner.module.parameters()}
        watch.begin_step()
        take_step(learner, ROWS, is_fused=False)
    return list(watch.traffic()), sum(watch.most([], weights))


@pytest.mark.parametrize(
    "layout",
    [
        Layout(processes=2),
        Layout(processes=2, zero=2),
        Layout(processes=2, zero=3),
        Layout(processes=2, tensor=2),
        Layout(processes=2, context=2),
        Layout(processes=2, pipeline=2),
        Layout(processes=4, tensor=2, zero=1),
        Layout(processes=4, pipeline=2, zero=3),
    ],
)
def test_what_is_sent_is_what_processes_send(layout: Layout) -> None:
    for number, (traffic, most) in enumerate(on_processes(layout, watched)):
        found = imagined(layout, number)
        assert list(found.traffic) == traffic
        assert found.held.gradients + found.held.passing == pytest.approx(most, rel=0.02)


@pytest.mark.parametrize(("zero", "more"), [(0, FLOAT * WHOLE), (3, 0.0)])
def test_by_accelerate_as_much_is_sent_and_held_but_for_room_for_gradients_that_ddp_keeps(zero: int, more: float) -> None:
    layout = Layout(processes=2, zero=zero, back_end="accelerate")  # pyright: ignore[reportArgumentType]
    found = imagined(layout)
    assert found == imagined(Layout(processes=2, zero=zero))  # pyright: ignore[reportArgumentType]
    for traffic, most in on_processes(layout, watched):
        assert sum(each.sent_bytes for each in traffic) == pytest.approx(found.sent_bytes, rel=1e-3)
        assert -0.02 * most < most - (found.held.gradients + found.held.passing) <= more


def test_pieces_are_sent_and_held_as_theory_says() -> None:
    """Rajbhandari et al. 2020 (arXiv 1910.02054, sections 5 and 7): as much is sent at stages 1 and 2 as without, half as much again at stage 3."""
    rows, share = Rows(64, LENGTH), 63 / 64
    data, *pieces = (imagined(Layout(processes=64, zero=zero), rows=rows) for zero in (0, 1, 2, 3))  # pyright: ignore[reportArgumentType]
    slots = 2 * FLOAT * WHOLE + FLOAT * (6 * LAYERS + 2)  # two moments, and of each parameter the number of steps
    assert (data.held.weights, data.held.optimizer, data.sent_bytes) == (FLOAT * WHOLE, slots, 2 * share * FLOAT * WHOLE)
    for found in pieces[:2]:
        assert (found.held.weights, found.sent_bytes) == (FLOAT * WHOLE, data.sent_bytes)
    assert pieces[2].held.weights == FLOAT * WHOLE / 64
    assert pieces[2].sent_bytes == pytest.approx(share * FLOAT * (3 * WHOLE - AROUND)), "what stands around blocks is gathered once"
    assert all(found.held.optimizer == 2 * FLOAT * WHOLE / 64 + FLOAT * (6 * LAYERS + 2) for found in pieces)


def test_of_512_processes_each_sends_the_positions_that_others_compute_with() -> None:
    """Korthikanti et al. 2022 (arXiv 2205.05198, section 4.2.2)."""
    found = imagined(Layout(processes=512, tensor=8), rows=Rows(64, LENGTH))
    of_positions = 7 / 8 * FLOAT * LENGTH * WIDTH
    assert sent(found)["all_gather", ("tensor",)] == sent(found)["reduce_scatter", ("tensor",)] == 4 * LAYERS * of_positions


def test_in_a_ring_keys_and_values_go_to_all_others_and_their_gradients_home() -> None:
    """Liu et al. 2023 (arXiv 2310.01889): forwards, backwards, and the gradients beside them."""
    found = imagined(Layout(processes=512, context=8), rows=Rows(64, LENGTH))
    keys_and_values = 2 * FLOAT * LENGTH / 8 * WIDTH
    assert sent(found)["send", ("context",)] == LAYERS * (7 + 7 + 8) * keys_and_values


def test_a_pipeline_sends_what_passes_between_stages_and_holds_more_where_it_begins() -> None:
    first, last = (imagined(Layout(processes=64, pipeline=8), number, Rows(64 * 2, LENGTH)) for number in (0, 63))
    of_parts, of_embedding = 16 * FLOAT * LENGTH * WIDTH, FLOAT * VOCABULARY * WIDTH  # which both ends hold
    assert sent(first)["send", ("pipeline",)] == of_parts + of_embedding == sent(last)["send", ("pipeline",)]
    assert first.held.passing > 3 * last.held.passing, "as many parts are on their way behind it as there are stages"


def test_what_is_offloaded_is_not_on_the_device() -> None:
    layout: dict[str, Any] = {"processes": 8, "zero": 3}
    all_here, waiting = imagined(Layout(**layout)), imagined(Layout(**layout, offload="parameters"))
    assert (waiting.held.weights, waiting.held.optimizer, waiting.held.gradients) == (0, 0, 0)
    assert waiting.host_bytes == all_here.held.weights * 2 + all_here.held.optimizer, "weights, gradients and moments"
    layout["zero"] = 1
    all_here, waiting = imagined(Layout(**layout)), imagined(Layout(**layout, offload="optimizer"))
    assert waiting.held.weights == all_here.held.weights and waiting.held.optimizer == 0
    assert waiting.host_bytes == FLOAT * WHOLE / 8 * 2 + all_here.held.optimizer


def test_what_is_computed_again_is_not_held() -> None:
    rows = Rows(64, LENGTH)
    kept, selected, again = (imagined(Layout(processes=8), 0, rows, mode).held.passing for mode in ("none", "selective", "full"))
    assert again < selected < kept and again < kept / 3


def test_fused_attention_holds_no_scores() -> None:
    rows = Rows(64, LENGTH)
    fused, kept = (imagined(Layout(processes=8), 0, rows, device=device).held.passing for device in ("cuda", "cpu"))
    assert kept - fused > 0.9 * LAYERS * FLOAT * 8 * 8 * 0.75 * LENGTH**2, "of 8 rows and 8 heads, causal ones by halves"


def test_a_process_that_trains_with_others_imagines_none() -> None:
    for words in on_processes(Layout(processes=2), refused):
        assert words == "a process that trains with others imagines no others; ask in a process of its own"


def refused(rank: Rank) -> str:
    join(rank, "cpu")
    with pytest.raises(RuntimeError) as error:
        imagined(Layout(processes=8))
    return str(error.value)


def test_nothing_of_it_stays() -> None:
    before = torch.UntypedStorage.resize_
    imagined(Layout(processes=8, zero=3))
    assert torch.UntypedStorage.resize_ is before and not torch.distributed.is_initialized()
    with pytest.raises(ValueError, match="cannot be parted between 16 processes"):
        imagined(Layout(processes=16, tensor=16))
    assert torch.UntypedStorage.resize_ is before and not torch.distributed.is_initialized()
