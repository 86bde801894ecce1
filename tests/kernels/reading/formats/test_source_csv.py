import io
from typing import Any

import pytest

from kernels.reading.formats.tables_csv import SPEC, CsvConfig
from kernels.specs.sources import Document, Reject, SourceFile


def read(data: bytes | str, path: str = "a.csv", **chosen: Any) -> list[Document | Reject]:
    raw = data.encode() if isinstance(data, str) else data
    config = CsvConfig.model_validate({"text_field": "text", "id_field": "id", "max_bytes": 500_000} | chosen)
    return list(SPEC.read(SourceFile(path, lambda: io.BytesIO(raw)), config))


def rejects(items: list[Document | Reject]) -> list[tuple[str, str]]:
    return [(item.key, item.reason) for item in items if isinstance(item, Reject)]


def texts(items: list[Document | Reject]) -> list[str]:
    return [item.text for item in items if isinstance(item, Document)]


def test_rows_become_documents_and_quoted_fields_hold_line_ends_and_commas():
    assert read('\ufeffid,text,note\r\n1,"a, ""b""\r\nc",x\r\n\r\n2,d,y\r\n', metadata_fields=["note"]) == [
        Document("1", 'a, "b"\nc', metadata={"note": "x"}),
        Document("2", "d", metadata={"note": "y"}),
    ]


def test_another_delimiter_may_be_named():
    assert texts(read("id\ttext\n1\ta,b\n", "a.tsv", delimiter="\t")) == ["a,b"]


def test_a_field_longer_than_the_module_allows_by_itself_is_read():
    assert len(texts(read(f"id,text\n1,{'x' * 300_000}\n"))[0]) == 300_000


def test_what_looks_like_a_formula_is_text():
    assert texts(read("id,text\n1,=1+1\n2,\"=cmd|' /C calc'!A0\"\n3,@x\n4,-2\n")) == ["=1+1", "=cmd|' /C calc'!A0", "@x", "-2"]


@pytest.mark.parametrize("header", ["id,words\n", "id,text,text\n"])
def test_a_header_without_the_column_is_one_reject(header: str):
    assert rejects(read(header + "1,a\n2,b\n")) == [("line 1", "schema")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"1,a,b\n", "schema"),
        (b"1\n", "schema"),
        (b'1,"a" b\n', "invalid_csv"),
        (b"1,a \xff\n", "undecodable"),
        (b"1,\n", "no_text"),
        (b",a\n", "no_id"),
        (b"1," + b"x" * 600_000 + b"\n", "too_large"),
    ],
)
def test_a_bad_row_is_named_by_its_line_and_the_next_is_read(row: bytes, reason: str):
    items = read(b"id,text\n" + row + b"9,sound\n")
    assert rejects(items) == [("line 2", reason)]
    assert texts(items) == ["sound"]


def test_a_quote_that_is_never_closed_costs_its_row_alone():
    rows = "".join(f"{number},text {number}\n" for number in range(2, 50))
    items = read(f'id,text\n1,"open\n{rows}')
    assert rejects(items) == [("line 2", "invalid_csv")]
    assert texts(items) == [f"text {number}" for number in range(2, 50)]
    long = read(f'id,text\n1,"open\n{rows}', max_bytes=100)
    assert rejects(long) == [("line 2", "too_large")]
    assert texts(long) == texts(items)


def test_null_bytes_and_an_empty_file_are_read_clean():
    assert texts(read(b"id,text\n1,a\0b\n")) == ["a\0b"]
    assert read(b"") == []


@pytest.mark.parametrize("data", [b'\xef\xbb\xbf"text","id"\r\n"a","1"\r\n', b"text;id\na;1\n", b"text\tid\na\t1\n", b"text,id\ra,1\r"])
def test_marks_quotes_delimiters_and_line_ends_of_other_programs_are_read(data: bytes):
    assert read(data) == [Document("1", "a")]


def test_a_delimiter_that_is_named_is_the_only_one():
    assert rejects(read("text;id\na;1\n", delimiter=",")) == [("line 1", "schema")]


def test_a_table_in_another_charset_is_read_where_the_recipe_names_it():
    assert read("text,id\nCafé,1\n".encode("cp1252"), charset="windows-1252") == [Document("1", "Café", metadata={"charset": "windows-1252"})]
    assert read("text,id\nCafé,1\n".encode("utf-16")) == [Document("1", "Café", metadata={"charset": "utf-16le"})]
