"""Guards: what is left out, when training has diverged, and that both resume from plain numbers."""

import json
import math
from collections.abc import Iterable

import pytest
from pydantic import ValidationError

from kernels.training.guards import Guard, GuardConfig, Running, Skip

CONFIG = GuardConfig(sigmas=3, window=8, min_observations=4, max_skips=3, divergence_factor=2, divergence_steps=5)
USUAL = (1.0, 3.0, 1.0, 3.0)
"""Mean 2, deviation 1: above 5 is out of the usual."""


def running(*values: float) -> Running:
    return Running(CONFIG, values)


def kinds(guard: Guard, losses: Iterable[float], first: int = 0) -> list[str]:
    return [guard.judge(first + index, loss, 1.0).kind for index, loss in enumerate(losses)]


def test_only_what_stands_far_above_is_an_outlier() -> None:
    assert [running(*USUAL).is_outlier(value) for value in (5.0, 5.01, -100.0)] == [False, True, False]


def test_nothing_finite_is_an_outlier_before_there_is_enough_to_judge_by() -> None:
    assert not running(1.0, 3.0, 1.0).is_outlier(1e9)
    assert all(running().is_outlier(value) for value in (math.nan, math.inf, -math.inf))


def test_values_older_than_the_window_do_not_count() -> None:
    assert running(*[100.0] * 8, *USUAL, *USUAL).is_outlier(5.01)


def test_a_hair_above_values_that_are_all_alike_is_no_outlier() -> None:
    assert [running(*[2.0] * 4).is_outlier(value) for value in (2.005, 2.007)] == [False, True]


def test_a_step_left_out_is_listed_and_does_not_widen_what_is_usual() -> None:
    guard = Guard(CONFIG)
    assert kinds(guard, [*USUAL, 9.0, 9.0, 2.0, 9.0]) == ["take"] * 4 + ["skip", "skip", "take", "skip"]
    assert guard.skips == [Skip(4, "loss", 9.0, 2.0), Skip(5, "loss", 9.0, 2.0), Skip(7, "loss", 9.0, 2.0)]


def test_a_gradient_is_judged_beside_the_loss() -> None:
    guard = Guard(CONFIG)
    kinds(guard, USUAL)
    verdict = guard.judge(4, 2.0, 8.0)
    assert (verdict.kind, guard.skips[-1].what) == ("skip", "gradient norm")


def test_the_words_tell_why_a_step_is_left_out() -> None:
    guard = Guard(CONFIG)
    kinds(guard, USUAL)
    assert guard.judge(4, 9.0, 1.0).words == (
        "step 4 is left out, since its loss of 9 stands more than 3 standard deviations of 1 above 2, the mean of the last 4 taken"
    )
    assert guard.judge(5, 2.0, math.inf).words == "step 5 is left out, since its gradient norm is inf"


def test_gradients_that_stay_large_while_losses_are_usual_are_usual_from_then_on() -> None:
    guard = Guard(CONFIG)
    kinds(guard, USUAL)
    verdicts = [guard.judge(4 + index, 2.0, norm) for index, norm in enumerate((8.0, 9.0, 10.0, 9.0))]
    assert [verdict.kind for verdict in verdicts] == ["skip", "skip", "take", "take"]
    assert verdicts[2].words == "step 6 is taken: while the loss is as usual, a gradient norm of 9, the mean of the last 3, is what is usual now"
    assert [skip.step for skip in guard.skips] == [4, 5], "what is taken is not listed as left out"


def test_gradients_that_stay_large_are_a_divergence_where_a_loss_was_too() -> None:
    guard = Guard(CONFIG)
    kinds(guard, USUAL)
    assert [guard.judge(4 + index, loss, 8.0).kind for index, loss in enumerate((2.0, 9.0, 2.0))] == ["skip", "skip", "diverged"]
    assert [guard.judge(7 + index, 2.0, norm).kind for index, norm in enumerate((math.inf, math.inf, math.inf))][-1] == "diverged"


def test_steps_left_out_one_behind_the_other_are_a_divergence() -> None:
    guard = Guard(CONFIG)
    assert kinds(guard, [*USUAL, 9.0, math.nan]) == ["take"] * 4 + ["skip"] * 2
    verdict = guard.judge(6, 9.0, 1.0)
    assert verdict.kind == "diverged" and "and so were all of the last 3: training has diverged; go on from an older checkpoint" in verdict.words


def test_a_step_taken_between_breaks_the_row() -> None:
    assert "diverged" not in kinds(Guard(CONFIG), [*USUAL, 9.0, 9.0, 2.0, 9.0, 9.0, 2.0])


def test_a_loss_that_creeps_up_and_stays_is_a_divergence() -> None:
    guard = Guard(CONFIG)
    verdicts = [guard.judge(step, 2.0 + 0.3 * step + 1.1 * (-1) ** step, 1.0) for step in range(40)]
    first = next(verdict for verdict in verdicts if verdict.kind != "take")
    assert first.kind == "diverged"
    assert first.words.startswith("step 18: for 5 steps the loss stood above 2 times its best mean of 2.45: training has diverged")


def test_ground_that_is_won_back_is_no_divergence() -> None:
    config = CONFIG.model_copy(update={"sigmas": 1000.0})
    assert set(kinds(Guard(config), [*USUAL, *[5.0] * 4, 2.0, *[5.0] * 4, 2.0])) == {"take"}
    assert kinds(Guard(config), [*USUAL, *[5.0] * 5])[-1] == "diverged"


def test_judging_goes_on_from_plain_numbers_as_if_it_had_never_stopped() -> None:
    losses = [*USUAL, 9.0, 2.0, math.nan, 9.0, 2.0, 2.5, *[9.0] * 3]
    whole, first, second = Guard(CONFIG), Guard(CONFIG), Guard(CONFIG)
    expected = kinds(whole, losses)
    kinds(first, losses[:7])
    second.load_state(json.loads(json.dumps(first.state())))
    assert kinds(second, losses[7:], first=7) == expected[7:] and expected[-1] == "diverged"
    assert json.dumps(second.state()) == json.dumps(whole.state())


def test_a_training_that_went_back_has_as_many_steps_again_to_recover() -> None:
    config = CONFIG.model_copy(update={"sigmas": 1000.0})
    lost, left_out = Guard(config), Guard(config)
    kinds(lost, [*USUAL, *[5.0] * 4])
    kinds(left_out, [*USUAL, math.nan, math.nan])
    for guard, loss, num_steps in ((lost, 5.0, config.divergence_steps), (left_out, math.nan, config.max_skips)):
        guard.begin_streaks_anew()
        assert kinds(guard, [loss] * num_steps).index("diverged") == num_steps - 1


def test_a_warm_up_longer_than_the_window_is_a_fault() -> None:
    with pytest.raises(ValidationError, match="9 is more than window, 8"):
        GuardConfig(window=8, min_observations=9)
