"""Whole deduplication, exact and MinHash, as the shipped recipes ask it: everything of a Jaccard similarity of .8 and above goes.

Run by ``make bench NAME=dedup``. The corpus is planted: real documents, then an edit of each whose exact Jaccard similarity of five-word
shingles is computed apart (`tests.bench.planted`). Recall is the share of pairs of .8 and above of which one document was dropped, also
of those below .85 alone, which are the hard ones. Precision is the share of dropped documents whose pair is of .8 and above: by words, while
deduplication also counts signs, such as brackets, as words. Both sides' figures are on a part of the corpus, ours once more on all of it.

The peer is datatrove's four stages, one task each, in process, over the same documents and as often, with words by a regular expression and
with spaCy's, which are its default. It drops whatever shares a band of 14 x 8 hashes and compares no more. The last table adds one partition to
50 and sets its time against a run over all 51 anew. One core; CPU seconds.
"""

import json
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from tests.bench.measuring import Took, least, took
from tests.bench.planted import Planted, on_one_core, peer_signatures, planted

MIN_SIMILARITY = 0.8
HARD = 0.85
NUM_PARTITIONS, PARTITION_DOCUMENTS, DOCUMENT_WORDS = 50, 1000, 250
NUM_TEMPLATE_DOCUMENTS = 20_000
MAX_ORIGINALS = 1_000_000


class Run(NamedTuple):
    """What a run took, the numbers of the documents dropped, and MB of index it left on disk."""

    took: Took
    dropped: list[int]
    index_mb: float


class Quality(NamedTuple):
    """Recall, recall of the hard pairs, precision, and the least similarity of a pair of which one was dropped."""

    recall: float
    hard_recall: float
    precision: float
    least_dropped: float


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
    found: list[pa.Table] = []
    with tempfile.TemporaryDirectory() as name:
        _run(table.slice(0, 2), [], Path(name) / "warm")
        seconds = least(lambda number: found.append(_run(table, [], Path(name) / str(number))))
        size = sum(path.stat().st_size for path in (Path(name) / "0").iterdir())
    return Run(seconds, [int(str(key).split("#")[1]) for key in found[-1]["id"].to_pylist()], size / 1e6)


def _peer(texts: list[str], *, regular_words: bool) -> Run:
    """Return a run of datatrove's signatures, buckets, cluster and filter."""
    from datatrove.data import Document
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.utils.logging import logger

    logger.remove()
    config = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8)
    documents = [Document(text=text, id=str(number)) for number, text in enumerate(texts)]
    kept: set[str] = set()
    with tempfile.TemporaryDirectory() as name:

        def run(number: int) -> None:
            folder = f"{name}/{number}"
            peer_signatures(folder + "/signatures", config, regular_words=regular_words).run(iter(documents))
            for bucket in range(config.num_buckets):
                MinhashDedupBuckets(folder + "/signatures", folder + "/buckets", config=config).run(None, bucket, config.num_buckets)
            MinhashDedupCluster(folder + "/buckets", folder + "/removed", config=config).run()
            kept.update(document.id for document in MinhashDedupFilter(folder + "/removed").run(iter(documents)))

        peer_signatures(name + "/warm", config, regular_words=regular_words).run(iter(documents[:1]))
        seconds = least(run)
    return Run(seconds, [number for number in range(len(texts)) if str(number) not in kept], 0.0)


def peer(texts: list[str]) -> Run:
    """Return a run of datatrove with words by a regular expression."""
    return _peer(texts, regular_words=True)


def peer_spacy(texts: list[str]) -> Run:
    """Return a run of datatrove as it comes."""
    return _peer(texts, regular_words=False)


def quality(run: Run, corpus: Planted) -> Quality:
    """Return how right a run was; either document of a pair may be the one dropped, as the peer keeps any one of a cluster."""
    num_pairs = len(corpus.similarities)
    dropped = {number % num_pairs for number in run.dropped}
    alike = {pair for pair, similarity in enumerate(corpus.similarities) if similarity >= MIN_SIMILARITY}
    hard = {pair for pair in alike if corpus.similarities[pair] < HARD}
    right = [number for number in run.dropped if number % num_pairs in alike]
    least_dropped = min((corpus.similarities[number % num_pairs] for number in run.dropped), default=1.0)
    return Quality(len(dropped & alike) / len(alike), len(dropped & hard) / len(hard), len(right) / max(1, len(run.dropped)), least_dropped)


