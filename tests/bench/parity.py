"""Whether the rule filters decide as datatrove's do: document by document, on real documents of every kind.

Run by ``make bench NAME=parity``, on the documents of ``../shared/data`` where it is there, else on news, passages, questions, books and
code that pip and Python bring (`tests.bench.texts.documents`). Each filter of datatrove runs as it comes (its words are spaCy's), ours with the
same thresholds; a document counts as decided alike where both keep it with the same text, or both drop it.
"""

import json
import resource
from collections import Counter
from typing import Any, NamedTuple

import polars as pl

from kernels.curation.filtering.batch import TextBatch
from kernels.curation.filters import c4, fineweb_quality, gopher_quality, gopher_repetition
from kernels.curation.text.string_buffers import batches
from kernels.specs.config import Config
from kernels.specs.filters import Filter
from tests.bench.texts import documents as real_documents

NUM_DOCUMENTS = 10_500


class Pair(NamedTuple):
    """One of our filters and what it is held against."""

    spec: Filter
    config: Config
    theirs: Any


class Parity(NamedTuple):
    """How one filter compares: reasons (theirs, ours) counted, and the documents decided otherwise."""

    name: str
    reasons: Counter[tuple[str, str]]
    differences: list[tuple[str, str, str, str]]
    """Kind of document, their reason, ours, and how the text begins."""


def pairs() -> list[Pair]:
    """Return all rule filters with datatrove's, by the published thresholds; C4 also as FineWeb uses it."""
    from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter

    relaxed = c4.C4Config(require_end_punctuation=False, min_sentences=3)
    return [
        Pair(gopher_repetition.SPEC, gopher_repetition.GopherRepetitionConfig(), GopherRepetitionFilter()),
        Pair(gopher_quality.SPEC, gopher_quality.GopherQualityConfig(), GopherQualityFilter()),
        Pair(c4.SPEC, c4.C4Config(), C4QualityFilter()),
        Pair(c4.SPEC, relaxed, C4QualityFilter(filter_no_terminal_punct=False, min_num_sentences=3)),
        Pair(fineweb_quality.SPEC, fineweb_quality.FinewebQualityConfig(), FineWebQualityFilter()),
    ]


def compare(pair: Pair, documents: list[tuple[str, str]]) -> Parity:
    """Run both filters over documents (kind, text)."""
    from datatrove.data import Document

    texts = pl.Series([text for _, text in documents])
    ours: list[tuple[str | None, str]] = []
    for start, end in batches(texts):
        outcome = pair.spec.apply(TextBatch(texts[start:end]), pair.config)
        ours += zip(outcome.reason.to_list(), outcome.text.to_list(), strict=True)
    parity = Parity(pair.spec.name, Counter(), [])
    for (kind, text), (reason, left) in zip(documents, ours, strict=True):
        document = Document(text=text, id="x")
        verdict = pair.theirs.filter(document)
        their_reason = verdict[1] if isinstance(verdict, tuple) else None if verdict else "dropped"
        parity.reasons[their_reason or "kept", reason or "kept"] += 1
        if (their_reason is None) != (reason is None) or (reason is None and document.text != left):
            parity.differences.append((kind, str(their_reason), str(reason), text[:80]))
    return parity


def main() -> None:
    """Print the report."""
    documents = real_documents(NUM_DOCUMENTS)
    kinds = Counter(kind for kind, _ in documents)
    print(f"{len(documents)} documents, {sum(len(text) for _, text in documents) / 1e6:.1f} M characters, of {len(kinds)} kinds: {dict(kinds)}")
    num_different = 0
    for pair in pairs():
        parity = compare(pair, documents)
        num_different += len(parity.differences)
        print(f"\n{parity.name}: {1 - len(parity.differences) / len(documents):.4%} decided alike, {len(parity.differences)} otherwise")
        for (theirs, ours), count in parity.reasons.most_common():
            print(f"  {count:6d}  datatrove: {theirs:32s} modelmill: {ours}")
        for difference in parity.differences[:20]:
            print("  otherwise:", *difference, sep=" | ")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    alike = 1 - num_different / len(documents) / len(pairs())
    print(
        json.dumps(
            {
                "name": "parity",
                "ours": alike,
                "peer": 1.0,
                "ratio": alike,
                "unit": "share decided alike",
                "peak_mb": peak,
                "documents": len(documents),
            }
        )
    )


if __name__ == "__main__":
    main()
