"""Speed of the rule filters, fused: Gopher repetition, Gopher quality, C4 and FineWeb on the same words, against datatrove's four.

Run by ``make bench NAME=rules``; both on one core, on news, encyclopedia passages and books (`tests.bench.texts.prose`), in CPU seconds, the least
of as many runs. Ours is timed as a process meets a corpus first (no word remembered, a fresh process each time; code compiled before) and once
more with its memory filled. datatrove's filters run as they come, with spaCy's words, since only so do both decide alike
(``make bench NAME=parity``); they take minutes, so that they are given each ``PEER_STEP``-th document.
"""

import json
import time
from typing import Any

import polars as pl

from kernels.curation.filtering.batch import TextBatch
from kernels.curation.text.string_buffers import batches
from tests.bench.measuring import REPEATS
from tests.bench.parity import Pair, pairs
from tests.bench.planted import on_one_core
from tests.bench.texts import prose

PEER_STEP = 12


def run_ours(texts: pl.Series, chosen: list[Pair]) -> dict[str, float]:
    """Return CPU seconds by part; each batch's words are split once for all filters."""
    seconds = dict.fromkeys(["words", *(pair.spec.name for pair in chosen)], 0.0)

    def timed(name: str, work: Any) -> None:
        started = time.process_time()
        work()
        seconds[name] += time.process_time() - started

    for start, end in batches(texts):
        batch = TextBatch(texts[start:end])
        timed("words", lambda batch=batch: batch.words)
        for pair in chosen:
            timed(pair.spec.name, lambda pair=pair, batch=batch: pair.spec.apply(batch, pair.config))
    return seconds


def run_theirs(texts: list[str], chosen: list[Pair]) -> dict[str, float]:
    """Return CPU seconds by filter."""
    from datatrove.data import Document

    seconds: dict[str, float] = {}
    for pair in chosen:
        pair.theirs.filter(Document(text=texts[0], id="x"))
        started = time.process_time()
        for text in texts:
            pair.theirs.filter(Document(text=text, id="x"))
        seconds[pair.spec.name] = time.process_time() - started
    return seconds


def chosen_pairs() -> list[Pair]:
    """Return the four filters that are timed."""
    repetition, quality, strict, _, fineweb = pairs()
    return [repetition, quality, strict, fineweb]


def ours(documents: list[str]) -> tuple[dict[str, float], dict[str, float]]:
    """Return what a fresh process takes, and once more."""
    chosen, texts = chosen_pairs(), pl.Series(documents)
    run_ours(pl.Series(["A first text compiles the loops. " * 30]), chosen)
    return run_ours(texts, chosen), run_ours(texts, chosen)


def theirs(documents: list[str]) -> dict[str, float]:
    """Return the least of some runs."""
    chosen = chosen_pairs()
    return min((run_theirs(documents, chosen) for _ in range(REPEATS)), key=lambda seconds: sum(seconds.values()))


def main() -> None:
    """Time both and print a table."""
    documents = prose()
    sample = documents[::PEER_STEP]
    size_mb, sample_mb = (sum(len(text.encode()) for text in texts) / 1e6 for texts in (documents, sample))
    runs = [on_one_core(ours, documents) for _ in range(REPEATS)]
    first, again = (min((run[which] for run, _ in runs), key=lambda seconds: sum(seconds.values())) for which in (0, 1))
    peer_seconds, _ = on_one_core(theirs, sample)
    print(f"{len(documents)} documents, {size_mb:.2f} MB; datatrove on {len(sample)} of them, {sample_mb:.2f} MB; MB a CPU second")
    print(f"{'':20s}{'first':>9s}{'again':>9s}{'datatrove':>11s}")
    for name in first:
        peer = f"{sample_mb / peer_seconds[name]:11.2f}" if name in peer_seconds else f"{'(in each)':>11s}"
        print(f"{name:20s}{size_mb / first[name]:9.1f}{size_mb / again[name]:9.1f}{peer}")
    ours_first, ours_again, peer = size_mb / sum(first.values()), size_mb / sum(again.values()), sample_mb / sum(peer_seconds.values())
    print(f"{'all':20s}{ours_first:9.1f}{ours_again:9.1f}{peer:11.3f}   ratios {ours_first / peer:.0f} and {ours_again / peer:.0f}")
    figures = {
        "name": "rules", "ours": round(ours_again, 1), "ours_first": round(ours_first, 1), "peer": round(peer, 3),
        "ratio": round(ours_again / peer, 1), "ratio_first": round(ours_first / peer, 1), "unit": "MB per CPU second",
        "peak_mb": round(max(peak for _, peak in runs)),
    }  # fmt: skip
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
