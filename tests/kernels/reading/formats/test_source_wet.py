"""Extracted texts of Common Crawl's WET files."""

import io
from pathlib import Path

import pytest

from kernels.reading.formats.wet import SPEC, WetConfig
from kernels.specs.sources import Document, Reject, SourceFile


def _record(text: bytes, kind: str = "conversion") -> bytes:
    head = f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:1>\r\nWARC-Target-URI: http://example.org/\r\n"
    head += f"WARC-Date: 2024-05-18T01:58:10Z\r\nWARC-Identified-Content-Language: eng\r\nContent-Length: {len(text)}\r\n\r\n"
    return head.encode() + text + b"\r\n\r\n"


def _read(data: bytes, path: str = "x.warc.wet", max_bytes: int = 1000) -> list[Document | Reject]:
    return list(SPEC.read(SourceFile(path, lambda: io.BytesIO(data)), WetConfig(max_bytes=max_bytes)))


def test_a_text_is_a_document_with_address_date_and_languages() -> None:
    (item,) = _read(_record("Título\nUn texto. \r\n".encode()))
    metadata = {"date": "2024-05-18T01:58:10Z", "languages": "eng"}
    assert item == Document("urn:uuid:1", "Título\nUn texto.", "Título", "http://example.org/", metadata)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (_record(b"x", kind="warcinfo"), "not_a_conversion"),
        (_record(b"x" * 2000), "too_large"),
        (_record(b"caf\xe9"), "undecodable"),
        (_record(b" \n\0"), "no_text"),
        (_record(b"some text")[:-9], "damaged"),
    ],
)
def test_what_is_no_text_is_a_reject(data: bytes, reason: str) -> None:
    (item,) = _read(data)
    assert isinstance(item, Reject) and item.reason == reason


def test_a_real_file_is_read_to_its_end(shared_data: Path) -> None:
    path = shared_data / "warc-commoncrawl-whirlwind" / "whirlwind.warc.wet.gz"
    items = _read(path.read_bytes(), path.name, max_bytes=1_000_000)
    assert [type(item).__name__ for item in items] == ["Reject", "Document"]


def test_one_bad_byte_in_a_text_is_replaced_and_counted() -> None:
    (item,) = _read(_record("Título: años".encode() + b"\xff."))
    assert isinstance(item, Document)
    assert (item.text, item.metadata["num_replaced"]) == ("Título: años\ufffd.", 1)
