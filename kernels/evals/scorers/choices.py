"""Scores of choices: right ones by three lengths, calibration, and what is made of expected and chosen classes.

As in EleutherAI's lm-evaluation-harness (github.com/EleutherAI/lm-evaluation-harness, lm_eval/api/task.py of 0.4.13): ``accuracy`` compares the
options' log-likelihoods (its acc), ``accuracy_normalized`` the same divided by the option's characters (its acc_norm), and ``accuracy_per_byte`` by
its UTF-8 bytes (its acc_bytes). An option of no character is scored by ``accuracy`` alone: a likelihood divided by no length is no likelihood.
"""

from kernels.evals.datasets.items import Item
from kernels.evals.metrics.calibration import brier, calibration_statistics
from kernels.evals.scorers.scorer import Scorer, each
from kernels.evals.solvers.choice import Choice


def guessed(item: Item) -> float:
    """Return how often a guess is right."""
    return len(item.expected) / len(item.options)


def is_right(item: Item, choice: Choice) -> float:
    """Return 1 where the likeliest option is right."""
    return float(choice.best() in item.expected)


def _is_right_by_characters(item: Item, choice: Choice) -> float:
    return float(choice.best([len(option) for option in choice.options]) in item.expected)


def _is_right_by_bytes(item: Item, choice: Choice) -> float:
    return float(choice.best([len(option.encode()) for option in choice.options]) in item.expected)


def _probability_of_right(item: Item, choice: Choice) -> float:
    probabilities = choice.probabilities()
    return sum(probabilities[index] for index in item.expected)


def _confidence(item: Item, choice: Choice) -> list[float]:
    probabilities = choice.probabilities()
    best = probabilities.index(max(probabilities))
    return list(calibration_statistics(probabilities[best], best in item.expected))


def _brier(item: Item, choice: Choice) -> float:
    return brier(choice.probabilities(), item.expected[0])


ACCURACY = Scorer(metric="accuracy", values=each(is_right), chance=guessed, by_group=True)
ACCURACY_NORMALIZED = Scorer(metric="accuracy_normalized", values=each(_is_right_by_characters), chance=guessed, by_group=True)
ACCURACY_PER_BYTE = Scorer(metric="accuracy_per_byte", values=each(_is_right_by_bytes), chance=guessed)
CALIBRATION_ERROR = Scorer(metric="calibration_error", values=each(_confidence), statistic="calibration_error", higher_is_better=False)
"""Expected calibration error of the probabilities among the options (Guo et al. 2017, arXiv 1706.04599)."""
BRIER = Scorer(metric="brier", values=each(_brier), higher_is_better=False)
"""Of the probabilities among the options (Brier 1950)."""
PROBABILITY_OF_RIGHT = Scorer(metric="probability_of_right", values=each(_probability_of_right), chance=guessed)
"""The share of probability that right options have: TruthfulQA's MC2 (Lin et al. 2022, arXiv 2109.07958)."""
CONFIDENCE = (CALIBRATION_ERROR, BRIER)
