"""Scaling laws: constants of made runs come back, a run that was not trained is foretold, and what runs cannot tell is refused."""

import math

import numpy as np
import pytest

from kernels.training.laws.scaling_forms import Run
from kernels.training.laws.scaling_law import Law, fit_scaling_law, predict

TRUE = Law(floor=1.7, size_factor=400.0, size_exponent=0.34, token_factor=600.0, token_exponent=0.3)
SIZES, TOKENS = (1e6, 3e6, 1e7), (1e8, 4e8, 1.6e9)
GRID = [(size, tokens) for size in SIZES for tokens in TOKENS]


def made(points: list[tuple[float, float]], *, noise: float = 0.0, seed: int = 0, law: Law = TRUE) -> list[Run]:
    random = np.random.default_rng(seed)
    return [Run(size, tokens, law.loss(size, tokens) * math.exp(random.normal(0, noise))) for size, tokens in points]


def test_constants_of_made_runs_come_back() -> None:
    fit = fit_scaling_law(made(GRID), seed=1, num_bootstrap=3)
    assert fit.form == "sizes_and_tokens"
    assert fit.law == pytest.approx(TRUE, rel=1e-3)
    assert fit.explained == pytest.approx(1.0)


def test_a_size_that_was_held_out_is_foretold() -> None:
    fit = fit_scaling_law(made(GRID, noise=0.002), seed=1, num_bootstrap=40)
    prediction = predict(fit, 4e7, 3.2e9)
    assert prediction.loss == pytest.approx(TRUE.loss(4e7, 3.2e9), rel=0.02)
    assert prediction.interval.low < TRUE.loss(4e7, 3.2e9) < prediction.interval.high


def test_most_intervals_hold_the_run_that_is_then_made() -> None:
    points, target = [(1e7, 1e8 * 2**step) for step in range(7)], (1e7, 2.56e10)
    held = 0
    for seed in range(12):
        fit = fit_scaling_law(made(points, noise=0.004, seed=seed), seed=seed, num_bootstrap=40)
        (new,) = made([target], noise=0.004, seed=1000 + seed)
        interval = predict(fit, *target).interval
        assert interval.high - interval.low < 0.5
        held += interval.low <= new.loss <= interval.high
    assert held >= 8


def test_an_outlier_moves_the_law_little() -> None:
    runs = made(GRID)
    fit = fit_scaling_law([*runs, Run(2e6, 8e8, 1.5 * TRUE.loss(2e6, 8e8))], seed=1, num_bootstrap=2)
    assert fit.law.loss(4e7, 3e9) == pytest.approx(TRUE.loss(4e7, 3e9), rel=0.01)


def test_the_same_seed_gives_the_same_intervals_and_another_seed_others() -> None:
    runs = made(GRID, noise=0.003)
    first, again, other = (fit_scaling_law(runs, seed=seed, num_bootstrap=5) for seed in (1, 1, 2))
    assert first == again
    assert predict(first, 2e7, 3e9) == predict(again, 2e7, 3e9)
    assert first.law == other.law
    assert first.intervals != other.intervals


def test_runs_of_one_size_tell_tokens_only() -> None:
    fit = fit_scaling_law(made([(1e7, 1e8 * 2**step) for step in range(6)]), seed=1, num_bootstrap=3)
    assert fit.form == "tokens"
    assert "asks for" in fit.why
    assert fit.law.token_exponent == pytest.approx(0.3, rel=0.01)
    assert fit.law.floor == pytest.approx(1.7 + 400 / 1e7**0.34, rel=0.01)
    assert set(fit.intervals) == {"floor", "token_factor", "token_exponent"}
    with pytest.raises(ValueError, match=r"only along their own path, where 1e\+08 tokens go with 1e\+07 parameters, not 2e\+07"):
        predict(fit, 2e7, 1e8)


def test_runs_of_one_ratio_tell_sizes_only_and_foretell_that_ratio() -> None:
    fit = fit_scaling_law(made([(2e6 * 2**step, 4e7 * 2**step) for step in range(6)]), seed=1, num_bootstrap=3)
    assert fit.form == "sizes"
    assert "tokens follow size" in fit.why
    assert predict(fit, 2.56e8, 5.12e9).loss == pytest.approx(TRUE.loss(2.56e8, 5.12e9), rel=0.01)
    with pytest.raises(ValueError, match="ask for that point"):
        predict(fit, 2.56e8, 9e9)


def test_three_runs_tell_a_bare_power_and_say_why_no_floor() -> None:
    fit = fit_scaling_law(made([(2e6 * 4**step, 4e7 * 4**step) for step in range(3)]), seed=1, num_bootstrap=3)
    assert fit.form == "sizes_without_floor"
    assert fit.law.floor == 0
    assert "E + A/N^alpha asks for 5 runs, and there are 3" in fit.why


def test_three_runs_off_one_line_leave_the_constants_of_their_line_open() -> None:
    runs = [Run(size, 20 * size, 5 * size**-0.08 * math.exp(noise)) for size, noise in ((1e6, 0.01), (4e6, -0.02), (1.6e7, 0.015))]
    fit = fit_scaling_law(runs, seed=1, num_bootstrap=40)
    assert fit.form == "sizes_without_floor"
    low, high = fit.intervals["size_exponent"]
    assert low < fit.law.size_exponent < high and high - low > 0.03, "two lines through two of the runs differ by so much"


def test_a_law_without_a_floor_promises_no_fall_past_its_runs() -> None:
    fit = fit_scaling_law(made([(2e6 * 4**step, 4e7 * 4**step) for step in range(3)]), seed=1, num_bootstrap=5)
    beyond, within = predict(fit, 5.12e8, 1.024e10), predict(fit, 1.6e7, 3.2e8)
    assert beyond.loss < beyond.interval.low * 1.2 < TRUE.loss(5.12e8, 1.024e10) < beyond.interval.high
    assert beyond.interval.high == pytest.approx(fit.law.loss(3.2e7, 6.4e8))
    assert within.interval.high - within.interval.low < 0.5


def test_six_runs_of_both_tie_the_exponents() -> None:
    tied = TRUE._replace(token_exponent=TRUE.size_exponent)
    fit = fit_scaling_law(made([*GRID[:4], GRID[6], GRID[8]], law=tied), seed=1, num_bootstrap=2)
    assert fit.form == "one_exponent"
    assert fit.law == pytest.approx(tied, rel=0.01)


@pytest.mark.parametrize(
    ("runs", "told"),
    [
        pytest.param(made(GRID[:2]), "2 runs tell no scaling law", id="two runs"),
        pytest.param([*made(GRID), Run(1e6, 1e8, math.nan)], "run 10 of 10: loss nan", id="a loss that is no number"),
        pytest.param([*made(GRID), Run(0, 1e8, 3.0)], "num_parameters 0", id="a size of nothing"),
        pytest.param(made([(1e6, 1e8)] * 9), "there are 1", id="one run again and again"),
        pytest.param(made([(size, tokens) for size in (1e6, 3e6) for tokens in TOKENS]), "asks for 3 sizes, and there are 2", id="two sizes"),
        pytest.param([Run(*point, 3 + 0.1 * (index * 7 % 5)) for index, point in enumerate(GRID)], "no law fits 9 runs", id="losses of chance"),
        pytest.param([Run(1e7, 1e8 * 2**step, 3 + 0.1 * step) for step in range(6)], "no law fits 6 runs", id="losses that rise"),
    ],
)
def test_runs_that_tell_nothing_are_refused_with_the_reason(runs: list[Run], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        fit_scaling_law(runs, seed=1, num_bootstrap=2)
