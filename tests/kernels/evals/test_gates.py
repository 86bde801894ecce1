import pytest
from pydantic import ValidationError

from kernels.evals.gates import GateConfig, decide
from kernels.specs.tasks import Score

CONFIG = GateConfig(metric="piqa/accuracy", tolerance=0.02)


def accuracy(value: float) -> Score:
    return Score("accuracy", value, value - 0.05, value + 0.05, 0.5, 200)


def bits(value: float) -> Score:
    return Score("bits_per_byte", value, value, value, 8.0, 20, higher_is_better=False)


def test_the_first_model_is_released():
    assert decide(accuracy(0.4), None, CONFIG).promote


@pytest.mark.parametrize(("value", "promoted"), [(0.70, True), (0.65, True), (0.63, True), (0.629, False)])
def test_a_candidate_may_lose_the_tolerance_and_no_more(value: float, promoted: bool):
    assert decide(accuracy(value), accuracy(0.65), CONFIG).promote is promoted


@pytest.mark.parametrize(("value", "promoted"), [(0.9, True), (1.01, True), (1.05, False)])
def test_where_lower_is_better_a_higher_candidate_is_worse(value: float, promoted: bool):
    config = GateConfig(metric="perplexity/bits_per_byte", tolerance=0.02)
    assert decide(bits(value), bits(1.0), config).promote is promoted


def test_the_reason_names_both_values_and_the_tolerance():
    reason = decide(accuracy(0.6), accuracy(0.65), CONFIG).reason
    assert all(part in reason for part in ("piqa/accuracy", "0.6000", "0.6500", "-0.0500", "0.02"))


def test_a_score_that_is_no_number_is_not_released():
    assert not decide(accuracy(float("nan")), None, CONFIG).promote


def test_a_score_of_another_metric_is_refused():
    with pytest.raises(ValueError, match="bits_per_byte"):
        decide(bits(1.0), None, CONFIG)


@pytest.mark.parametrize(
    "fields", [{"metric": "piqa/accuracy"}, {"metric": "accuracy", "tolerance": 0}, {"metric": "piqa/accuracy", "tolerance": -1}]
)
def test_a_gate_names_eval_and_metric_and_a_tolerance(fields: dict[str, object]):
    with pytest.raises(ValidationError):
        GateConfig.model_validate(fields)
