"""What one more file costs a corpus that is up to date: one partition more on five, all of ``mill up`` from its start to its end.

Run by ``make bench NAME=wave``. Six files of JSON Lines, 2,000 documents each, written from the sentences of real news and passages; filters of
language, rules, secrets and personal data, deduplication, a tokenizer, shards. Five are brought up to date, then a copy of that home is given
the sixth: CPU seconds of the command and of all its children, the least of `REPEATS`. The peer is a process that imports the same libraries whole and
does nothing.
"""

import json
import random
import re
import resource
import shutil
import sys
import tempfile
from pathlib import Path

from tests.bench.commands import mill, run_command
from tests.bench.measuring import REPEATS, Took
from tests.bench.texts import NEWS, PASSAGES, rows

NUM_FILES, FILE_DOCUMENTS, DOCUMENT_SENTENCES = 6, 2_000, 12
RECIPE = """
name: wave
sources:
  mine:
    format: jsonl
    path: data
    text_field: text
    max_bytes: 100000
    filters:
      - {kind: language, languages: [en], min_score: 0.65}
      - {kind: gopher_quality}
      - {kind: gopher_repetition}
      - {kind: secrets, action: mask}
      - {kind: personal_data, kinds: [email, phone, ip, card, iban, ssn]}
deduplication: {min_similarity: 0.8, minhash: {seed: 1}}
tokenizer: {method: byte_bpe, sources: [mine], partitions_per_source: 1, vocab_size: 2048}
"""
BARE = "import dagster, great_expectations, numba, polars, duckdb, spacy.lang.en"


def main() -> None:
    """Bring five files up to date, then measure the sixth."""
    with tempfile.TemporaryDirectory() as name:
        before = Path(name) / "before"
        (before / "data").mkdir(parents=True)
        (before / "recipe.yaml").write_text(RECIPE)
        lines = written_documents(NUM_FILES * FILE_DOCUMENTS)
        files = ["\n".join(lines[start : start + FILE_DOCUMENTS]) + "\n" for start in range(0, len(lines), FILE_DOCUMENTS)]
        for number, text in enumerate(files[:-1]):
            (before / "data" / f"{number:03d}.jsonl").write_text(text)
        first = run_command(mill(before, "up"), before)
        waves = [_wave(before, Path(name) / str(number), files[-1]) for number in range(REPEATS)]
        bare = min(run_command([sys.executable, "-W", "ignore", "-c", BARE], before) for _ in range(REPEATS))
    ours = min(waves)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    told = ", ".join(f"{wave.cpu_seconds:.2f} ({wave.wall_seconds:.2f})" for wave in waves)
    print(f"CPU seconds (wall clock): five files from nothing {first.cpu_seconds:.2f} ({first.wall_seconds:.2f}); one more {told}")
    print(f"imports alone {bare.cpu_seconds:.2f} ({bare.wall_seconds:.2f})")
    figures = {
        "name": "wave", "ours": round(ours.cpu_seconds, 2), "peer": round(bare.cpu_seconds, 2),
        "ratio": round(bare.cpu_seconds / ours.cpu_seconds, 2), "unit": "CPU s", "peak_mb": round(peak),
        "ours_wall_s": round(ours.wall_seconds, 2), "peer_wall_s": round(bare.wall_seconds, 2),
    }  # fmt: skip
    print(json.dumps(figures))


def written_documents(count: int) -> list[str]:
    """Return documents as lines of JSON: sentences of real texts in an order that no other document has."""
    texts = [row["document"] for row in rows(NEWS)] + [row["passage"] for row in rows(PASSAGES)]
    sentences = [found for text in dict.fromkeys(texts) for found in re.split(r"(?<=[.!?])\s+", text) if 40 < len(found) < 400]
    draw = random.Random(1)
    return [json.dumps({"text": " ".join(draw.sample(sentences, DOCUMENT_SENTENCES))}) for _ in range(count)]


def _wave(before: Path, folder: Path, text: str) -> Took:
    """Return what it takes to bring a copy of a home up to date to which one file was added."""
    shutil.copytree(before, folder, symlinks=True)
    (folder / "data" / f"{NUM_FILES - 1:03d}.jsonl").write_text(text)
    return run_command(mill(folder, "up"), folder)


if __name__ == "__main__":
    main()
