"""Documents for the deduplication benchmarks: real texts, and seeded edits of them whose true Jaccard similarity is computed from the words.

Real texts are pieces of books of about 3,000 characters (`tests.bench.texts`). True similarities are those of sets of runs of five words,
lower case, white space and punctuation aside, made here in plain Python: nothing of the code that is measured has a part in them.
"""

import multiprocessing
import os
import re
import resource
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tests.bench import texts as real

NGRAM = 5
NUM_ORIGINALS = 700
_WORD = re.compile(r"[^\W_]+")


class Planted(NamedTuple):
    """Texts: N originals, then N edits of them, text N + i of text i, with the true similarity of each pair."""

    texts: list[str]
    similarities: list[float]

    @property
    def size_mb(self) -> float:
        """Size of all texts in MB of UTF-8."""
        return sum(len(text.encode()) for text in self.texts) / 1e6


def shingles(text: str) -> set[tuple[str, ...]]:
    """Return the runs of five words of a text."""
    words = _WORD.findall(text.lower())
    return {tuple(words[start : start + NGRAM]) for start in range(max(1, len(words) - NGRAM + 1))}


def similarity(left: str, right: str) -> float:
    """Return the exact Jaccard similarity of two texts' runs of words."""
    one, other = shingles(left), shingles(right)
    return len(one & other) / len(one | other)


def planted(seed: int, num_originals: int = NUM_ORIGINALS) -> Planted:
    """Return real documents and an edit of each, its words replaced one by one, for similarities of .5 to 1."""
    originals = real.pieces(num_originals)
    random = np.random.default_rng(seed)
    edits: list[str] = []
    for number, text in enumerate(originals):
        words = text.split(" ")
        # A replaced word spoils five shingles of each side: the share s of spoilt ones gives (1 - s) / (1 + s).
        aim = random.uniform(0.5, 1)
        num_edits = int((1 - aim) / (1 + aim) * len(words) / NGRAM)
        for place in random.choice(len(words), num_edits, replace=False):
            words[place] = f"edit{number}x{place}"
        edits.append(" ".join(words))
    return Planted(originals + edits, [similarity(*pair) for pair in zip(originals, edits, strict=True)])


class RegularWords:
    """A word tokenizer for datatrove that splits by a regular expression, as its users may set one, instead of by spaCy."""

    def word_tokenize(self, text: str) -> list[str]:
        """Return the words."""
        return _WORD.findall(text)


def peer_signatures(folder: str, config: Any, *, regular_words: bool) -> Any:
    """Return datatrove's signature stage; its default hash is given bytes, as the installed xxhash no longer takes strings."""
    import xxhash
    from datatrove.pipeline.dedup import MinhashDedupSignature

    stage = MinhashDedupSignature(folder, config)
    stage._hash_func = lambda text: xxhash.xxh64_intdigest(text.encode())  # pyright: ignore[reportPrivateUsage]
    if regular_words:
        stage.word_tokenizer = RegularWords()  # pyright: ignore[reportAttributeAccessIssue]
    return stage


def on_one_core(measure: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """Return what a function returns in a fresh process tied to one core, and that process's peak memory in MB."""
    with multiprocessing.get_context("spawn").Pool(1, initializer=_tie) as pool:
        return pool.apply(_measured, (measure, arguments))


def _tie() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def _measured(measure: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, float]:
    result = measure(*arguments)
    return result, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
