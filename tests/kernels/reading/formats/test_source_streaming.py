"""Readers give documents while they read, and hold little, however large a file is."""

import io
import json
import tracemalloc
from collections.abc import Callable
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from kernels.specs.families import specs
from kernels.specs.sources import Document, SourceFile

NUM_RECORDS = 4_000
TEXT = "the quick brown fox jumps over the lazy dog and goes on " * 20
FORMATS = specs("sources")
ROWS = {"text_field": "text", "max_bytes": 100_000}


class Counting(io.BytesIO):
    """A file that knows how many bytes have been read from it."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.num_read = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.num_read += len(data)
        return data

    def readinto(self, buffer: Any, /) -> int:
        size = super().readinto(buffer)
        self.num_read += size
        return size


def texts() -> list[str]:
    return [f"Record {number}: {TEXT}" for number in range(NUM_RECORDS)]


def json_lines(record: Callable[[int, str], Any]) -> bytes:
    return "".join(json.dumps(record(number, text)) + "\n" for number, text in enumerate(texts())).encode()


def table(write: Callable[[pa.Table, io.BytesIO], None]) -> bytes:
    sink = io.BytesIO()
    write(pa.table({"text": texts()}), sink)
    return sink.getvalue()


def write_stream(rows: pa.Table, sink: io.BytesIO) -> None:
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows, max_chunksize=100)


def posts() -> bytes:
    row = (
        '<row Id="{0}" PostTypeId="1" Score="9" Title="T" Body="{2}" AnswerCount="1" />\n'
        '<row Id="{1}" PostTypeId="2" ParentId="{0}" Score="9" Body="A" />\n'
    )
    return ("<posts>\n" + "".join(row.format(2 * number + 1, 2 * number + 2, text) for number, text in enumerate(texts())) + "</posts>").encode()


def dump() -> bytes:
    page = "<page><title>T{0}</title><ns>0</ns><id>{0}</id><revision><text>{1}</text></revision></page>\n"
    return ("<mediawiki>\n" + "".join(page.format(number, text) for number, text in enumerate(texts())) + "</mediawiki>").encode()


def write_parquet(rows: pa.Table, sink: io.BytesIO) -> None:
    pq.write_table(rows, sink, row_group_size=200, compression="none", use_dictionary=False)


def submission(number: int, text: str) -> dict[str, Any]:
    return {"id": str(number), "title": "T", "selftext": text, "score": 9, "author": "a", "created_utc": 1}


REDDIT = {"collect": "threads", "min_comment_score": 1, "max_comments": 10, "max_bytes": 100_000}
FILES: dict[str, tuple[str, str, Callable[[], bytes], dict[str, Any]]] = {
    "jsonl": ("jsonl", "a.jsonl", lambda: json_lines(lambda number, text: {"text": text}), ROWS),
    "json": ("jsonl", "a.json", lambda: json.dumps([{"text": text} for text in texts()]).encode(), ROWS),
    "csv": ("csv", "a.csv", lambda: ("text\n" + "\n".join(texts())).encode(), ROWS),
    "parquet": ("parquet", "a.parquet", lambda: table(write_parquet), ROWS),
    "arrow": ("arrow", "a.arrow", lambda: table(write_stream), ROWS),
    "datasets": ("datasets", "data-0.arrow", lambda: table(write_stream), ROWS),
    "text": ("text", "a.txt", lambda: "\n\n".join(texts()).encode(), {"split": "blank_lines", "max_bytes": 100_000}),
    "chats": ("chats", "a.jsonl", lambda: json_lines(lambda number, text: {"data": [text, "Yes."]}), {}),
    "reddit": ("reddit", "RS_1", lambda: json_lines(submission), REDDIT | {"order": "grouped"}),
    "stackexchange": ("stackexchange", "Posts.xml", posts, {"answer": "best", "min_question_score": 1, "min_answer_score": 1, "max_bytes": 100_000}),
    "wikipedia": ("wikipedia", "a.xml", dump, {"drop_sections": []}),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_documents_come_before_the_file_is_read_to_its_end(name: str):
    format_name, path, make, chosen = FILES[name]
    spec = FORMATS[format_name]
    data = make()
    assert len(data) > 4 << 20
    file = Counting(data)
    records = spec.read(SourceFile(path, lambda: file), spec.config.model_validate(chosen))
    first = list(islice(records, 10))
    assert [type(record) for record in first] == [Document] * 10
    assert file.num_read < len(data) / 4
    assert sum(1 for _ in records) == NUM_RECORDS - 10


@pytest.mark.parametrize(
    ("format_name", "path", "make", "chosen"),
    [
        ("books", "a.txt", lambda: "\n\n".join(texts()).encode(), {"max_chars": 10_000}),
        ("reddit", "RS_1", lambda: json_lines(submission), REDDIT | {"order": "scattered"}),
        ("jsonl", "a.jsonl", lambda: b'{"text": "' + b"x" * (8 << 20), ROWS),
        ("csv", "a.csv", lambda: b'text\n"' + b"x" * (8 << 20), ROWS),
        ("text", "a.txt", lambda: b"x" * (8 << 20), {"split": "file", "max_bytes": 1000}),
        ("chats", "a.json", lambda: b'[{"a": "' + b"x" * (8 << 20), {"max_bytes": 1000}),
        ("stackexchange", "Posts.xml", lambda: b'<posts><row Body="' + b"x" * (8 << 20), FILES["stackexchange"][3]),
        ("wikipedia", "a.xml", lambda: b"<m><page><text>" + b"x" * (8 << 20), {"drop_sections": [], "max_bytes": 100_000}),
        ("books", "a.txt", lambda: b"x" * (8 << 20), {"max_chars": 10_000}),
    ],
)
def test_what_cannot_come_early_is_held_in_little_memory(format_name: str, path: str, make: Callable[[], bytes], chosen: dict[str, Any]):
    data = zstandard.ZstdCompressor().compress(make())
    spec = FORMATS[format_name]
    config = spec.config.model_validate(chosen)
    tracemalloc.start()
    try:
        num_records = sum(1 for _ in spec.read(SourceFile(f"{path}.zst", lambda: io.BytesIO(data)), config))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert num_records
    assert peak < 2 << 20
