"""FLOPs, seconds and money of a training."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch._dynamo.testing import CompileCounter
from transformers import LlamaForCausalLM

from kernels.models.blocks import cross_entropy
from kernels.models.blocks.wrapped import Wrapped
from kernels.models.formats.fast import Trainable, counts_of, fresh
from kernels.specs.architectures import AttentionCounts, Counts
from kernels.specs.families import specs
from kernels.training.costs import calibration
from kernels.training.costs.calibration import Pace, measure_pace, median_seconds
from kernels.training.costs.flops import count_flops
from kernels.training.costs.hardware import HARDWARE, Hardware, hardware
from kernels.training.costs.memory import Step
from kernels.training.costs.peak import measure_peak, mfu
from kernels.training.costs.work import (
    COMPILATION_SECONDS,
    COMPILED_SHARE,
    LAUNCH_SECONDS,
    Work,
    computed_flops,
    dollars,
    seconds_here,
    seconds_on,
    training_flops,
)

HEADS: dict[str, object] = {"hidden_size": 32, "num_layers": 3, "num_heads": 4, "intermediate_size": 56, "max_position_embeddings": 64}
SHAPES: dict[str, dict[str, object]] = {
    "llama": {**HEADS, "num_kv_heads": 2},
    "prefix_decoder": {**HEADS, "num_kv_heads": 2, "positions": "t5"},
    "modernbert": {**HEADS, "local_attention": 8},
    "t5": HEADS,
    "mamba2": {"hidden_size": 32, "num_layers": 3, "state_size": 24, "head_dim": 8, "chunk_size": 8},
}
COUNTS = Counts(1_200_000, 1_000_000, (), 2, 64, 0, 0, 0, 100)
WORK = Work(
    COUNTS,
    num_steps=10,
    num_rows=10 * 4,
    num_tokens=10 * 4 * 50,
    pieces=((10 * 4, (50, 0)),),
    step=Step(4, 50, "bfloat16", device="cpu"),
    num_validation_rows=8,
    is_compiled=False,
    most_rows=1,
)
DEVICE = Hardware("made", {"bfloat16": 6e9}, 1e9, 1e9, 36.0, 0.5, "a test", "cuda")


def test_a_token_takes_six_flops_a_parameter_and_two_without_learning() -> None:
    assert training_flops(WORK) == 10 * 4 * 50 * 6e6
    assert computed_flops(WORK) == training_flops(WORK) + 8 * 50 * 2e6


def test_what_checkpointing_computes_again_is_computed_but_not_the_models() -> None:
    attentive = WORK._replace(counts=COUNTS._replace(attention=(AttentionCounts(2, 4, 16, is_causal=True),)), num_validation_rows=0)
    full, selective = (attentive._replace(step=attentive.step._replace(checkpointing=mode)) for mode in ("full", "selective"))
    assert training_flops(full) == training_flops(selective) == training_flops(attentive)
    assert computed_flops(full) == pytest.approx(training_flops(attentive) * 4 / 3)
    fused = selective._replace(step=selective.step._replace(device="cuda"))
    assert computed_flops(fused) == training_flops(attentive)
    assert computed_flops(selective) == training_flops(attentive) + 10 * 4 * (4 * 2 * 4 * 16 * 50 * 50 / 2)


def test_seconds_are_flops_over_a_share_of_the_peak_and_moved_bytes_over_the_bandwidth() -> None:
    without = WORK._replace(num_validation_rows=0)
    assert seconds_on(without, DEVICE) == pytest.approx(LAUNCH_SECONDS + 12e9 / 3e9 + 10 * 1.2e6 * 32 / 1e9)
    assert seconds_on(without._replace(is_compiled=True), DEVICE) - seconds_on(without, DEVICE) == pytest.approx(COMPILATION_SECONDS["cpu"])
    assert dollars(100.0, DEVICE) == pytest.approx(1.0)
    assert dollars(100.0, DEVICE._replace(dollars_per_hour=None)) is None


def test_seconds_here_follow_the_pace_part_by_part() -> None:
    pace = Pace(block_seconds=1e-3, around_seconds=5e-4, update_seconds=1e-9, forward_share=0.4)
    learned, validated, updates = 2000 * 2.5e-3, 400 * 2.5e-3 * 0.4, 10 * 1.2e6 * 1e-9
    assert seconds_here(WORK, pace) == pytest.approx(LAUNCH_SECONDS + learned + validated + updates)
    compiled = seconds_here(WORK._replace(is_compiled=True), pace) - seconds_here(WORK, pace)
    assert compiled == pytest.approx(COMPILATION_SECONDS["cpu"] - (1 - COMPILED_SHARE["cpu"]) * learned)


def built(family: str, **changes: object) -> Any:
    """Return the Transformers config of a small model."""
    spec = specs("architectures")[family]
    config = spec.config.model_validate({"kind": family, **SHAPES[family], "tie_embeddings": True, **changes})
    return spec.build(config, vocab_size=96, eos_token_id=0, pad_token_id=3)


@pytest.mark.parametrize("family", SHAPES)
def test_the_flops_that_are_told_are_those_that_a_training_counts(family: str) -> None:
    num_decoder = 12 if family == "t5" else 0
    shape = built(family)
    counts = counts_of(shape)
    assert counts is not None
    found = count_flops(fresh(shape, 1), 16, num_decoder)
    assert found.num_matmul_parameters == counts.num_matmul_parameters
    assert found.flops_per_row == counts.flops_per_row(16, num_decoder)
    assert found.flops_per_token == int(found.flops_per_row / (16 + num_decoder))
    assert found.num_output_parameters == 96 * 32


@pytest.mark.parametrize("is_tied", [True, False])
def test_a_model_that_no_family_tells_of_is_counted_by_its_matrices_and_to_the_same(is_tied: bool) -> None:
    shape = built("llama", tie_embeddings=is_tied)
    wrapped = Trainable(Wrapped(LlamaForCausalLM(shape)), shape, "causal", None, is_own=False)
    assert count_flops(wrapped, 16) == count_flops(fresh(shape, 1), 16)


def test_a_precision_or_a_device_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="its peak in float32 is not known; take a precision of bfloat16"):
        seconds_on(WORK._replace(step=Step(4, 50, "float32")), DEVICE)
    with pytest.raises(ValueError, match="did you mean 'h100'"):
        hardware("h10")


@pytest.mark.parametrize("name", HARDWARE)
def test_known_hardware_says_where_its_numbers_come_from(name: str) -> None:
    found = hardware(name)
    assert found.source
    assert found.peak_flops["bfloat16"] > found.peak_flops["float32"] > found.bandwidth > 1e9
    assert 0 < found.efficiency < 1


def test_a_pace_is_measured_with_as_many_blocks_as_stay_short(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = COUNTS._replace(num_matmul_parameters=100 * 64 + 5 * 20_000, num_blocks=5, attention=(AttentionCounts(5, 4, 16, is_causal=True),))
    built: list[int] = []
    real = calibration._StandIn

    def noted(counts: Counts, step: Step, num_blocks: int, num_rows: int, *, compiled: bool) -> object:
        built.append(num_blocks)
        return real(counts, step, num_blocks, num_rows, compiled=compiled)

    def timed(works: Sequence[Callable[[], Any]]) -> list[float]:
        for work in works:
            work()
        return [1.0, 3.0, 0.9, 0.6]  # of one block, of five, of passing forward and of an update; a busy machine has no part in it

    monkeypatch.setattr(calibration, "_StandIn", noted)
    monkeypatch.setattr(calibration, "median_seconds", timed)
    pace = measure_pace(counts, Step(2, 32, "float32", device="cpu"))
    assert built == [1, 5]
    of_model, predicting = calibration._shares(counts, Step(2, 32, "float32"))
    assert pace.block_seconds == of_model * 0.5 / 64 and pace.around_seconds == predicting * 0.5 / 64
    assert 0 < pace.update_seconds < 0.6 and pace.forward_share == pytest.approx(0.3)


def test_the_pace_of_a_model_is_that_of_its_stand_in_by_the_flops_of_both() -> None:
    counts = COUNTS._replace(
        num_matmul_parameters=100 * 64 + 2 * (4 * 64 * 64 + 3 * 64 * 100), attention=(AttentionCounts(2, 4, 16, is_causal=True),)
    )
    assert calibration._shares(counts, Step(2, 32, "float32")) == (1.0, 1.0)
    near = counts._replace(attention=(AttentionCounts(2, 4, 16, is_causal=True, window=8),))
    of_products, whole, seen = 6 * (4 * 64 * 64 + 3 * 64 * 100), 12 * 64 * 16, 12 * 64 * (8 - 64 / 64)
    assert calibration._shares(near, Step(2, 32, "float32"))[0] == pytest.approx((of_products + seen) / (of_products + whole))


def test_the_output_layer_of_an_encoder_decoder_is_for_what_its_decoder_reads() -> None:
    counts = counts_of(built("t5"))
    assert counts is not None
    step = Step(2, 32, "float32", device="cpu", decoder_length=8)
    of_blocks, predicting = calibration._shares(counts, step)
    assert predicting == 8 / 40
    assert of_blocks < 1  # a position passes the blocks of one stack, and the stand-in has those of both
    assert measure_pace(counts, step).token_seconds(counts.num_all_blocks) > 0


def test_a_stand_in_multiplies_by_as_much_as_the_model() -> None:
    counts = COUNTS._replace(num_matmul_parameters=100 * 64 + 2 * 50_000, attention=(AttentionCounts(2, 4, 16, is_causal=True),))
    made = calibration._StandIn(counts, Step(1, 8, "float32", device="cpu"), 2, 1)
    norms = 5 * 64
    assert made.num_parameters - norms == pytest.approx(counts.num_matmul_parameters, rel=0.01)


@pytest.mark.parametrize(("family", "positions"), [("llama", "rope"), ("prefix_decoder", "t5"), ("t5", "t5")])
def test_a_stand_in_adds_a_bias_that_learns_where_the_model_does(family: str, positions: str) -> None:
    counts = counts_of(built(family))
    assert counts is not None
    assert calibration._shape(counts, 16, 1).positions == positions


def test_a_stand_in_of_a_model_with_states_multiplies_by_what_the_model_does() -> None:
    shape = built("mamba2")
    counts = counts_of(shape)
    assert counts is not None
    made = calibration._StandIn(counts, Step(1, 16, "float32", device="cpu"), 3, 1)
    assert made.num_parameters == counts.num_parameters


@pytest.mark.filterwarnings("ignore")  # of the compiler by itself
def test_stand_ins_are_compiled_however_many_shapes_came_before(monkeypatch: pytest.MonkeyPatch) -> None:
    counted, own = CompileCounter(), torch.nn.Module.compile
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **told: own(self, backend=counted, **told))
    monkeypatch.setattr(cross_entropy, "_kept", [cross_entropy._read_chunk])
    settings: Any = torch._dynamo.config
    with settings.patch(recompile_limit=1, accumulated_recompile_limit=1):
        for width in (32, 48):
            counts = COUNTS._replace(
                hidden_size=width, num_matmul_parameters=100 * width + 100_000, attention=(AttentionCounts(2, 4, 8, is_causal=True),)
            )
            calibration._StandIn(counts, Step(1, 8, "float32", device="cpu"), 1, 1, compiled=True).learn()
    assert counted.frame_count == 2


def test_what_is_too_large_to_try_is_refused() -> None:
    huge = COUNTS._replace(num_matmul_parameters=10**11)
    with pytest.raises(ValueError, match="too many to be tried on this machine; name the hardware"):
        measure_pace(huge, Step(4, 512, "bfloat16", device="cpu"))


def test_the_first_time_does_not_count_and_the_median_of_the_others_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "REPEATS", 5)
    readings = iter([0, 100, *(value for seconds in (1, 9, 2, 8, 3) for value in (0, seconds))])
    monkeypatch.setattr(calibration.time, "perf_counter", lambda: float(next(readings)))
    assert median_seconds([lambda: None]) == [3.0]


def test_the_peak_is_that_of_matrix_products_and_mfu_a_share_of_it() -> None:
    assert 1e9 < measure_peak("cpu", "float32") < 1e14
    assert mfu(3e12, 10.0, 1e12) == pytest.approx(0.3)
    with pytest.raises(ValueError, match="have no share"):
        mfu(1.0, 0.0, 1e12)
