"""Files that hold one document each: saved pages, Markdown, Word, PDF and EPUB."""

import gzip
import io
import zipfile
from typing import Any

import pytest

from kernels.specs.extras import Extra
from kernels.specs.families import specs
from kernels.specs.sources import Document, Reject, SourceFile

ARTICLE = (
    "The lighthouse stood on the northern cape for two hundred years, and each of its keepers wrote a line a day in the same book. "
    "When the lamp was made electric the book was closed, and the last keeper took it home to the village below the cliffs."
)
HTML: dict[str, Any] = {"favor": "precision", "include_tables": False}


def read(name: str, data: bytes, path: str = "a", **chosen: Any) -> list[Document | Reject]:
    spec = specs("sources")[name]
    config = spec.config.model_validate({"max_bytes": 1_000_000, **chosen})
    return list(spec.read(SourceFile(path, lambda: io.BytesIO(data)), config))


def reason(items: list[Document | Reject]) -> str:
    (item,) = items
    assert isinstance(item, Reject)
    return item.reason


def archive(**members: str) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in members.items():
            packed.writestr(name.replace("__", "/").replace("_dot_", "."), text)
    return sink.getvalue()


def test_a_saved_page_is_the_text_of_its_article_with_the_address_that_it_tells() -> None:
    page = f"<html><head><title>Keeper</title><link rel=canonical href='https://a.example/k'></head><body><article><p>{ARTICLE}</p></article>"
    (item,) = read("html", gzip.compress(page.encode("utf-16")), "k.html.gz", **HTML)
    assert isinstance(item, Document)
    assert (item.text, item.title, item.url, item.metadata["charset"]) == (ARTICLE, "Keeper", "https://a.example/k", "utf-16le")
    (saved,) = read("html", b"<!-- saved from url=(0022)https://b.example/x -->" + page.encode(), **HTML)
    assert isinstance(saved, Document) and saved.url == "https://b.example/x"
    assert reason(read("html", page.replace("<head>", "<head><meta name=robots content=noindex>").encode(), **HTML)) == "noindex"
    assert reason(read("html", b"x" * 2000, max_bytes=1000, **HTML)) == "too_large"


def test_markdown_keeps_its_marks_and_loses_front_matter_and_comments() -> None:
    (item,) = read("markdown", b"\xef\xbb\xbf---\r\ntitle: 'The keeper'\r\ndate: 2024\r\n---\r\n# One\r\n\r\n<!-- note -->\r\n- a\r\n- b\r\n")
    assert item == Document("text", "# One\n\n- a\n- b", "The keeper")
    (plain,) = read("markdown", b"# One\n\ntext\n")
    assert isinstance(plain, Document) and plain.title == "One"
    assert reason(read("markdown", b"---\ntitle: x\n---\n")) == "no_text"
    assert reason(read("markdown", b"a\0b")) == "binary"


def test_a_word_document_gives_headings_lists_and_tables_in_order() -> None:
    docx = pytest.importorskip("docx", reason="the extra docx is not installed")
    made = docx.Document()
    made.core_properties.title = "The keeper"
    made.add_heading("One", 1)
    made.add_paragraph("High water.")
    table = made.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "a", "b"
    made.add_paragraph("item", style="List Bullet")
    sink = io.BytesIO()
    made.save(sink)
    assert read("docx", sink.getvalue()) == [Document("text", "# One\n\nHigh water.\n\na | b\n\n- item", "The keeper")]
    assert reason(read("docx", b"no archive")) == "damaged"
    assert reason(read("docx", sink.getvalue()[:-100])) == "damaged"
    assert reason(read("docx", archive(a="x"))) == "damaged"


def pdf(text: str) -> bytes:
    content = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    data, places = b"%PDF-1.4\n", list[int]()
    for number, body in enumerate(objects, start=1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return data + b"xref\n0 6\n0000000000 65535 f \n" + table + b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(data)


def test_a_pdf_gives_the_text_of_its_pages() -> None:
    pytest.importorskip("pypdf", reason="the extra pdf is not installed")
    assert read("pdf", pdf("High water at noon")) == [Document("text", "High water at noon", metadata={"pages": 1})]
    assert reason(read("pdf", pdf(""))) == "no_text"
    assert reason(read("pdf", b"%PDF-1.4 and nothing else")) == "damaged"


CONTAINER = '<container xmlns="urn:x"><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>'
PACKAGE = """<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>Tides</dc:title></metadata>
<manifest><item id="b" href="two%20.xhtml" media-type="application/xhtml+xml"/><item id="a" href="one.xhtml" media-type="application/xhtml+xml"/>
<item id="c" href="lost.xhtml" media-type="application/xhtml+xml"/><item id="p" href="p.png" media-type="image/png"/></manifest>
<spine><itemref idref="a"/><itemref idref="b"/><itemref idref="c"/></spine></package>"""


def book(package: str = PACKAGE) -> bytes:
    chapters = {
        "OPS__one_dot_xhtml": "<html><body><h1>One</h1><p>Ebb &amp; flood.</p></body></html>",
        "OPS__two _dot_xhtml": "<body><p>Two.</p></body>",
    }
    return archive(**{"META-INF__container_dot_xml": CONTAINER, "OPS__book_dot_opf": package}, **chapters)


def test_a_book_in_epub_gives_its_chapters_in_reading_order() -> None:
    first, second, lost = read("epub", book())
    assert first == Document("OPS/one.xhtml", "# One\n\nEbb & flood.", "Tides")
    assert isinstance(second, Document) and second.text == "Two."
    assert isinstance(lost, Reject) and (lost.key, lost.reason) == ("OPS/lost.xhtml", "damaged")


@pytest.mark.parametrize("data", [b"no archive", archive(a="x"), book("<package"), book('<!DOCTYPE p [<!ENTITY a "ha">]><package>&a;</package>')])
def test_what_is_no_book_is_damaged(data: bytes) -> None:
    assert reason(read("epub", data)) == "damaged"


@pytest.mark.parametrize("name", ["docx", "epub"])
def test_a_package_that_unpacks_to_too_much_is_a_bomb(name: str) -> None:
    assert reason(read(name, archive(a="x" * (100 << 20)))) == "bomb"


def test_a_library_that_is_not_installed_is_named_with_its_extra() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"PDF files need the extra 'pdf', which is not installed: pip install 'modelmill\[pdf\]'"):
        Extra("pdf", "no_such_library").require("PDF files")
