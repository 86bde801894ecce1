"""Whole deduplication, exact and MinHash. The peer is datatrove's four stages, one task each, in process, over the same documents.

Run by ``make bench NAME=dedup``. The corpus is planted: real documents, then an edit of each whose true Jaccard similarity of five-word
shingles is known. Recall is the share of pairs of .8 and above whose edit was dropped. Precision is the share of dropped documents that
are edits whose true similarity is at least the threshold of 0.7 less two standard errors of an estimate from 112 hashes (.087).
The last table adds one partition to 50 and sets its time against a run over all 51 anew.
"""

import json
import math
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from tests.bench.planted import Planted, on_one_core, peer_signatures, planted

MIN_SIMILARITY = 0.7
NUM_HASHES = 112
TOLERANCE = 2 * math.sqrt(MIN_SIMILARITY * (1 - MIN_SIMILARITY) / NUM_HASHES)
REPEATS = 3
NUM_PARTITIONS, PARTITION_DOCUMENTS, DOCUMENT_WORDS = 50, 1000, 250
NUM_TEMPLATE_DOCUMENTS = 100_000


class Run(NamedTuple):
    """Seconds taken, and the numbers of the documents dropped."""

    seconds: float
    dropped: list[int]


def _table(texts: list[str]) -> pa.Table:
    from kernels.documents.schema import document_table
    from kernels.specs.sources import Document

    return document_table("bench", "texts", (Document(key=str(number), text=text) for number, text in enumerate(texts)))


def _config() -> Any:
    from kernels.curation.deduplication.matching import DedupConfig
    from kernels.curation.deduplication.minhash import MinHashConfig

    return DedupConfig(minhash=MinHashConfig(seed=1), min_similarity=MIN_SIMILARITY)


def _run(table: pa.Table, earlier: list[Path], folder: Path) -> pa.Table:
    """Index a partition and take out its duplicates."""
    from kernels.curation.deduplication.chains import deduplicate
    from kernels.curation.deduplication.matching import find_duplicates, write_index

    folder.mkdir()
    write_index(table, _config(), folder)
    duplicates = find_duplicates(folder, earlier, _config())
    deduplicate(table, duplicates)
    return duplicates


def ours(texts: list[str]) -> Run:
    """Return a run of ours."""
    table = _table(texts)
    seconds: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        duplicates = _run(table.slice(0, 2), [], Path(name) / "warm")
        for repeat in range(REPEATS):
            started = time.perf_counter()
            duplicates = _run(table, [], Path(name) / str(repeat))
            seconds.append(time.perf_counter() - started)
    return Run(min(seconds), [int(str(key).split("#")[1]) for key in duplicates["id"].to_pylist()])


def peer(texts: list[str]) -> Run:
    """Return a run of datatrove's signatures, buckets, cluster and filter."""
    from datatrove.data import Document
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.utils.logging import logger

    logger.remove()
    config = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8)
    documents = [Document(text=text, id=str(number)) for number, text in enumerate(texts)]
    with tempfile.TemporaryDirectory() as folder:
        peer_signatures(folder + "/warm", config).run(iter(documents[:1]))
        started = time.perf_counter()
        peer_signatures(folder + "/signatures", config).run(iter(documents))
        for bucket in range(config.num_buckets):
            MinhashDedupBuckets(folder + "/signatures", folder + "/buckets", config=config).run(None, bucket, config.num_buckets)
        MinhashDedupCluster(folder + "/buckets", folder + "/removed", config=config).run()
        kept = {document.id for document in MinhashDedupFilter(folder + "/removed").run(iter(documents))}
        seconds = time.perf_counter() - started
    return Run(seconds, [number for number in range(len(texts)) if str(number) not in kept])


