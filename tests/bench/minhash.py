"""How fast documents are signed: MinHash signatures, sorted on disk. The peer is datatrove's MinhashDedupSignature, same shape, same documents.

Run by ``make bench NAME=minhash``. Both sides run in a process of their own on one core; ours writes its whole index (exact hashes,
bands, signatures), the peer its sorted buckets. Compilation and the loading of spaCy are done before the clock starts.
"""

import json
import tempfile
import time
from pathlib import Path

from tests.bench.planted import on_one_core, peer_signatures, planted

REPEATS = 3


def ours(texts: list[str]) -> float:
    """Return seconds for the index of all texts."""
    from kernels.curation.deduplication.matching import DedupConfig, write_index
    from kernels.curation.deduplication.minhash import MinHashConfig
    from kernels.documents.schema import document_table
    from kernels.specs.sources import Document

    config = DedupConfig(minhash=MinHashConfig(seed=1), min_similarity=0.7)
    table = document_table("bench", "texts", (Document(key=str(number), text=text) for number, text in enumerate(texts)))
    seconds: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        write_index(table.slice(0, 1), config, Path(folder))
        for repeat in range(REPEATS):
            own = Path(folder) / str(repeat)
            own.mkdir()
            started = time.perf_counter()
            write_index(table, config, own)
            seconds.append(time.perf_counter() - started)
    return min(seconds)


def peer(texts: list[str]) -> float:
    """Return seconds of datatrove's first stage over all texts."""
    from datatrove.data import Document
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.utils.logging import logger

    logger.remove()
    config = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8)
    documents = [Document(text=text, id=str(number)) for number, text in enumerate(texts)]
    with tempfile.TemporaryDirectory() as folder:
        peer_signatures(folder + "/warm", config).run(iter(documents[:1]))
        stage = peer_signatures(folder + "/all", config)
        started = time.perf_counter()
        stage.run(iter(documents))
        return time.perf_counter() - started


def main() -> None:
    """Time both and print their throughput."""
    corpus = planted(seed=1)
    our_seconds, our_peak = on_one_core(ours, corpus.texts)
    peer_seconds, peer_peak = on_one_core(peer, corpus.texts)
    speeds = [corpus.size_mb / our_seconds, corpus.size_mb / peer_seconds]
    print(f"{len(corpus.texts)} documents, {corpus.size_mb:.1f} MB, one core")
    print(f"{'':12}{'MB/s':>10}{'peak MB':>10}")
    print(f"{'modelmill':12}{speeds[0]:>10.2f}{our_peak:>10.0f}")
    print(f"{'datatrove':12}{speeds[1]:>10.2f}{peer_peak:>10.0f}")
    figures = {
        "name": "minhash",
        "ours": round(speeds[0], 2),
        "peer": round(speeds[1], 2),
        "ratio": round(speeds[0] / speeds[1], 1),
        "unit": "MB/s",
        "peak_mb": round(our_peak),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
