"""DROP's exact match and F1: answers of one span or several, whose numbers must agree (Dua et al. 2019, arXiv 1903.00161, section 5).

Tokens are parted at spaces and hyphens, lowered, without articles and punctuation (a number keeps its own), and a number is written as a float.
Spans are bags of tokens; each of the answer's is matched to one of the reference's at most, so that the sum of F1 is the greatest.
"""

import re
import string
from collections.abc import Sequence, Set
from typing import Any, NamedTuple, cast

import numpy as np

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


class DropScore(NamedTuple):
    """Of one item, each 0..1."""

    exact_match: float
    f1: float


def drop_scores(answer: Sequence[str], references: Sequence[Sequence[str]]) -> DropScore:
    """Return the best exact match and the best F1 of an answer over what annotators gave.

    Args:
        answer: its spans; a number or a date is one span.
        references: the spans of each annotator's answer.

    Raises:
        ValueError: there are no references.
    """
    if not references:
        raise ValueError("an item without references has no score; give each annotator's spans")
    scores = [_score(answer, reference) for reference in references]
    return DropScore(max(score.exact_match for score in scores), max(score.f1 for score in scores))


def normalise(text: str) -> str:
    """Return a span as it is compared: its normalised tokens between single spaces."""
    parts = (" ".join(_ARTICLES.sub(" ", _plain(token.lower())).split()) for token in re.split(" |-", text))
    return " ".join(part for part in parts if part)


def _plain(token: str) -> str:
    """Return a number as a float is written, whatever punctuation it was written with, and another token without punctuation."""
    bare = token if _is_number(token) else token.translate(_PUNCTUATION)
    return str(float(bare)) if _is_number(bare) else bare


def _is_number(token: str) -> bool:
    try:
        float(token)
    except ValueError:
        return False
    return True


def _score(answer: Sequence[str], reference: Sequence[str]) -> DropScore:
    """Return the scores against one annotator: the mean F1 of aligned spans, 0 for one without a partner, rounded to 2 digits as officially."""
    given, wanted = [normalise(span) for span in answer], [normalise(span) for span in reference]
    is_exact = set(given) == set(wanted) and len(given) == len(wanted)
    longest = max(len(given), len(wanted))
    if not given or not wanted:
        return DropScore(float(is_exact), float(is_exact))
    return DropScore(float(is_exact), round(_aligned(given, wanted) / longest, 2))


def _aligned(given: Sequence[str], wanted: Sequence[str]) -> float:
    """Return the greatest sum of F1 over one-to-one alignments of normalised spans."""
    from scipy.optimize import linear_sum_assignment  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

    answers, references = [set(span.split()) for span in given], [set(span.split()) for span in wanted]
    f1_WG = np.array([[_f1(bag, reference) for bag in answers] for reference in references])
    rows, columns = cast(Any, linear_sum_assignment)(f1_WG, maximize=True)
    return float(f1_WG[rows, columns].sum())


def _f1(answer: Set[str], reference: Set[str]) -> float:
    """Return the F1 of two bags, in which a token counts once; 0 where the reference has numbers and the answer none of them."""
    numbers = {token for token in reference if _is_number(token)}
    if numbers and not numbers & answer:
        return 0.0
    num_common = len(answer & reference)
    precision = num_common / len(answer) if answer else 1.0
    recall = num_common / len(reference) if reference else 1.0
    return 2 * precision * recall / (precision + recall) if num_common or not (answer or reference) else 0.0
