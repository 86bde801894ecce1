"""What the lake knows of one document."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assets.corpus.decontamination import CONTAMINATED
from assets.corpus.names import CLEAN, DEDUPLICATED, DOCUMENTS, EVAL_TEXTS, FILTERED, TRIMMED
from assets.records.trace import DocumentTrace, trace_document
from kernels.curation.deduplication.chains import DUPLICATES
from kernels.curation.filtering.chain import DROPPED, TAGS
from kernels.documents.schema import document_table, reject_table
from kernels.specs.sources import Document, Reject
from kernels.tokens.mixtures.membership import MEMBERSHIP
from kernels.tokens.shards import TOKEN_DOCUMENTS
from resources.storage.home import Home
from resources.storage.lake import Lake
from resources.storage.manifest import Cell, Manifest
from resources.storage.sources import ObservedFile, ObservedSources, Partition, save_sources
from tests.small_graphs import put_cell

PARTITION = "web.base.000"
STANDS = ((3, 7), (4, 9))
"""Rows and lengths of two documents in a mixture."""


def _publish(lake: Lake, asset: str, partition: str | None, parents: list[str], **tables: pa.Table) -> Manifest:
    return put_cell(lake, Cell("r", asset, partition), parents=parents, **tables)


def _rows(schema: pa.Schema, *rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=schema)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A partition of six records, one for each outcome."""
    lake = Home.resolve(tmp_path, {}).lake()
    file = ObservedFile(path="a#b.warc", size_bytes=1, modified="", digest="")
    save_sources(lake, "r", ObservedSources(partitions=[Partition(key=PARTITION, source="web", files=[file])]))
    documents = document_table("web", "a#b.warc", [Document(key, f"text {key}", url="http://x.org") for key in ("kept", "short", "twin", "quiz")])
    _publish(lake, DOCUMENTS, PARTITION, [], documents=documents, rejects=reject_table("a#b.warc", [Reject("pdf", "not_html", "application/pdf")]))
    name = "web/a#b.warc#{}".format
    drop = {"id": name("short"), "filter": "gopher_quality", "reason": "gopher_too_few_words", "value": 2.0, "text": "text"}
    tag = {"id": name("kept"), "filter": "language", "name": "language", "label": "en", "value": None}
    _publish(lake, FILTERED, PARTITION, [], dropped=_rows(DROPPED, drop), tags=_rows(TAGS, tag))
    twin = {"id": name("twin"), "kept_id": name("kept"), "first_id": name("kept"), "kind": "minhash", "similarity": 0.9}
    _publish(lake, DEDUPLICATED, PARTITION, [], duplicates=_rows(DUPLICATES, twin))
    asked = _publish(lake, EVAL_TEXTS, "boolq", [], texts=pa.table({"text": ["a b"]}))
    quiz = {"id": name("quiz"), "texts": asked.content, "item": 3, "ngram": "a b", "text": "text"}
    _publish(lake, CLEAN, PARTITION, [], contaminated=_rows(CONTAMINATED, quiz))
    _publish(lake, "tokens/shards", PARTITION, [], documents=_rows(TOKEN_DOCUMENTS, {"id": name("kept"), "num_tokens": 7, "num_text_tokens": 5}))
    runs = [
        {"split": "train", "row": row, "start": 0, "length": length, "segment": 0, "source": "web", "first_token": 0, "is_earlier": False}
        for row, length in STANDS
    ]
    of_both = [{**run, "id": name(key)} for run, key in zip(runs, ("kept", "other"), strict=True)]
    _publish(lake, "tokens/mixture_pretrain", None, [f"tokens/shards[{PARTITION}]"], membership=_rows(MEMBERSHIP, *of_both))
    _publish(lake, "tokens/mixture_small", None, [f"tokens/shards[{PARTITION}]"], membership=_rows(MEMBERSHIP, of_both[1]))
    _publish(lake, "models/small", None, ["tokens/mixture_small"])
    _publish(lake, "models/base", None, ["tokens/mixture_pretrain"])
    _publish(lake, "models/sft", None, ["models/base"])
    _publish(lake, "models/other", None, ["inputs/other"])
    return lake


def _trace(lake: Lake, key: str) -> DocumentTrace:
    return trace_document(lake, "r", f"web/a#b.warc#{key}")


