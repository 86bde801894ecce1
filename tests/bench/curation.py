"""Curation end to end: from extracted text to deduplicated shards on disk, against datatrove's FineWeb chain; then how it grows.

Run by ``make bench NAME=curation``. First both on one core over the same real documents (`tests.bench.texts.prose`; the peer takes minutes and is
given each ``PEER_STEP``-th): Gopher repetition and quality, C4 without its punctuation rule, FineWeb's rules, masking of e-mail and IP addresses,
MinHash deduplication, written out; CPU seconds, the least of as many runs. datatrove's filters split by spaCy, as only so both decide alike,
its signatures by a regular expression. Language identification is left out of both, since datatrove's model is a download. Then, but for
``--no-growth``, ``mill up`` brings up ever larger corpora of short synthetic documents (``SIZES``, which end within minutes), a file of
`FILE_DOCUMENTS` a partition: CPU seconds of all its processes, seconds, and the peak memory of the largest process.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from tests.bench.measuring import REPEATS, Took, least
from tests.bench.planted import on_one_core, peer_signatures
from tests.bench.texts import prose

SIZES = (100_000, 200_000)
FILE_DOCUMENTS = 100_000
DOCUMENT_WORDS = 45
PEER_STEP = 60
RECIPE = """
name: growth
sources:
  short:
    format: jsonl
    path: data
    text_field: text
    max_bytes: 100000
    filters:
      - {kind: gopher_repetition}
      - {kind: gopher_quality, min_words: 20, min_stop_words: null}
      - {kind: c4, require_end_punctuation: false, min_sentences: 1}
      - {kind: fineweb_quality}
      - {kind: personal_data, kinds: [email, ip]}
deduplication: {min_similarity: 0.8, minhash: {seed: 1}}
tokenizer: {method: byte_bpe, sources: [short], partitions_per_source: 1, vocab_size: 4096}
"""


def ours(texts: list[str]) -> Took:
    """Return what one run of ours takes, the loops compiled before and no word remembered."""
    from kernels.curation.deduplication.chains import deduplicate
    from kernels.curation.deduplication.matching import DedupConfig, find_duplicates, write_index
    from kernels.curation.deduplication.minhash import MinHashConfig
    from kernels.curation.filtering.chain import Step, apply_filters
    from kernels.curation.filters import c4, fineweb_quality, gopher_quality, gopher_repetition, personal_data
    from kernels.documents.schema import document_table
    from kernels.specs.sources import Document
    from resources.storage.tables import write_table

    steps: list[Step] = [
        (gopher_repetition.SPEC, gopher_repetition.GopherRepetitionConfig()),
        (gopher_quality.SPEC, gopher_quality.GopherQualityConfig()),
        (c4.SPEC, c4.C4Config(require_end_punctuation=False)),
        (fineweb_quality.SPEC, fineweb_quality.FinewebQualityConfig()),
        (personal_data.SPEC, personal_data.PersonalDataConfig(kinds=("email", "ip"))),
    ]
    config = DedupConfig(minhash=MinHashConfig(seed=1), min_similarity=0.8)

    def run(documents: pa.Table, folder: Path) -> None:
        folder.mkdir()
        kept = apply_filters(documents, steps).kept
        write_index(kept, config, folder)
        write_table(folder / "documents.parquet", deduplicate(kept, find_duplicates(folder, [], config)))

    table = document_table("bench", "texts", [Document(str(number), text) for number, text in enumerate(texts)])
    with tempfile.TemporaryDirectory() as name:
        warm = "A first text compiles the loops. It is of no other use than that, and has an end.\n" * 3
        run(document_table("bench", "warm", [Document("0", warm), Document("1", texts[0])]), Path(name) / "warm")
        return least(lambda number: run(table, Path(name) / f"run-{number}"), 1)


def peer(texts: list[str]) -> Took:
    """Return what one run of datatrove's filters, deduplication and writer takes, one task of each."""
    from datatrove.data import Document
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
    from datatrove.pipeline.formatters import PIIFormatter
    from datatrove.pipeline.writers import JsonlWriter
    from datatrove.utils.logging import logger

    logger.remove()
    config = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8)
    filters = [GopherRepetitionFilter(), GopherQualityFilter(), C4QualityFilter(filter_no_terminal_punct=False), FineWebQualityFilter()]

    def filtered(documents: list[Any]) -> list[Any]:
        stream: Any = iter(documents)
        for step in filters:
            stream = step.run(stream)
        return list(stream)

    filtered([Document(text=texts[0], id="warm")])
    documents = [Document(text=text, id=str(number)) for number, text in enumerate(texts)]
    with tempfile.TemporaryDirectory() as folder:

        def run(number: int) -> None:
            kept = filtered(documents)
            peer_signatures(folder + "/signatures", config, regular_words=True).run(iter(kept))
            for bucket in range(config.num_buckets):
                MinhashDedupBuckets(folder + "/signatures", folder + "/buckets", config=config).run(None, bucket, config.num_buckets)
            MinhashDedupCluster(folder + "/buckets", folder + "/removed", config=config).run()
            unique = MinhashDedupFilter(folder + "/removed").run(iter(kept))
            for _ in JsonlWriter(folder + "/out").run(PIIFormatter().run(unique)):
                pass

        return least(run, 1)


