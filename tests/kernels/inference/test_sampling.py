"""What sampling changes of a distribution, and that draws fall as it says."""

from typing import Any

import pytest
import torch

from kernels.inference.sampling import Sampling, distribution, drawn, penalised

LOGITS = torch.tensor([2.0, 1.0, 0.0, -1.0])


def probabilities(**settings: Any) -> list[float]:
    return distribution(LOGITS, Sampling(**settings)).tolist()


def of(*kept: float) -> Any:
    """Return softmax over some logits, 0 for those that are None."""
    return pytest.approx(torch.tensor(kept).double().softmax(-1).tolist(), abs=1e-7)


OUT = float("-inf")


def test_nothing_is_changed_unless_it_is_asked_for() -> None:
    assert probabilities() == of(2, 1, 0, -1)


def test_temperature_divides_logits_and_0_takes_the_likeliest() -> None:
    assert probabilities(temperature=0.5) == of(4, 2, 0, -2)
    assert probabilities(temperature=0) == [1, 0, 0, 0]


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({"top_k": 2}, (2, 1, OUT, OUT)),
        ({"top_k": 9}, (2, 1, 0, -1)),
        ({"top_p": 0.5}, (2, OUT, OUT, OUT)),  # .644 has half
        ({"top_p": 0.7}, (2, 1, OUT, OUT)),
        ({"top_p": 0.95}, (2, 1, 0, OUT)),
        ({"min_p": 0.2}, (2, 1, OUT, OUT)),  # the third has .135 of the first
        ({"top_k": 3, "top_p": 0.7, "temperature": 0.5}, (4, OUT, OUT, OUT)),
    ],
)
def test_what_is_unlikely_is_left_out(settings: dict[str, Any], kept: tuple[float, ...]) -> None:
    assert probabilities(**settings) == of(*kept)


def test_tokens_that_came_before_are_made_less_likely() -> None:
    def left(**settings: float) -> list[float]:
        return penalised(LOGITS, Sampling(**settings), given={0: 1, 3: 1}, made={1: 2}).tolist()  # type: ignore[arg-type]

    assert left(repetition_penalty=2) == [1, 0.5, 0, -2]
    assert left(presence_penalty=0.5) == [2, 0.5, 0, -1]
    assert left(frequency_penalty=0.5) == [2, 0, 0, -1]
    assert left(presence_penalty=0.5, frequency_penalty=0.25) == [2, 0, 0, -1]


def test_draws_fall_as_often_as_tokens_are_probable() -> None:
    found = distribution(LOGITS, Sampling(top_k=3))
    chances = torch.arange(10_000).double().add(0.5).div(10_000).tolist()
    counts = torch.bincount(torch.tensor([drawn(found, chance) for chance in chances]), minlength=4) / 10_000
    assert counts.tolist() == pytest.approx(found.tolist(), abs=2e-4)


@pytest.mark.parametrize("chance", [0.0, 1 - 2**-53])
def test_no_draw_falls_on_what_is_left_out(chance: float) -> None:
    found = torch.tensor([0.0, 0.4, 0.6, 0.0]).double()
    assert found[drawn(found, chance)] > 0


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"temperature": -1}, "temperature: -1 is not from 0 to 100"),
        ({"top_p": 0}, "top_p: 0 leaves no token"),
        ({"min_p": 2}, "min_p: 2 is not from 0 to 1"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Sampling(**settings)
