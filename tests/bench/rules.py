"""Speed of the rule filters, fused: Gopher repetition, Gopher quality, C4 and FineWeb on the same words, against datatrove's four.

Run by ``make bench NAME=rules``; both on one core, on whole articles, encyclopedia passages and books. Ours is timed as a process meets a
corpus first (no word remembered; code compiled before) and once more with its memory filled. datatrove takes minutes, so that it is given
each ``PEER_STEP``-th document.
"""

import json
import resource
import sys
import time
from typing import Any

import polars as pl

from kernels.curation.filtering.batch import TextBatch
from kernels.curation.text.string_buffers import batches
from tests.bench.parity import Pair, pairs
from tests.locations import SHARED_DATA
from tests.real_documents import prose

PEER_STEP = 4


def run_ours(texts: pl.Series, chosen: list[Pair]) -> dict[str, float]:
    """Return seconds by part; each batch's words are split once for all filters."""
    seconds = dict.fromkeys(["words", *(pair.spec.name for pair in chosen)], 0.0)

    def timed(name: str, work: Any) -> None:
        started = time.perf_counter()
        work()
        seconds[name] += time.perf_counter() - started

    for start, end in batches(texts):
        batch = TextBatch(texts[start:end])
        timed("words", lambda batch=batch: batch.words)
        for pair in chosen:
            timed(pair.spec.name, lambda pair=pair, batch=batch: pair.spec.apply(batch, pair.config))
    return seconds


def run_theirs(texts: list[str], chosen: list[Pair]) -> dict[str, float]:
    """Return seconds by filter."""
    from datatrove.data import Document

    seconds: dict[str, float] = {}
    for pair in chosen:
        pair.theirs.filter(Document(text=texts[0], id="x"))
        started = time.perf_counter()
        for text in texts:
            pair.theirs.filter(Document(text=text, id="x"))
        seconds[pair.spec.name] = time.perf_counter() - started
    return seconds


def main() -> None:
    """Time both and print a table."""
    shared = SHARED_DATA
    if not shared.is_dir():
        sys.exit(f"no real data at {shared}: the benchmark needs it")
    documents = prose(shared)
    repetition, quality, strict, _, fineweb = pairs()
    chosen = [repetition, quality, strict, fineweb]
    texts = pl.Series(documents)
    size_mb = texts.str.len_bytes().sum() / 1e6
    run_ours(pl.Series(["A first text compiles the loops. " * 30]), chosen)
    first, again = run_ours(texts, chosen), run_ours(texts, chosen)
    sample = documents[::PEER_STEP]
    sample_mb = sum(len(text.encode()) for text in sample) / 1e6
    theirs = run_theirs(sample, chosen)
    print(f"{len(documents)} documents, {size_mb:.2f} MB; datatrove on {len(sample)} of them, {sample_mb:.2f} MB; MB/s")
    print(f"{'':20s}{'first':>9s}{'again':>9s}{'datatrove':>11s}")
    for name in first:
        peer = f"{sample_mb / theirs[name]:11.2f}" if name in theirs else f"{'(in each)':>11s}"
        print(f"{name:20s}{size_mb / first[name]:9.1f}{size_mb / again[name]:9.1f}{peer}")
    ours_first, ours, peer = size_mb / sum(first.values()), size_mb / sum(again.values()), sample_mb / sum(theirs.values())
    print(f"{'all':20s}{ours_first:9.1f}{ours:9.1f}{peer:11.3f}   ratios {ours_first / peer:.0f} and {ours / peer:.0f}")
    result = {"name": "rules", "ours": round(ours, 1), "ours_first": round(ours_first, 1), "peer": round(peer, 3), "ratio": round(ours / peer, 1)}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({**result, "ratio_first": round(ours_first / peer, 1), "unit": "MB/s", "peak_mb": peak}))


if __name__ == "__main__":
    main()
