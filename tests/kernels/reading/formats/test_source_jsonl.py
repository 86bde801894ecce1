import fnmatch
import gzip
import io
import json
from typing import Any

import pytest

from kernels.documents.schema import document_table
from kernels.reading.formats.jsonl import SPEC, JsonLinesConfig
from kernels.reading.parsing.keys import SeenKeys
from kernels.specs.sources import Document, Reject, SourceFile


def config(**chosen: Any) -> JsonLinesConfig:
    return JsonLinesConfig.model_validate({"text_field": "text", "max_bytes": 1000} | chosen)


def read(data: bytes | str, path: str = "a.jsonl", **chosen: Any) -> list[Document | Reject]:
    raw = data.encode() if isinstance(data, str) else data
    return list(SPEC.read(SourceFile(path, lambda: io.BytesIO(raw)), config(**chosen)))


def rejects(items: list[Document | Reject]) -> list[tuple[str, str]]:
    return [(item.key, item.reason) for item in items if isinstance(item, Reject)]


def texts(items: list[Document | Reject]) -> list[str]:
    return [item.text for item in items if isinstance(item, Document)]


def test_named_fields_become_the_parts_of_a_document():
    line = json.dumps({"id": 7, "text": "Some words. \r\n", "name": "A title", "link": "https://a.b", "tags": ["x"], "other": 1})
    items = read(line, id_field="id", title_field="name", url_field="link", metadata_fields=["tags", "missing"])
    assert items == [Document("7", "Some words.", "A title", "https://a.b", {"tags": ["x"], "missing": None})]


def test_without_an_id_the_key_is_a_hash_that_does_not_move_when_lines_are_added():
    assert read('{"text": "new"}\n{"text": "old"}\n')[1] == read('{"text": "old"}')[0]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{broken", "invalid_json"),
        (b"[" * 500, "invalid_json"),
        (b"7", "schema"),
        (b"{}", "schema"),
        (b'{"text": 7}', "schema"),
        (b'{"text": null}', "no_text"),
        (b'{"text": " \\n"}', "no_text"),
        (b'{"text": "a \xff b"}', "undecodable"),
        (b'{"text": "\\ud800"}', "invalid_unicode"),
        (b'{"text": "a", "tags": {"b": "\\ud800"}}', "invalid_unicode"),
        (b'{"text": "a", "tags": ' + b"[" * 100 + b"]" * 100 + b"}", "schema"),
        (b'{"text": "' + b"x" * 2000 + b'"}', "too_large"),
        (b'{"text": "a", "n": ' + b"9" * 900 + b"e99999}", None),
    ],
)
def test_a_bad_line_is_named_by_its_number_and_the_next_is_read(line: bytes, reason: str | None):
    items = read(b"\n" + line + b'\n{"text": "sound"}\n', metadata_fields=["tags"])
    assert rejects(items) == ([("line 2", reason)] if reason else [])
    assert texts(items)[-1] == "sound"


def test_bad_bytes_are_replaced_where_the_recipe_says_so():
    assert texts(read(b'{"text": "a \xff b"}', undecodable="replace")) == ["a \ufffd b"]


@pytest.mark.parametrize("value", [True, 1.5, None, "", ["a"]])
def test_an_id_is_a_string_or_a_whole_number(value: Any):
    assert rejects(read(json.dumps({"text": "a", "id": value}), id_field="id")) == [("line 1", "no_id")]


def test_a_key_taken_before_is_a_reject():
    assert rejects(read('{"text": "a", "id": 1}\n{"text": "b", "id": 1}\n', id_field="id")) == [("line 2", "duplicate_key")]


def test_what_looks_like_a_formula_is_text():
    assert texts(read('{"text": "=HYPERLINK(\\"http://x\\")"}\n{"text": "+1"}\n{"text": "@SUM(A1)"}')) == ['=HYPERLINK("http://x")', "+1", "@SUM(A1)"]


def test_metadata_that_json_cannot_say_is_stored_all_the_same():
    (item,) = read('{"text": "a\\u0000b", "score": NaN}', metadata_fields=["score"])
    assert isinstance(item, Document)
    assert json.loads(document_table("s", "a.jsonl", [item])["metadata"][0].as_py()) == {"score": "nan"}


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ('[{"text": "a, ]}\\\\\\""},\n {"text": "b"}]', ['a, ]}\\"', "b"]),
        ('{"text": "a"}{"text": "b"}\n{"text": "c"}', ["a", "b", "c"]),
        ('\ufeff[{"text": "a"}]\n', ["a"]),
        ("[]", []),
        ("", []),
    ],
)
def test_a_json_file_is_an_array_or_objects_one_behind_the_other(data: str, found: list[str]):
    assert read(data, "a.json") == read("\n".join(json.dumps({"text": text}) for text in found))


def test_a_member_of_an_array_past_the_bound_is_passed_over():
    items = read('[{"text": "' + "x" * 300_000 + '"}, {"text": "b"}]', "a.json")
    assert rejects(items) == [("record 1", "too_large")]
    assert texts(items) == ["b"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [('[{"text": "a"}, {"te', "truncated"), ('}}]]{"text": "a"}', "invalid_json"), ('["a', "truncated"), ("[" * 100_000, "too_deep")],
)
def test_a_broken_json_file_is_told(data: str, reason: str):
    assert reason in [found for _, found in rejects(read(data, "a.json"))]


def test_a_cut_file_keeps_the_lines_before_the_cut():
    line = b'{"text": "sound"}\n'
    items = read(gzip.compress(line, mtime=0) + gzip.compress(b'{"text": "lost"', mtime=0)[:-9], "a.jsonl.gz")
    assert texts(items) == ["sound"]
    assert rejects(items) == [("after line 1", "damaged")]


def test_keys_are_remembered_on_disk_past_the_bound_of_memory():
    with SeenKeys(max_in_memory=10) as keys:
        assert [keys.add(str(number)) for number in range(100)] == [True] * 100
        assert [keys.add(str(number)) for number in range(105)] == [False] * 100 + [True] * 5


def test_a_file_in_utf16_and_one_of_old_macintoshes_are_read():
    lines = [Document("1", "ä"), Document("2", "b")]
    text = '{"id": 1, "text": "ä"}\n{"id": 2, "text": "b"}\n'
    assert read(text.encode("utf-16"), id_field="id") == [found._replace(metadata={"charset": "utf-16le"}) for found in lines]
    assert read(text.replace("\n", "\r"), id_field="id") == lines


def test_what_is_replaced_is_counted():
    (item,) = read(b'{"text": "a \xff b \xfe"}\n', undecodable="replace")
    assert isinstance(item, Document)
    assert (item.text, item.metadata) == ("a \ufffd b \ufffd", {"num_replaced": 2})


@pytest.mark.parametrize("name", ["a.jsonl.bz2", "a.JSONL", "a.json", "a.Json.GZ", "a.ndjson.lz4", "a.jsonl.zst"])
def test_its_patterns_fit_compressed_names_and_capitals(name: str):
    assert any(fnmatch.fnmatchcase(name.lower(), pattern.lower()) for pattern in SPEC.file_patterns)


def test_lz4_is_read_and_a_cut_of_it_is_told():
    frame = pytest.importorskip("lz4.frame", reason="the extra lz4 is not installed")
    data = frame.compress(b'{"text": "a"}\n') + frame.compress(b'{"text": "b"}\n')
    assert [item.text for item in read(data, "a.jsonl.lz4") if isinstance(item, Document)] == ["a", "b"]
    assert rejects(read(data[:-3], "a.jsonl.lz4"))[-1][1] == "damaged"
