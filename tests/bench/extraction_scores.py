"""How much of an article was found: by the 4-grams of its words, or by segments that must be in it and others that must not.

4-grams are the measure of https://github.com/scrapinghub/article-extraction-benchmark (precision and recall averaged over pages, F1 of the averages);
a character of a script without spaces is a word. Segments are that of https://trafilatura.readthedocs.io/en/latest/evaluation.html (counts over all
pages). Intervals are paired bootstraps over pages.
"""

import random
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from tests.bench.extraction_pages import Segments, Shingles

SAMPLES = 2000
_WORD = re.compile(r"\w+")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


class Score(NamedTuple):
    """What counts for precision (right of found) and for recall (found of wanted) on one page."""

    right: float
    found: float
    reached: float
    wanted: float


class Average(NamedTuple):
    """Precision, recall and F1 over pages."""

    precision: float
    recall: float
    f1: float


def score(truth: str | Segments | Shingles, text: str) -> Score:
    """Return the score of one page: shares of 4-grams, or counts of segments."""
    if isinstance(truth, Segments):
        single = _single_spaced(text)
        reached = sum(_single_spaced(segment) in single for segment in truth.wanted)
        wrong = sum(_single_spaced(segment) in single for segment in truth.unwanted)
        return Score(reached, reached + wrong, reached, len(truth.wanted))
    true, found = truth if isinstance(truth, Counter) else shingles(truth), shingles(text)
    if true == found:
        return Score(1, 1, 1, 1)
    num_right = (true & found).total()
    return Score(num_right / found.total() if found else 0, 1, num_right / true.total() if true else 0, 1)


def _single_spaced(text: str) -> str:
    return unicodedata.normalize("NFC", " ".join(text.split()))


def shingles(text: str, size: int = 4) -> Shingles:
    """Return the bag of word n-grams; a shorter text is one n-gram."""
    words = _WORD.findall(_UNSPACED.sub(r" \g<0> ", text))
    return Counter(tuple(words[start : start + size]) for start in range(max(1, len(words) - size + 1))) if words else Counter()


def average(scores: Sequence[Score]) -> Average:
    """Return precision, recall and F1 over pages."""
    right, found, reached, wanted = (sum(values) for values in zip(*scores, strict=True))
    precision, recall = right / found if found else 0.0, reached / wanted if wanted else 0.0
    return Average(precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0)


def interval(ours: Sequence[Score], peer: Sequence[Score]) -> tuple[float, float]:
    """Return the central 95% of the difference in F1 over samples of pages."""
    dice = random.Random(1)
    differences: list[float] = []
    for _ in range(SAMPLES):
        sample = dice.choices(range(len(ours)), k=len(ours))
        differences.append(average([ours[page] for page in sample]).f1 - average([peer[page] for page in sample]).f1)
    differences.sort()
    return differences[SAMPLES // 40], differences[-SAMPLES // 40]


def difference_without_one(ours: Sequence[Score], peer: Sequence[Score]) -> float:
    """Return the difference in F1 over all pages but the one on which F1 differs most."""
    apart = [abs(average([one]).f1 - average([other]).f1) for one, other in zip(ours, peer, strict=True)]
    most = apart.index(max(apart))
    first, second = ([score for page, score in enumerate(scores) if page != most] for scores in (ours, peer))
    return average(first).f1 - average(second).f1