def _write_corpus(folder: Path, first: int, count: int) -> int:
    """Write JSON Lines files of short documents, a twentieth of them copies, and return their bytes of text."""
    size = 0
    vocabulary = np.array([f"{chr(97 + number % 26)}{'aeiou'[number % 5]}{number:x}" for number in range(60_000)], object)
    for number in range(first // FILE_DOCUMENTS, (first + count) // FILE_DOCUMENTS):
        random = np.random.default_rng(number)
        places = (random.random((FILE_DOCUMENTS, DOCUMENT_WORDS)) ** 3 * len(vocabulary)).astype(np.int64)
        copies = random.integers(0, FILE_DOCUMENTS, (FILE_DOCUMENTS // 20, 2))
        places[copies[:, 0]] = places[copies[:, 1]]
        texts = [" ".join(row) + "." for row in vocabulary[places].tolist()]
        size += sum(map(len, texts))
        pl.DataFrame({"text": texts}).write_ndjson(folder / f"part-{number:04d}.jsonl")
    return size


def growth() -> list[float]:
    """Print documents, MB of text, CPU seconds, seconds and peak MB of each size, every one from nothing, and return the peaks."""
    peaks: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data").mkdir()
        (folder / "recipe.yaml").write_text(RECIPE)
        written, size = 0, 0
        for count in SIZES:
            size += _write_corpus(folder / "data", written, count - written)
            written = count
            command = [sys.executable, "-m", "pipelines.commands", "up", "corpus/deduplicated", "--recipe", str(folder / "recipe.yaml")]
            environment = {**os.environ, "MILL_HOME": str(folder / f"home-{count}")}
            script = "import os, resource, subprocess, sys; code = subprocess.run(sys.argv[1:]).returncode; "
            script += "used = resource.getrusage(resource.RUSAGE_CHILDREN); print(used.ru_utime + used.ru_stime, used.ru_maxrss); sys.exit(code)"
            started = time.perf_counter()
            done = subprocess.run([sys.executable, "-c", script, *command], env=environment, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"mill up failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
            cpu_seconds, peak_kb = map(float, done.stdout.split()[-2:])
            wall_seconds = time.perf_counter() - started
            peaks.append(peak_kb / 1024)
            sizes = f"{count:>10,} documents {size / 1e6:>6.0f} MB"
            print(f"{sizes} {cpu_seconds:>8.1f} CPU s {wall_seconds:>8.1f} s {peaks[-1]:>8.0f} MB peak", flush=True)
    return peaks


def main() -> None:
    """Time both, then the growth."""
    documents = prose()
    sample = documents[::PEER_STEP]
    our_mb, peer_mb = (sum(len(text.encode()) for text in texts) / 1e6 for texts in (documents, sample))
    # A fresh process each, so that no word is remembered.
    (our_took, our_peak), (peer_took, peer_peak) = (
        min(on_one_core(measure, texts) for _ in range(REPEATS)) for measure, texts in ((ours, documents), (peer, sample))
    )
    ours_speed, peer_speed = our_mb / our_took.cpu_seconds, peer_mb / peer_took.cpu_seconds
    print(f"one core, CPU seconds (wall clock: {our_took.wall_seconds:.1f} and {peer_took.wall_seconds:.1f} s)")
    print(f"{'':12}{'documents':>10}{'MB':>8}{'MB/s':>8}{'peak MB':>9}")
    print(f"{'modelmill':12}{len(documents):>10}{our_mb:>8.1f}{ours_speed:>8.2f}{our_peak:>9.0f}")
    print(f"{'datatrove':12}{len(sample):>10}{peer_mb:>8.1f}{peer_speed:>8.3f}{peer_peak:>9.0f}")
    peak = max([our_peak, *(growth() if "--no-growth" not in sys.argv else [])])
    figures = {"name": "curation", "ours": round(ours_speed, 2), "peer": round(peer_speed, 3), "ratio": round(ours_speed / peer_speed, 1)}
    print(
        json.dumps(
            {
                **figures,
                "unit": "MB per CPU second",
                "peak_mb": round(peak),
                "own_peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
