import gzip
import io
from typing import Any

import pytest

from kernels.reading.formats.plain_text import SPEC, PlainTextConfig
from kernels.specs.sources import Document, Reject, SourceFile


def read(data: bytes | str, path: str = "a.txt", **chosen: Any) -> list[Document | Reject]:
    raw = data.encode() if isinstance(data, str) else data
    config = PlainTextConfig.model_validate({"split": "file", "max_bytes": 100_000} | chosen)
    return list(SPEC.read(SourceFile(path, lambda: io.BytesIO(raw)), config))


def rejects(items: list[Document | Reject]) -> list[tuple[str, str]]:
    return [(item.key, item.reason) for item in items if isinstance(item, Reject)]


def texts(items: list[Document | Reject]) -> list[str]:
    return [item.text for item in items if isinstance(item, Document)]


def test_a_whole_file_is_one_document():
    assert read("\ufeffa \r\n\r\n\r\n\r\nb\r\n") == [Document("text", "a\n\nb")]


def test_blank_lines_part_documents():
    assert texts(read("a\nb\n\n \n\nc\n", split="blank_lines")) == ["a\nb", "c"]


def test_a_separator_parts_documents_wherever_the_file_is_cut_into_chunks():
    parts = [f"document {number} " + "x" * 997 for number in range(200)]
    items = read("<|endoftext|>".join(parts) + "<|endoftext|>", split="separator", separator="<|endoftext|>")
    assert texts(items) == parts


def test_a_key_does_not_move_when_a_document_is_added_before():
    assert read("new\n\nold\n", split="blank_lines")[1] == read("old", split="blank_lines")[0]


def test_a_document_past_the_bound_is_a_reject_and_the_next_is_read():
    items = read("a\n\n" + "x" * 300_000 + "\n\nb", split="blank_lines")
    assert (texts(items), rejects(items)) == (["a", "b"], [("line 3", "too_large")])
    items = read("a|" + "x" * 300_000 + "|b", split="separator", separator="|")
    assert (texts(items), rejects(items)) == (["a", "b"], [("document 2", "too_large")])
    assert rejects(read("x" * 300_000)) == [("file", "too_large")]
    assert rejects(read("x\n" * 150_000, split="blank_lines")) == [("line 1", "too_large")]


def test_bad_bytes_are_a_reject_or_replaced():
    assert rejects(read(b"a \xff")) == [("file", "undecodable")]
    assert texts(read(b"a \xff", undecodable="replace")) == ["a \ufffd"]
    items = read(b"a\n\n\xff\n\nb\n", split="blank_lines")
    assert (texts(items), rejects(items)) == (["a", "b"], [("line 3", "undecodable")])


@pytest.mark.parametrize(("data", "reason"), [(b"", "no_text"), (b" \n\n", "no_text"), (b"a\0b", "binary")])
def test_a_file_that_is_no_text_is_a_reject(data: bytes, reason: str):
    assert rejects(read(data)) == [("file", reason)]


def test_a_paragraph_that_comes_twice_counts_once():
    assert rejects(read("a\n\na\n", split="blank_lines")) == [("line 3", "duplicate_key")]


def test_a_cut_file_keeps_what_was_whole():
    items = read(gzip.compress(b"a\n\nb\n\n", mtime=0) + gzip.compress(b"lost" * 100, mtime=0)[:-9], "a.txt.gz", split="blank_lines")
    assert texts(items) == ["a", "b"]
    assert rejects(items)[-1][1] == "damaged"


@pytest.mark.parametrize("chosen", [{"split": "separator"}, {"split": "separator", "separator": ""}, {"split": "file", "separator": "|"}])
def test_a_separator_goes_with_its_split_alone(chosen: dict[str, Any]):
    with pytest.raises(ValueError, match="give one with split: separator"):
        read("a", **chosen)


def test_utf16_is_text_and_so_is_a_charset_that_the_recipe_names():
    assert texts(read("a\n\nb\n".encode("utf-16"), split="blank_lines")) == ["a", "b"]
    assert read("é".encode("cp1252"), charset="latin1") == [Document("text", "é", metadata={"charset": "windows-1252"})]


def test_what_is_replaced_is_counted_and_half_a_character_at_the_end_is_left_out():
    assert read(b"a \xff", undecodable="replace") == [Document("text", "a \ufffd", metadata={"num_replaced": 1})]
    assert read("aé".encode()[:-1], undecodable="replace") == [Document("text", "a", metadata={"num_replaced": 1})]