def incremental() -> tuple[float, float]:
    """Return CPU seconds for one partition added to 50, and for all 51 anew as one."""
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
        found: list[pa.Table] = []
        added = took(lambda: found.append(_run(table.slice(NUM_PARTITIONS * PARTITION_DOCUMENTS), folders, Path(name) / "added")))
        whole = took(lambda: found.append(_run(table, [], Path(name) / "whole")))
    assert found[1]["id"].to_pylist()[-found[0].num_rows :] == found[0]["id"].to_pylist()
    return added.cpu_seconds, whole.cpu_seconds


def template_mass() -> float:
    """Return CPU seconds for documents that fill one template each in another way: alike, but most below the threshold."""
    random = np.random.default_rng(1)
    template = " ".join(f"t{word}" for word in range(40))
    fillings = random.integers(0, 1 << 40, (NUM_TEMPLATE_DOCUMENTS, 10)).tolist()
    table = _table([template + " " + " ".join(f"f{word}" for word in words) for words in fillings])
    with tempfile.TemporaryDirectory() as name:
        return took(lambda: _run(table, [], Path(name) / "all")).cpu_seconds


def main() -> None:
    """Time all, print speed and quality, then the incremental proof."""
    corpus = planted(seed=1)
    num_alike, num_hard = (sum(MIN_SIMILARITY <= similarity < limit for similarity in corpus.similarities) for limit in (2, HARD))
    print(f"{len(corpus.texts)} documents, {corpus.size_mb:.1f} MB, {num_alike} pairs of .8 and above, {num_hard} of them below .85; one core")
    print(f"{'':18}{'MB/CPU s':>10}{'MB/s':>8}{'peak MB':>9}{'recall':>8}{'hard':>7}{'precision':>11}")
    runs: dict[str, tuple[Run, float]] = {}
    for name, measure in (("modelmill", ours), ("datatrove", peer), ("datatrove, spaCy", peer_spacy)):
        run, peak = runs[name] = on_one_core(measure, corpus.texts)
        found, speeds = quality(run, corpus), [corpus.size_mb / seconds for seconds in run.took]
        print(
            f"{name:18}{speeds[0]:>10.2f}{speeds[1]:>8.2f}{peak:>9.0f}{found.recall:>8.4f}{found.hard_recall:>7.3f}{found.precision:>11.4f}",
            flush=True,
        )
    (added, whole), _ = on_one_core(incremental)
    print(f"one partition of {PARTITION_DOCUMENTS} documents added to {NUM_PARTITIONS}: {added:.2f} CPU s; all anew: {whole:.2f} s")
    mass, mass_peak = on_one_core(template_mass)
    print(f"{NUM_TEMPLATE_DOCUMENTS} documents of one template: {mass:.1f} CPU s, peak {mass_peak:.0f} MB")
    (our_run, our_peak), (peer_run, _), (spacy_run, _) = runs.values()
    our_seconds, peer_seconds = our_run.took.cpu_seconds, peer_run.took.cpu_seconds
    theirs, large = quality(peer_run, corpus), planted(seed=2, num_originals=MAX_ORIGINALS)
    found = quality(on_one_core(ours, large.texts)[0], large)
    print(
        f"ours on {len(large.similarities)} pairs, {sum(similarity >= MIN_SIMILARITY for similarity in large.similarities)} of .8 and above: {found}"
    )
    figures = {
        "name": "dedup", "ours": round(corpus.size_mb / our_seconds, 2), "peer": round(corpus.size_mb / peer_seconds, 2),
        "ratio": round(peer_seconds / our_seconds, 1), "unit": "MB per CPU second", "peak_mb": round(our_peak),
        "ratio_spacy": round(spacy_run.took.cpu_seconds / our_seconds, 1), **{key: round(value, 4) for key, value in found._asdict().items()},
        "peer_recall": round(theirs.recall, 4), "peer_precision": round(theirs.precision, 4),
        "index_bytes_per_text_byte": round(our_run.index_mb / corpus.size_mb, 3),
        "incremental_s": round(added, 3), "anew_s": round(whole, 3), "template_mass_s": round(mass, 2),
    }  # fmt: skip
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
