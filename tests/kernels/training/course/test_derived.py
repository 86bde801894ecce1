"""Laws against numbers that their papers print, and words that own up to a guess."""

import pytest

from kernels.training.course.derived import STEP_LAW_PARAMETERS, Budget, Law, derive_batch_size, derive_learning_rate, derive_weight_decay

INSIDE = Budget(num_parameters=1_000_000_000, num_tokens=100_000_000_000, flops_per_token=6e9)
SMALL = Budget(num_parameters=6_000_000, num_tokens=10_000_000, flops_per_token=36e6)


def test_step_law_gives_what_its_formula_gives() -> None:
    # 1e9^-0.713 = 10^-6.417, 1e11^0.307 = 10^3.377, 1e11^0.571 = 10^6.281
    assert derive_learning_rate("step_law", INSIDE).value == pytest.approx(1.79 * 10**-3.04, rel=1e-9)
    assert derive_batch_size("step_law", INSIDE, 2048).value == round(0.58 * 10**6.281 / 2048) == 541


def test_step_law_goes_by_the_parameters_of_blocks_as_the_grid_that_it_was_fitted_on_does() -> None:
    # The ends of the grid: 7 blocks of width 960 and 9368 within, 16 of 2048 and 8192; each 4 w^2 of attention and 3 w f of a gated layer
    assert tuple(count * (4 * width**2 + 3 * width * inner) for count, width, inner in ((7, 960, 9368), (16, 2048, 8192))) == STEP_LAW_PARAMETERS
    with_output = INSIDE._replace(num_parameters=1_200_000_000, num_output_parameters=200_000_000)
    assert derive_learning_rate("step_law", with_output) == derive_learning_rate("step_law", INSIDE)
    assert derive_weight_decay(1e-3, 100, with_output) != derive_weight_decay(1e-3, 100, INSIDE), "that law counts the whole model"


def test_the_deepseek_law_gives_what_its_authors_trained_seven_billion_parameters_with() -> None:
    # DeepSeek LLM 7B: 4.2e-4 and 2304 rows of 4096 tokens (table 2) for 2T tokens of 4.3e10 operations
    budget = Budget(num_parameters=6_500_000_000, num_tokens=2_000_000_000_000, flops_per_token=4.23e10)
    assert derive_learning_rate("deepseek", budget).value == pytest.approx(4.2e-4, rel=0.02)
    assert derive_batch_size("deepseek", budget, 4096).value == pytest.approx(2304, rel=0.05)


def test_a_batch_is_a_row_at_least() -> None:
    assert derive_batch_size("step_law", SMALL._replace(num_tokens=1_000), 256).value == 1


def test_weight_decay_averages_over_a_share_of_the_steps() -> None:
    found = derive_weight_decay(1e-3, 10_000, INSIDE)  # 100 tokens a parameter: 1.084 x 100^-0.527 = 1.084 x 10^-1.054 of the steps
    assert 1 / (1e-3 * found.value) / 10_000 == pytest.approx(1.084 * 10**-1.054)


def test_weights_never_average_over_more_than_the_training() -> None:
    assert derive_weight_decay(1e-3, 1_000, SMALL._replace(num_tokens=60_000)).value == pytest.approx(1.0)


def test_weight_decay_rises_with_the_batch_at_one_budget() -> None:
    # Twice the batch is half the steps: the decay doubles at one learning rate
    assert derive_weight_decay(1e-3, 500, INSIDE).value == pytest.approx(2 * derive_weight_decay(1e-3, 1_000, INSIDE).value)


def test_inside_of_the_fitted_range_the_words_name_law_and_numbers_alone() -> None:
    assert derive_learning_rate("step_law", INSIDE).words == (
        "learning rate 0.00163 by Step Law (Li et al. 2025), 1.79 N^-0.713 D^0.307 for N = 1,000,000,000 and D = 100,000,000,000"
    )


@pytest.mark.parametrize("law", ["step_law", "deepseek"])
def test_outside_of_the_fitted_range_the_words_own_up_to_a_guess(law: Law) -> None:
    words = [derive_learning_rate(law, SMALL).words, derive_batch_size(law, SMALL, 256).words, derive_weight_decay(1e-3, 100, SMALL).words]
    assert all("so that here it is a guess" in word for word in words)
    assert "guess" not in derive_batch_size("step_law", INSIDE._replace(num_parameters=6_000_000), 256).words
    assert "guess" not in derive_learning_rate("deepseek", INSIDE._replace(num_tokens=10**9)).words
