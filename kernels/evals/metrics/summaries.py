"""ROUGE of summaries (Lin 2004, ACL W04-1013), as the library rouge-score counts, which follows ROUGE-1.5.5.

Words are runs of ASCII letters and digits: a text in another script has none, and its score is 0. Sentences, which Lsum takes apart, are lines.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple, cast

_TYPES = ("rouge1", "rouge2", "rougeL", "rougeLsum")


class Rouge(NamedTuple):
    """F1 of one item, each 0..1, and each of the reference that suits it best."""

    rouge_1: float
    """Of words."""
    rouge_2: float
    """Of pairs of words."""
    rouge_l: float
    """Of the longest common subsequence of the whole."""
    rouge_lsum: float
    """Of the union of those of every line with the other text's lines."""


@cache
def _scorer(stem: bool) -> Any:
    # Here, since it loads NLTK, which takes a second and a half.
    from rouge_score import rouge_scorer  # pyright: ignore[reportMissingTypeStubs]

    return cast(Any, rouge_scorer).RougeScorer(_TYPES, use_stemmer=stem)


def rouge(summary: str, references: Sequence[str], stem: bool = True) -> Rouge:
    """Return the ROUGE of a summary against its references.

    Args:
        summary: one sentence a line, for Lsum.
        references: in the same form.
        stem: whether words of four letters and more are compared by their stems (Porter's, English), as ROUGE-1.5.5 does with ``-m``.

    Raises:
        ValueError: there are no references.
    """
    if not references:
        raise ValueError("a summary without references has no score; give one reference at least")
    scores = _scorer(stem).score_multi(list(references), summary)
    return Rouge(*(float(scores[name].fmeasure) for name in _TYPES))
