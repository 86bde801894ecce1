import io
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kernels.reading.formats import arrow, datasets_directory, parquet
from kernels.reading.parsing.rows import RowsConfig
from kernels.specs.sources import Document, Reject, SourceFile


def as_parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=2)
    return sink.getvalue()


def as_arrow(open_writer: Callable[..., Any]) -> Callable[[pa.Table], bytes]:
    def write(table: pa.Table) -> bytes:
        sink = pa.BufferOutputStream()
        with open_writer(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=2)
        return sink.getvalue().to_pybytes()

    return write


FORMS = {
    "parquet": (parquet.SPEC, as_parquet),
    "arrow file": (arrow.SPEC, as_arrow(pa.ipc.new_file)),
    "arrow stream": (arrow.SPEC, as_arrow(pa.ipc.new_stream)),
    "datasets": (datasets_directory.SPEC, as_arrow(pa.ipc.new_stream)),
}


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> Any:
    return FORMS[request.param]


def read_bytes(spec: Any, data: bytes, **chosen: Any) -> list[Document | Reject]:
    config = spec.config.model_validate({"text_field": "text", "max_bytes": 1000} | chosen)
    assert isinstance(config, RowsConfig)
    return list(spec.read(SourceFile("a", lambda: io.BytesIO(data)), config))


def read(form: Any, columns: dict[str, Any], **chosen: Any) -> list[Document | Reject]:
    spec, write = form
    return read_bytes(spec, write(pa.table(columns)), **chosen)


def rejects(items: list[Document | Reject]) -> list[tuple[str, str]]:
    return [(item.key, item.reason) for item in items if isinstance(item, Reject)]


def texts(items: list[Document | Reject]) -> list[str]:
    return [item.text for item in items if isinstance(item, Document)]


def test_named_columns_become_the_parts_of_a_document(form: Any):
    columns = {
        "n": [1, 2, 3],
        "text": ["a", "b", "=1+1"],
        "title": ["A", None, "C"],
        "when": [datetime(2020, 1, 2)] * 3,
        "price": [Decimal("1.5")] * 3,
        "unread": [{"deep": [1]}] * 3,
    }
    items = read(form, columns, id_field="n", title_field="title", metadata_fields=["when", "price"])
    assert [(item.key, item.text, item.title) for item in items if isinstance(item, Document)] == [
        ("1", "a", "A"),
        ("2", "b", None),
        ("3", "=1+1", "C"),
    ]
    assert isinstance(items[0], Document)
    assert items[0].metadata == {"when": "2020-01-02 00:00:00", "price": "1.5"}


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary(), pa.dictionary(pa.int32(), pa.string())])
def test_any_type_of_string_is_text(form: Any, kind: pa.DataType):
    assert texts(read(form, {"text": pa.array(["a", "b", "c"]).cast(kind)})) == ["a", "b", "c"]


def test_rows_without_text_too_large_or_twice_are_named_by_their_number(form: Any):
    items = read(form, {"text": ["a", None, " ", "x" * 2000, "a", "b"]})
    assert rejects(items) == [("row 1", "no_text"), ("row 2", "no_text"), ("row 3", "too_large"), ("row 4", "duplicate_key")]
    assert texts(items) == ["a", "b"]


def test_bytes_that_are_not_utf8_cost_their_row_alone(form: Any):
    broken = pa.array([b"a", b"\xff", b"c"]).view(pa.string())
    assert rejects(read(form, {"text": broken})) == [("row 1", "undecodable")]
    assert texts(read(form, {"text": broken}, undecodable="replace")) == ["a", "\ufffd", "c"]


def test_a_file_without_the_column_is_one_reject(form: Any):
    assert rejects(read(form, {"words": ["a", "b", "c"]})) == [("file", "schema")]
    assert rejects(read(form, {"text": [1, 2, 3]})) == [("row 0", "schema"), ("row 1", "schema"), ("row 2", "schema")]


@pytest.mark.parametrize("data", [b"", b"PAR1", b"ARROW1\0\0", b"\xff" * 100])
@pytest.mark.parametrize("spec", [parquet.SPEC, arrow.SPEC], ids=["parquet", "arrow"])
def test_what_is_no_table_is_a_reject(spec: Any, data: bytes):
    assert [reason for _, reason in rejects(read_bytes(spec, data))] == ["damaged"]


def test_a_column_whose_name_is_garbled_is_damage(form: Any):
    spec, write = form
    data = write(pa.table({"text": ["a", "b"], "wxyzwxyz": ["c", "d"]})).replace(b"wxyzwxyz", b"\xff\xfe\xfd\xfcwxyz")
    assert [reason for _, reason in rejects(read_bytes(spec, data))] == ["damaged"]


