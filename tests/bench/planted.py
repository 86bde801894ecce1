"""Documents for the deduplication benchmarks: real texts, and seeded edits of them whose true Jaccard similarity is computed from the words.

Real texts are those beside the checkout (../shared/data): books and plays cut into documents of about 3,000 characters.
"""

import multiprocessing
import os
import resource
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tests.locations import SHARED_DATA

DATA = SHARED_DATA
DOCUMENT_CHARS = 3000
NGRAM = 5


class Planted(NamedTuple):
    """Texts: N originals, then N edits of them, text N + i of text i, with the true similarity of each pair."""

    texts: list[str]
    similarities: list[float]

    @property
    def size_mb(self) -> float:
        """Size of all texts in MB of UTF-8."""
        return sum(len(text.encode()) for text in self.texts) / 1e6


def real_texts() -> list[str]:
    """Return the real documents."""
    paths = sorted([*(DATA / "books-sotu-moby").rglob("*.txt"), *(DATA / "tinyshakespeare").rglob("*.txt")])
    if not paths:
        raise SystemExit(f"no real texts below {DATA}")
    texts: list[str] = []
    for path in paths:
        whole = path.read_text("utf-8", errors="replace")
        texts += [whole[start : start + DOCUMENT_CHARS] for start in range(0, len(whole) - DOCUMENT_CHARS, DOCUMENT_CHARS)]
    return texts


def shingles(text: str) -> set[tuple[str, ...]]:
    """Return the runs of five words of a text, normalised as deduplication does."""
    import polars as pl

    from kernels.curation.text.shingles import normalise

    words = normalise(pl.Series([text]))[0].split()
    return {tuple(words[start : start + NGRAM]) for start in range(max(1, len(words) - NGRAM + 1))}


def planted(seed: int) -> Planted:
    """Return real documents and an edit of each, its words replaced one by one, for similarities of .5 to 1."""
    originals = real_texts()
    random = np.random.default_rng(seed)
    edits: list[str] = []
    similarities: list[float] = []
    for number, text in enumerate(originals):
        words = text.split(" ")
        # A replaced word spoils five shingles of each side: the share s of spoilt ones gives (1 - s) / (1 + s).
        aim = random.uniform(0.5, 1)
        num_edits = int((1 - aim) / (1 + aim) * len(words) / NGRAM)
        for place in random.choice(len(words), num_edits, replace=False):
            words[place] = f"edit{number}x{place}"
        edits.append(" ".join(words))
        before, after = shingles(text), shingles(edits[-1])
        similarities.append(len(before & after) / len(before | after))
    return Planted(originals + edits, similarities)


def peer_signatures(folder: str, config: Any) -> Any:
    """Return datatrove's signature stage; its default hash is given bytes, as the installed xxhash no longer takes strings."""
    import xxhash
    from datatrove.pipeline.dedup import MinhashDedupSignature

    stage = MinhashDedupSignature(folder, config)
    stage._hash_func = lambda text: xxhash.xxh64_intdigest(text.encode())  # pyright: ignore[reportPrivateUsage]
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