@pytest.mark.parametrize(
    ("key", "outcome"),
    [
        ("kept", "in the shards"),
        ("short", "dropped by gopher_quality: gopher_too_few_words"),
        ("twin", "dropped as minhash duplicate of web/a#b.warc#kept"),
        ("quiz", "dropped: it holds text of boolq"),
        ("pdf", "rejected: not_html"),
    ],
)
def test_every_record_has_its_outcome(lake: Lake, key: str, outcome: str) -> None:
    assert _trace(lake, key).outcome == outcome


def test_a_kept_document_tells_its_origin_measures_twins_tokens_and_what_was_made_from_it(lake: Lake) -> None:
    trace = _trace(lake, "kept")
    assert trace.document is not None and (trace.document["url"], trace.partition) == ("http://x.org", PARTITION)
    assert [tag["label"] for tag in trace.tags] == ["en"]
    assert [(row["id"], row["similarity"]) for row in trace.duplicates] == [("web/a#b.warc#twin", 0.9)]
    assert trace.num_tokens == 7
    assert [name for name, _ in trace.made_from_it] == ["tokens/mixture_pretrain", "models/base", "models/sft"]


def test_a_document_is_told_with_the_rows_in_which_it_stands_and_not_with_mixtures_that_left_it_out(lake: Lake) -> None:
    ((mixture, runs),) = _trace(lake, "kept").stands_in
    assert (mixture, [(run["split"], run["row"], run["length"]) for run in runs]) == ("tokens/mixture_pretrain", [("train", *STANDS[0])])
    assert _trace(lake, "short").stands_in == []


def test_a_reject_of_another_file_with_the_same_key_is_not_taken_for_it(lake: Lake) -> None:
    cell = Cell("r", DOCUMENTS, PARTITION)
    documents = lake.table(cell, "documents")
    _publish(lake, DOCUMENTS, PARTITION, [], documents=documents, rejects=reject_table("other.warc", [Reject("kept", "damaged", "")]))
    trace = _trace(lake, "kept")
    assert (trace.reject, trace.outcome) == (None, "in the shards")


def test_a_contaminated_document_that_is_only_listed_is_kept(lake: Lake) -> None:
    contaminated = lake.table(Cell("r", CLEAN, PARTITION), "contaminated")
    documents = document_table("web", "a#b.warc", [Document("quiz", "text quiz")])
    _publish(lake, CLEAN, PARTITION, [], documents=documents, contaminated=contaminated)
    assert _trace(lake, "quiz").outcome == "kept, not yet in a shard"


def test_a_dropped_document_is_in_nothing_that_was_made(lake: Lake) -> None:
    trace = _trace(lake, "short")
    assert trace.dropped is not None and trace.dropped["value"] == 2.0
    assert (trace.num_tokens, trace.made_from_it) == (None, [])


def test_an_unknown_document_is_told_with_those_of_its_file(lake: Lake) -> None:
    with pytest.raises(KeyError, match=r"web/a#b\.warc#kept.*mill sql"):
        _trace(lake, "keptt")
    with pytest.raises(KeyError, match="source/path#key"):
        trace_document(lake, "r", "nowhere/x#1")


def test_sql_gives_the_same_answer(lake: Lake) -> None:
    from resources.storage.warehouse import open_warehouse

    query = """select id, 'dropped: ' || reason from corpus_filtered_dropped
               union all select id, 'duplicate of ' || kept_id from corpus_deduplicated_duplicates
               union all select id, 'contaminated: ' || item from corpus_decontaminated_contaminated order by id"""
    warehouse = open_warehouse(lake, "r")
    try:
        rows = warehouse.execute(query).fetchall()
    finally:
        warehouse.close()
    assert rows == [
        ("web/a#b.warc#quiz", "contaminated: 3"),
        ("web/a#b.warc#short", "dropped: gopher_too_few_words"),
        ("web/a#b.warc#twin", "duplicate of web/a#b.warc#kept"),
    ]


def test_a_conversation_that_lost_a_turn_to_the_cutting_of_passages_is_told_of(lake: Lake) -> None:
    emptied = {"id": "web/a#b.warc#kept", "filter": "paragraphs", "reason": "emptied_turn", "value": None, "text": "text"}
    _publish(lake, TRIMMED, PARTITION, [], dropped=_rows(DROPPED, emptied))
    assert _trace(lake, "kept").outcome == "dropped by paragraphs: emptied_turn"
