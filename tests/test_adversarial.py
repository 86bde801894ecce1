"""A thousand hostile inputs: none crashes, each is a clean read or a counted reject, and time and memory stay bounded."""

import json
import resource
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.locations import PROJECT

MAX_SECONDS_EACH = 60.0
"""Far above what any takes (a gigabyte is read in seconds), so that a busy machine does not fail what a hang would."""
MAX_PEAK_MB = 2500
MAX_DOCUMENTS = 2000


def run_all() -> None:
    """Read every input, pass what comes out through every filter that needs no files and through the index; print one line of JSON."""
    import tempfile

    from kernels.curation.deduplication.matching import DedupConfig, find_duplicates, write_index
    from kernels.curation.deduplication.minhash import MinHashConfig
    from kernels.curation.filtering.chain import apply_filters
    from kernels.curation.personal.detection import RULES
    from kernels.documents.schema import document_table
    from kernels.specs.sources import Document, SourceFile
    from pipelines.recipe.schema import specs
    from tests.hostile import OPTIONS, hostile_inputs

    steps = [
        (specs("filters")[kind], specs("filters")[kind].config.model_validate(options))
        for kind, options in {
            "personal_data": {"kinds": sorted({rule.kind for rule in RULES})},
            "secrets": {"action": "mask"},
            "script": {"scripts": ["Latin"], "min_share": 1e-9},
            "toxicity_lexicon": {"languages": ["en", "ar", "zh"], "max_share": 0.99, "action": "drop"},
            "survey": {"require_digits": False, "min_capital_words": 3, "max_symbol_word_ratio": None},
            "c4": {"min_sentences": None},
            "gopher_repetition": {"max_duplicate_lines": 1.0},
            "gopher_quality": {"min_words": None, "max_words": None},
            "fineweb_quality": {},
            "language": {"languages": ["en"], "min_score": 0.0},
        }.items()
    ]
    dedup = DedupConfig(minhash=MinHashConfig(seed=1), min_similarity=0.8)
    rows: list[dict[str, Any]] = []
    for hostile in hostile_inputs():
        started = time.perf_counter()
        spec = specs("sources")[hostile.format]
        config = spec.config.model_validate(OPTIONS[hostile.format])
        records = list(islice(spec.read(SourceFile(hostile.name, hostile.open), config), MAX_DOCUMENTS))
        documents = [record for record in records if isinstance(record, Document)]
        if documents:
            filtered = apply_filters(document_table("h", hostile.name, documents), steps)
            assert filtered.kept.num_rows + filtered.dropped.num_rows == len(documents)
            with tempfile.TemporaryDirectory() as folder:
                write_index(filtered.kept, dedup, Path(folder))
                find_duplicates(Path(folder), [], dedup)
        rows.append(
            {
                "kind": "damaged copies" if hostile.kind.startswith("damaged") else hostile.kind,
                "read": bool(documents),
                "rejected": not documents and bool(records),
                "empty": not records,
                "seconds": time.perf_counter() - started,
                "slowest": hostile.format,
            }
        )
    print(json.dumps({"rows": rows, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


@pytest.mark.slow
def test_a_thousand_hostile_inputs_are_read_or_rejected() -> None:
    code = "from tests.test_adversarial import run_all; run_all()"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    report = json.loads(done.stdout.splitlines()[-1])
    rows = pl.DataFrame(report["rows"]).sort("seconds", descending=True)
    with pl.Config(tbl_rows=-1, fmt_str_lengths=60, tbl_hide_dataframe_shape=True):
        print(
            rows.group_by("kind", maintain_order=True).agg(
                pl.len().alias("inputs"), pl.col("read", "rejected", "empty").sum(), pl.col("slowest", "seconds").first()
            )
        )
    print(
        rows.select(pl.len().alias("inputs"), pl.col("read", "rejected", "empty", "seconds").sum()).to_dicts()[0], f"peak {report['peak_mb']:.0f} MB"
    )
    assert rows.select(pl.sum_horizontal(pl.col("read", "rejected", "empty"))).to_series().to_list() == [1] * 1000
    assert rows["seconds"].max() < MAX_SECONDS_EACH, rows.head(10)
    assert report["peak_mb"] < MAX_PEAK_MB
