"""Scorers of what was written: exact match, words in common, and what corpora of answers and references have in common."""

from collections.abc import Callable
from typing import Any

from kernels.evals.datasets.items import Item
from kernels.evals.metrics.answers import exact_match, token_f1
from kernels.evals.metrics.summaries import rouge
from kernels.evals.metrics.translation import bleu_statistics, chrf_statistics
from kernels.evals.scorers.scorer import Scorer, each
from kernels.evals.solvers.writing import Written


def by_answer(score: Callable[[str, Item], Any]) -> Callable[[Item, Written], Any]:
    """Return a score of an item and the answer that was read out; where none could be, it is empty."""
    return lambda item, written: score(written.answer or "", item)


def _language(item: Item) -> str:
    """Return the language of an item: English where it names none."""
    return str(item.fields.get("language", "en"))


EXACT_MATCH = Scorer(
    metric="exact_match", values=each(by_answer(lambda answer, item: exact_match(answer, item.references, _language(item)))), by_group=True
)
"""SQuAD's: an answer that equals a reference but for articles, punctuation and case (Rajpurkar et al. 2016, arXiv 1606.05250)."""
F1 = Scorer(metric="f1", values=each(by_answer(lambda answer, item: token_f1(answer, item.references, _language(item)))), by_group=True)
"""SQuAD's: words that answer and reference have in common."""
EQUAL = Scorer(metric="equal", values=each(by_answer(lambda answer, item: float(answer in item.references))), by_group=True)
"""An answer that is one of the references to the letter."""
BLEU = Scorer(metric="bleu", values=each(by_answer(lambda answer, item: bleu_statistics(answer, item.references))), statistic="bleu")
"""Of the corpus, 0 to 100 (Papineni et al. 2002; sacrebleu's, Post 2018, arXiv 1804.08771)."""
CHRF = Scorer(metric="chrf", values=each(by_answer(lambda answer, item: chrf_statistics(answer, item.references))), statistic="chrf")
"""Of the corpus, 0 to 100 (Popovic 2015)."""
ROUGE_L = Scorer(metric="rouge_l", values=each(by_answer(lambda answer, item: rouge(answer, item.references).rouge_l)))
"""F of the longest common subsequence (Lin 2004)."""
ROUGE_1 = Scorer(metric="rouge_1", values=each(by_answer(lambda answer, item: rouge(answer, item.references).rouge_1)))
ROUGE_2 = Scorer(metric="rouge_2", values=each(by_answer(lambda answer, item: rouge(answer, item.references).rouge_2)))
