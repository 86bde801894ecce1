"""Learning rate, batch size and weight decay from the size of a model and the length of its training, by published laws.

Two laws give learning rate and batch size: that of Li et al. 2025 (Step Law, arXiv 2503.04715) from parameters and tokens, and that of DeepSeek-AI
2024 (DeepSeek LLM, arXiv 2401.02954, section 3.1, equation 1) from the operations of the whole training. Both find a broad optimum: numbers beside it
cost little. Weight decay follows from a timescale (Wang and Aitchison 2024, arXiv 2405.13698) as Bergsma et al. 2025 (arXiv 2505.13738) fitted it.
One follows from the other: the tokens of the training give its batch size, both its steps, and these the weight decay at a learning rate.
Every number comes with words that say where it is from, and whether the training lies outside of what the law was fitted on.
"""

from typing import Literal, NamedTuple

Law = Literal["step_law", "deepseek"]

STEP_LAW_PARAMETERS = (214_663_680, 1_073_741_824)
STEP_LAW_TOKENS = (4_000_000_000, 100_000_000_000)
"""Ends of the published grid of dense models."""
DEEPSEEK_FLOPS = (1e17, 2e19)
"""Budgets of the fit; the authors checked it at 1e20 and used it for far larger models."""
TIMESCALE_PARAMETERS = (111_000_000, 3_300_000_000)
"""Sizes of the models of the fit."""


class Derived(NamedTuple):
    """A number that a law gives."""

    value: float
    words: str
    """How it came about, for a reader."""


class Budget(NamedTuple):
    """What the laws take."""

    num_parameters: int
    """That a token is multiplied by: look-ups of embeddings are not among them, the output layer is."""
    num_tokens: int
    """That the training reads."""
    flops_per_token: float
    """Forwards and backwards, without embeddings."""
    num_output_parameters: int = 0
    """Of the parameters, those of the output layer."""

    @property
    def num_inner_parameters(self) -> int:
        """Parameters without any that grow with the vocabulary: what Step Law goes by, the ends of whose grid are those of blocks alone."""
        return self.num_parameters - self.num_output_parameters


def derive_learning_rate(law: Law, budget: Budget) -> Derived:
    """Return the peak learning rate of AdamW that a law finds best at its own batch size.

    Step Law: 1.79 N^-0.713 D^0.307 for N parameters of blocks alone, without output layer or embeddings, and D tokens, fitted on 215M to 1.07B
    parameters and 4B to 100B tokens, for a cosine that ends at 1e-5. DeepSeek: 0.3118 C^-0.1250 for C operations, fitted on 1e17 to 2e19, for a
    schedule of steps.
    """
    if law == "step_law":
        value = 1.79 * budget.num_inner_parameters**-0.713 * budget.num_tokens**0.307
        how = f"Step Law (Li et al. 2025), 1.79 N^-0.713 D^0.307 for N = {budget.num_inner_parameters:,} and D = {budget.num_tokens:,}"
        return Derived(value, f"learning rate {value:.3g} by {how}{_step_law_range(budget, parameters=True)}")
    value = 0.3118 * _flops(budget) ** -0.1250
    return Derived(value, f"learning rate {value:.3g} by DeepSeek LLM (2024), 0.3118 C^-0.1250 for C = {_flops(budget):.3g}{_deepseek_range(budget)}")


def derive_batch_size(law: Law, budget: Budget, row_length: int) -> Derived:
    """Return the batch size in whole rows, at least one, that a law finds best.

    Step Law: 0.58 D^0.571 tokens, whatever the model. DeepSeek: 0.2920 C^0.3271 tokens. Fitted on the ranges of `derive_learning_rate`.
    """
    if law == "step_law":
        tokens = 0.58 * budget.num_tokens**0.571
        how = f"Step Law (Li et al. 2025), 0.58 D^0.571 = {tokens:,.0f} tokens for D = {budget.num_tokens:,}"
        outside = _step_law_range(budget, parameters=False)
    else:
        tokens = 0.2920 * _flops(budget) ** 0.3271
        how = f"DeepSeek LLM (2024), 0.2920 C^0.3271 = {tokens:,.0f} tokens for C = {_flops(budget):.3g}"
        outside = _deepseek_range(budget)
    rows = max(1, round(tokens / row_length))
    return Derived(rows, f"batch size {rows} rows of {row_length} tokens by {how}{outside}")


def derive_weight_decay(learning_rate: float, num_steps: int, budget: Budget) -> Derived:
    """Return the weight decay of AdamW by which the weights average over the best share of the training.

    Decayed weights are a moving average of updates over 1 / (learning rate x weight decay) steps (Wang and Aitchison 2024), which should
    not be more than the whole training. Of the steps the best share is 1.084 (D / N)^-0.527 (Bergsma et al. 2025), fitted on 111M to 3.3B
    parameters with learning rates by maximal update parametrization, so that for others it is a first guess.
    """
    ratio = budget.num_tokens / budget.num_parameters
    share = min(1.0, 1.084 * ratio**-0.527)
    value = 1 / (learning_rate * num_steps * share)
    how = f"a moving average over {share:.2f} of {num_steps:,} steps (Wang and Aitchison 2024), 1.084 (D / N)^-0.527 for D / N = {ratio:.3g}"
    low, high = TIMESCALE_PARAMETERS
    outside = "" if low <= budget.num_parameters <= high else f"; fitted on {low:,} to {high:,} parameters, so that here it is a guess"
    return Derived(value, f"weight decay {value:.3g} by {how} (Bergsma et al. 2025){outside}")


def _flops(budget: Budget) -> float:
    return budget.flops_per_token * budget.num_tokens


def _step_law_range(budget: Budget, *, parameters: bool) -> str:
    (fewest, most), (shortest, longest) = STEP_LAW_PARAMETERS, STEP_LAW_TOKENS
    if shortest <= budget.num_tokens <= longest and (not parameters or fewest <= budget.num_inner_parameters <= most):
        return ""
    sizes = f"{fewest:,} to {most:,} parameters and " if parameters else ""
    return f"; fitted on {sizes}{shortest:,} to {longest:,} tokens, so that here it is a guess"


def _deepseek_range(budget: Budget) -> str:
    low, high = DEEPSEEK_FLOPS
    return "" if low <= _flops(budget) <= high else f"; fitted on {low:.0e} to {high:.0e} operations, so that here it is a guess"
