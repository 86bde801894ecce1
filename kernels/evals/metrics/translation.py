"""BLEU (Papineni et al. 2002, ACL P02-1040) and chrF (Popović 2015, W15-3049; chrF++ 2017, W17-4770) from sums over items, as sacrebleu counts.

An item gives counts; the figure of a corpus is a function of their sums, equal to sacrebleu's (Post 2018, arXiv 1804.08771) with its own settings:
BLEU of up to 4-grams with exponential smoothing, chrF of 6-grams of characters and recall weighed twice. Figures are 0..100.

Shape letters: ... any leading axes, S counts of an item.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

Tokenize = Literal["13a", "zh", "char"]
"""How BLEU parts a text: as the WMT does languages with spaces, Chinese characters apart from the rest, or every character."""
_MAX_NGRAM = 4
_BETA_SQUARED = 4


@cache
def _bleu(tokenize: Tokenize, effective_order: bool) -> Any:
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(tokenize=tokenize, effective_order=effective_order)


@cache
def _chrf(word_order: int) -> Any:
    from sacrebleu.metrics.chrf import CHRF

    return CHRF(word_order=word_order)


def _counts(metric: Any, answer: str, references: Sequence[str]) -> list[float]:
    """Return an item's counts by sacrebleu's own hands."""
    return [float(count) for count in metric._extract_corpus_statistics([answer], [[text] for text in _given(references)])[0]]


def bleu_statistics(answer: str, references: Sequence[str], tokenize: Tokenize = "13a") -> list[float]:
    """Return ten counts: the answer's length, the closest reference's, n-grams in common by order (1..4), n-grams of the answer by order.

    Raises:
        ValueError: there are no references.
    """
    return _counts(_bleu(tokenize, False), answer, references)


def bleu_of(sums: F64) -> F64:
    """Return the corpus BLEU, [...], of summed counts, [..., 10]. An order without n-grams, or no match at all, gives 0."""
    answer_length, reference_length = sums[..., 0], sums[..., 1]
    matches, totals = sums[..., 2 : 2 + _MAX_NGRAM], sums[..., 2 + _MAX_NGRAM :]
    halvings = np.cumsum(matches == 0, axis=-1)
    is_defined = (totals > 0).all(-1) & (matches > 0).any(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precisions = np.where(matches > 0, matches, 0.5**halvings) / totals
        shortness = np.minimum(0.0, 1 - reference_length / answer_length)
        bleu = 100 * np.exp(shortness + np.log(precisions).mean(-1))
    return np.where(is_defined, bleu, 0.0)


def sentence_bleu(answer: str, references: Sequence[str], tokenize: Tokenize = "13a") -> float:
    """Return the BLEU, 0..100, of one item by the orders that its answer is long enough for; it is no part of a corpus' figure.

    Raises:
        ValueError: there are no references.
    """
    return float(_bleu(tokenize, True).sentence_score(answer, _given(references)).score)


def chrf_statistics(answer: str, references: Sequence[str], word_order: int = 0) -> list[float]:
    """Return, for each order of characters (1..6) and then of words, n-grams of the answer, of the best reference, and in common.

    Args:
        answer: the translation.
        references: of which that with the best chrF counts.
        word_order: 0 is chrF, 2 is chrF++.

    Raises:
        ValueError: there are no references.
    """
    return _counts(_chrf(word_order), answer, references)


def chrf_of(sums: F64) -> F64:
    """Return the corpus chrF (chrF++), [...], of summed counts, [..., S]. Orders that one side has no n-gram of are left out; without any it is 0."""
    answers, references, matches = sums[..., 0::3], sums[..., 1::3], sums[..., 2::3]
    is_counted = (answers > 0) & (references > 0)
    num_orders = np.maximum(is_counted.sum(-1), 1)
    precision = np.where(is_counted, matches / np.maximum(answers, 1), 0.0).sum(-1) / num_orders
    recall = np.where(is_counted, matches / np.maximum(references, 1), 0.0).sum(-1) / num_orders
    denominator = _BETA_SQUARED * precision + recall
    return 100 * (1 + _BETA_SQUARED) * precision * recall / np.where(denominator > 0, denominator, 1.0)


def _given(references: Sequence[str]) -> Sequence[str]:
    if not references:
        raise ValueError("a translation without references has no score; give one reference at least")
    return references
