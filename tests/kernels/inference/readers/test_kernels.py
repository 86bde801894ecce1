"""Readers in pages answer by kernels as they do by PyTorch, where kernels know who sees whom."""

import json
import os
import subprocess
import sys

KNOWN = {"alibi", "a window in every layer"}


def test_readers_answer_by_kernels_what_whole_texts_are_answered() -> None:
    environment = {**os.environ, "TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.kernels.inference.readers.interpreted"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert {kind for kind, count in counts.items() if count.get("packed") and count.get("pages")} == KNOWN
    assert all(not count for kind, count in counts.items() if kind not in KNOWN)