def test_an_error_of_the_disk_is_not_taken_for_damage(form: Any):
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    spec, write = form
    data = write(pa.table({"text": ["a", "b"]}))
    config = spec.config.model_validate({"text_field": "text", "max_bytes": 1000})
    with pytest.raises(OSError, match="Input/output"):
        list(spec.read(SourceFile("a", lambda: Failing(data)), config))


def test_a_damaged_row_group_is_told_and_the_next_is_read():
    data = bytearray(as_parquet(pa.table({"text": [f"text number {number}" for number in range(6)]})))
    first = pq.ParquetFile(io.BytesIO(bytes(data))).metadata.row_group(1).column(0)
    start = first.dictionary_page_offset or first.data_page_offset
    data[start : start + 12] = b"\xff" * 12
    items = read_bytes(parquet.SPEC, bytes(data))
    assert texts(items) == ["text number 0", "text number 1", "text number 4", "text number 5"]
    assert rejects(items) == [("row group 1 from row 2", "damaged")]


def test_a_cut_stream_keeps_the_batches_before_the_cut():
    data = as_arrow(pa.ipc.new_stream)(pa.table({"text": [f"text {number}" for number in range(6)]}))
    items = read_bytes(arrow.SPEC, data[: len(data) * 2 // 3])
    assert texts(items)[:2] == ["text 0", "text 1"]
    assert rejects(items)[-1][1] == "damaged"


def test_offsets_that_point_outside_are_found_before_a_value_is_read():
    data = bytearray(as_arrow(pa.ipc.new_stream)(pa.table({"text": ["aaaa", "bbbb"]})))
    offsets = (0).to_bytes(4, "little") + (4).to_bytes(4, "little") + (8).to_bytes(4, "little")
    place = data.index(offsets)
    data[place + 4 : place + 8] = (1 << 30).to_bytes(4, "little")
    assert rejects(read_bytes(arrow.SPEC, bytes(data))) == [("batch 0", "damaged")]


def test_a_folder_saved_by_the_datasets_library_is_read_file_by_file(tmp_path: Path):
    datasets = pytest.importorskip("datasets", reason="the datasets library is not installed")
    datasets.Dataset.from_dict({"text": [f"row {number}" for number in range(10)]}).save_to_disk(tmp_path / "saved", num_shards=1)
    files = sorted(path for path in (tmp_path / "saved").rglob("*") if any(path.match(pattern) for pattern in datasets_directory.SPEC.patterns))
    assert [path.name for path in files] == ["data-00000-of-00001.arrow"]
    assert texts(read_bytes(datasets_directory.SPEC, files[0].read_bytes())) == [f"row {number}" for number in range(10)]


def repeated(value: str, count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int8()), pa.array([value]))


def stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def compressed(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


WHOLE = pytest.mark.parametrize(("spec", "write"), [(arrow.SPEC, stream), (parquet.SPEC, compressed)], ids=["arrow", "parquet"])


@WHOLE
def test_a_few_bytes_stand_for_no_million_rows(spec: Any, write: Callable[[pa.Table], bytes]):
    items = read_bytes(spec, write(pa.table({"text": pa.nulls(2_000_000)})))
    assert rejects(items)[-1][1] == "bomb"
    assert len(items) < 20_000


def test_a_long_value_of_a_dictionary_is_refused_for_each_row_and_unpacked_for_none(form: Any):
    text = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0, None, 2]), pa.array(["x" * 5000, "a", "b"]))
    items = read(form, {"text": text})
    assert rejects(items) == [("row 0", "too_large"), ("row 2", "too_large"), ("row 3", "no_text")]
    assert texts(items) == ["a", "b"]


@WHOLE
@pytest.mark.parametrize("kind", ["text", "id", "note"])
def test_one_value_over_and_over_is_a_bomb_past_what_the_file_permits(kind: str, spec: Any, write: Callable[[pa.Table], bytes]):
    columns = {"text": [f"text {number}" for number in range(900)], "id": [str(number) for number in range(900)], "note": ["n"] * 900}
    data = write(pa.table({**columns, kind: repeated("x" * 900_000, 900)}))
    items = read_bytes(spec, data, max_bytes=1_000_000, id_field="id", metadata_fields=["note"])
    assert [reason for _, reason in rejects(items)] == ["bomb"]


def test_a_list_of_nothing_that_is_endless_is_a_bomb():
    lists = pa.FixedSizeListArray.from_arrays(pa.nulls(1 << 24), 1 << 24)
    items = read_bytes(arrow.SPEC, stream(pa.table({"text": ["a"], "m": lists})), metadata_fields=["m"])
    assert rejects(items) == [("batch 0", "bomb")]