def quality(run: Run, corpus: Planted) -> tuple[float, float]:
    """Return recall and precision; either document of a pair may be the one dropped, as the peer keeps any one of a cluster."""
    num_pairs = len(corpus.similarities)
    dropped = {number % num_pairs for number in run.dropped}
    alike = {pair for pair, similarity in enumerate(corpus.similarities) if similarity >= 0.8}
    right = [number for number in run.dropped if corpus.similarities[number % num_pairs] >= MIN_SIMILARITY - TOLERANCE]
    return len(dropped & alike) / len(alike), len(right) / max(1, len(run.dropped))


def incremental() -> tuple[float, float]:
    """Return seconds for one partition added to 50, and for all 51 anew as one."""
    random = np.random.default_rng(1)
    count = (NUM_PARTITIONS + 1) * PARTITION_DOCUMENTS
    texts = [" ".join(f"w{word}" for word in random.integers(0, 50_000, DOCUMENT_WORDS).tolist()) for _ in range(count)]
    for number in range(count // 10):  # a tenth are copies of others, anywhere
        texts[random.integers(count)] = texts[number]
    table = _table(texts)
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / str(number) for number in range(NUM_PARTITIONS)]
        for number, folder in enumerate(folders):
            _run(table.slice(number * PARTITION_DOCUMENTS, PARTITION_DOCUMENTS), folders[:number], folder)
        started = time.perf_counter()
        added = _run(table.slice(NUM_PARTITIONS * PARTITION_DOCUMENTS), folders, Path(name) / "added")
        middle = time.perf_counter()
        whole = _run(table, [], Path(name) / "whole")
        ended = time.perf_counter()
    assert whole["id"].to_pylist()[-added.num_rows :] == added["id"].to_pylist()
    return middle - started, ended - middle


def template_mass() -> float:
    """Return seconds for 100,000 documents that fill one template each in another way: alike, but most below the threshold."""
    random = np.random.default_rng(1)
    template = " ".join(f"t{word}" for word in range(40))
    fillings = random.integers(0, 1 << 40, (NUM_TEMPLATE_DOCUMENTS, 10)).tolist()
    table = _table([template + " " + " ".join(f"f{word}" for word in words) for words in fillings])
    with tempfile.TemporaryDirectory() as name:
        started = time.perf_counter()
        _run(table, [], Path(name) / "all")
        return time.perf_counter() - started


def main() -> None:
    """Time both, print speed and quality, then the incremental proof."""
    corpus = planted(seed=1)
    our_run, our_peak = on_one_core(ours, corpus.texts)
    peer_run, peer_peak = on_one_core(peer, corpus.texts)
    print(f"{len(corpus.texts)} documents, {corpus.size_mb:.1f} MB, one core")
    print(f"{'':12}{'MB/s':>10}{'peak MB':>10}{'recall':>10}{'precision':>10}")
    for name, run, peak in [("modelmill", our_run, our_peak), ("datatrove", peer_run, peer_peak)]:
        recall, precision = quality(run, corpus)
        print(f"{name:12}{corpus.size_mb / run.seconds:>10.2f}{peak:>10.0f}{recall:>10.3f}{precision:>10.3f}")
    (added, whole), _ = on_one_core(incremental)
    print(f"one partition of {PARTITION_DOCUMENTS} documents added to {NUM_PARTITIONS}: {added:.2f} s; all anew: {whole:.2f} s")
    mass, mass_peak = on_one_core(template_mass)
    print(f"{NUM_TEMPLATE_DOCUMENTS} documents of one template: {mass:.1f} s, peak {mass_peak:.0f} MB")
    recall, precision = quality(our_run, corpus)
    figures = {
        "name": "dedup",
        "ours": round(corpus.size_mb / our_run.seconds, 2),
        "peer": round(corpus.size_mb / peer_run.seconds, 2),
        "ratio": round(peer_run.seconds / our_run.seconds, 1),
        "unit": "MB/s",
        "peak_mb": round(our_peak),
        "recall": round(recall, 4),
        "precision": round(precision, 4),
        "incremental_s": round(added, 3),
        "anew_s": round(whole, 3),
        "template_mass_s": round(mass, 2),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
