"""A thousand hostile inputs: none crashes, each is a clean read or a counted reject, and time and memory stay bounded."""

import json
import resource
import subprocess
import sys
import time
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

MAX_SECONDS_EACH = 60.0
"""Far above what any takes (a gigabyte is read in seconds), so that a busy machine does not fail what a hang would."""
MAX_PEAK_MB = 2500
MAX_DOCUMENTS = 2000


def run_all() -> None:
    """Read every input, pass what comes out through every rule filter and the index; print one line of JSON."""
    import tempfile

    from kernels.deduplication.matching import DedupConfig, find_duplicates, write_index
    from kernels.deduplication.minhash import MinHashConfig
    from kernels.documents import document_table
    from kernels.filters.chain import apply_filters
    from kernels.specs import Document, SourceFile
    from pipelines.recipe import specs
    from tests.hostile import OPTIONS, hostile_inputs

    steps = [
        (specs("filters")[kind], specs("filters")[kind].config.model_validate(options))
        for kind, options in {
            "personal_data": {"kinds": ["email", "phone", "ip", "card", "iban", "ssn"]},
            "survey": {"require_digits": False, "min_capital_words": 3, "max_symbol_word_ratio": None},
            "c4": {"min_sentences": None},
            "gopher_repetition": {"max_duplicate_lines": 1.0},
            "gopher_quality": {"min_words": None, "max_words": None},
            "fineweb_quality": {},
            "language": {"languages": ["en"], "min_score": 0.0},
        }.items()
    ]
    dedup = DedupConfig(minhash=MinHashConfig(seed=1), min_similarity=0.8)
    outcomes: Counter[str] = Counter()
    slowest: list[tuple[float, str]] = []
    for hostile in hostile_inputs():
        started = time.perf_counter()
        spec = specs("sources")[hostile.format]
        config = spec.config.model_validate(OPTIONS[hostile.format])
        records = list(islice(spec.read(SourceFile(hostile.name, hostile.open), config), MAX_DOCUMENTS))
        documents = [record for record in records if isinstance(record, Document)]
        outcomes["documents"] += len(documents)
        outcomes["rejects"] += len(records) - len(documents)
        outcomes["inputs read"] += bool(documents)
        outcomes["inputs rejected"] += not documents and bool(records)
        outcomes["inputs with nothing in them"] += not records
        if documents:
            filtered = apply_filters(document_table("h", hostile.name, documents), steps)
            assert filtered.kept.num_rows + filtered.dropped.num_rows == len(documents)
            with tempfile.TemporaryDirectory() as folder:
                write_index(filtered.kept, dedup, Path(folder))
                find_duplicates(Path(folder), [], dedup)
        slowest.append((time.perf_counter() - started, f"{hostile.kind} as {hostile.format}"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"outcomes": outcomes, "slowest": sorted(slowest, reverse=True)[:10], "seconds": sum(s for s, _ in slowest), "peak_mb": peak}))


@pytest.mark.slow
def test_a_thousand_hostile_inputs_are_read_or_rejected() -> None:
    code = "from tests.test_adversarial import run_all; run_all()"
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    report = json.loads(done.stdout.splitlines()[-1])
    outcomes = report["outcomes"]
    assert outcomes["inputs read"] + outcomes["inputs rejected"] + outcomes["inputs with nothing in them"] == 1000
    assert report["slowest"][0][0] < MAX_SECONDS_EACH, report["slowest"]
    assert report["peak_mb"] < MAX_PEAK_MB
