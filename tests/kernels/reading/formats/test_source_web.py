import gzip
import io
import re
from collections import Counter
from pathlib import Path
from typing import Literal

import pytest

from kernels.reading.formats.web import SPEC, WebConfig, extract_article
from kernels.specs.sources import Document, Reject, SourceFile

ARTICLE = (
    "The lighthouse stood on the northern cape for two hundred years, and each of its keepers wrote a line a day in the same book. "
    "When the lamp was made electric the book was closed, and the last keeper took it home to the village below the cliffs."
)
PAGE = f"<html><head><title>The  Keeper</title></head><body><article><h1>Keeper</h1><p>{ARTICLE}</p></article></body></html>"


def record(
    number: int, body: bytes, content_type: str = "text/html; charset=utf-8", status: str = "200 OK", kind: str = "response", more: str = ""
) -> bytes:
    payload = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n{more}\r\n".encode() + body
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{number}>\r\nWARC-Date: 2024-05-18T01:58:10Z\r\n"
        f"WARC-Target-URI: http://example.org/{number}\r\nContent-Type: application/http; msgtype=response\r\n"
        f"Content-Length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload + b"\r\n\r\n"


def read(data: bytes, path: str = "pages.warc", max_bytes: int = 100_000) -> list[Document | Reject]:
    config = WebConfig(favor="precision", include_tables=True, max_bytes=max_bytes)
    return list(SPEC.read(SourceFile(path, lambda: io.BytesIO(data)), config))


def test_a_page_becomes_the_text_of_its_article():
    (item,) = read(record(1, PAGE.encode()))
    assert isinstance(item, Document)
    assert (item.key, item.url, item.title) == ("urn:uuid:1", "http://example.org/1", "The Keeper")
    assert item.text.endswith(ARTICLE)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (record(1, b"", kind="request"), "not_a_response"),
        (record(1, b"{}", content_type="application/json"), "not_html"),
        (record(1, PAGE.encode(), status="404 Not Found"), "status"),
        (record(1, PAGE.encode(), more="Content-Encoding: br\r\n"), "content_encoding"),
        (record(1, b"<html><body></body></html>"), "no_text"),
        (record(1, b""), "no_text"),
        (record(1, PAGE.encode(), more="X-Robots-Tag: noindex\r\n"), "noindex"),
        (record(1, PAGE.replace("<head>", "<head><meta name='robots' content='nofollow, noindex'>").encode()), "noindex"),
        (record(1, PAGE.encode()).replace(b"example.org/1", b"example.org/robots.txt"), "robots_txt"),
        (record(1, PAGE.encode() * 300), "too_large"),
        (record(1, PAGE.encode())[:-40], "damaged"),
    ],
)
def test_a_record_that_gives_no_article_is_a_reject(data: bytes, reason: str):
    (item,) = read(data)
    assert isinstance(item, Reject)
    assert (item.key, item.reason) == ("urn:uuid:1", reason)


@pytest.mark.parametrize(
    ("encoding", "content_type", "meta"),
    [
        ("windows-1251", "text/html; charset=windows-1251", ""),
        ("koi8-r", "text/html", '<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">'),
        ("utf-8", "text/html", ""),
        ("utf-8", "text/html; charset=nonsense", ""),
    ],
)
def test_the_charset_is_found_in_header_or_page(encoding: str, content_type: str, meta: str):
    words = "Маяк стоял на северном мысе двести лет, и каждый смотритель писал по строке в день в одну и ту же книгу."
    page = PAGE.replace("<head>", f"<head>{meta}").replace(ARTICLE, words)
    (item,) = read(record(1, page.encode(encoding), content_type=content_type))
    assert isinstance(item, Document)
    assert words in item.text


def test_chunked_and_compressed_pages_are_unpacked():
    packed = gzip.compress(PAGE.encode(), mtime=0)
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed)
    (item,) = read(record(1, chunked, more="Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n"))
    assert isinstance(item, Document)
    assert item.text.endswith(ARTICLE)


def test_a_file_gzipped_by_record_or_as_a_whole_gives_the_same_documents():
    records = [record(number, PAGE.encode()) for number in (1, 2)]
    plain = read(b"".join(records))
    assert [item.key for item in plain] == ["urn:uuid:1", "urn:uuid:2"]
    assert read(b"".join(gzip.compress(item, mtime=0) for item in records), "pages.warc.gz") == plain
    assert read(gzip.compress(b"".join(records), mtime=0), "pages.warc.gz") == plain


def test_a_cut_gzip_file_keeps_the_records_before_the_cut():
    whole, cut = (gzip.compress(record(number, PAGE.encode())) for number in (1, 2))
    document, reject = read(whole + cut[:-30], "pages.warc.gz")
    assert isinstance(document, Document)
    assert isinstance(reject, Reject)
    assert reject.reason == "damaged"


def test_a_file_that_is_no_warc_is_damaged():
    assert [(item.key, item.reason) for item in read(b"hello world\n" * 9) if isinstance(item, Reject)] == [("start", "damaged")]


def test_pages_do_not_depend_on_the_pages_before_them():
    again = [record(number, PAGE.encode()) for number in range(6)]
    texts = {item.text for item in read(b"".join(again)) if isinstance(item, Document)}
    assert len(texts) == 1


def test_surplus_white_space_does_not_change_the_document():
    loose = "\r\n\n" + PAGE.replace("><", "> \r\n\r\n\r\n<") + "  \n\n"
    clean = PAGE.replace("><", ">\n\n<")
    assert read(record(1, loose.encode())) == read(record(1, clean.encode()))


@pytest.mark.parametrize(
    ("name", "num_documents", "reasons"),
    [
        ("warc-commoncrawl-whirlwind/whirlwind.warc.gz", 1, {"not_a_response": 3}),
        ("warc-resiliparse/warcfile.warc.gz", 14, {"not_a_response": 34, "no_text": 1, "noindex": 1}),
        ("warc-warcio/example.arc.gz", 1, {"not_a_response": 1}),
        ("warc-resiliparse/clipped.warc.gz", 0, {"damaged": 1}),
        ("warc-warcio/example-iana.org-chunked.warc", 1, {"not_a_response": 2}),
        ("warc-warcio/example-trunc.warc", 1, {"not_a_response": 3, "damaged": 1}),
        ("warc-warcio/post-test.warc.gz", 0, {"not_html": 3, "not_a_response": 3}),
    ],
)
def test_real_files_are_read_to_their_end(shared_data: Path, name: str, num_documents: int, reasons: dict[str, int]):
    path = shared_data / name
    items = read(path.read_bytes(), path.name, max_bytes=2_000_000)
    assert sum(isinstance(item, Document) for item in items) == num_documents
    assert Counter(item.reason for item in items if isinstance(item, Reject)) == reasons


def test_robots_may_be_left_out_of_account() -> None:
    config = WebConfig(favor="precision", include_tables=True, max_bytes=100_000, respect_robots=False)
    data = record(1, PAGE.encode(), more="X-Robots-Tag: noindex\r\n")
    (item,) = SPEC.read(SourceFile("pages.warc", lambda: io.BytesIO(data)), config)
    assert isinstance(item, Document)


def test_what_the_record_tells_of_a_page_is_kept() -> None:
    (item,) = read(record(1, PAGE.encode("cp1251", "ignore"), content_type="text/html"))
    assert isinstance(item, Document)
    assert item.metadata == {"charset": "utf-8", "date": "2024-05-18T01:58:10Z", "extractor": "trafilatura", "mime": "text/html", "status": 200}


def test_the_fast_extractor_takes_what_trafilatura_finds_where_it_is_not_sure() -> None:
    paragraphs = "".join(f"<p>{ARTICLE} {n}.</p>" for n in range(4))
    sure = f"<html><title>A</title><body><article>{paragraphs}</article></body></html>"
    unsure = (
        f"<html><title>B</title><body><div><div class='promo'>{paragraphs}</div><div class='a'>{paragraphs}<p>{ARTICLE}</p></div></div></body></html>"
    )
    short = "<li>Anna kept it through all the winters of the war.</li><li>Bea kept it after her, and then no one did for years.</li>"
    short = f"<html><title>C</title><body><ul>{short}</ul></body></html>"
    config = WebConfig(extractor="fast", favor="balance", include_tables=True, max_bytes=100_000)
    data = b"".join(record(n, html.encode()) for n, html in enumerate((sure, unsure, short, "<html><body></body></html>")))
    items = list(SPEC.read(SourceFile("pages.warc", lambda: io.BytesIO(data)), config))
    assert [item.metadata["extractor"] if isinstance(item, Document) else item.reason for item in items] == [
        "blocks", "trafilatura", "blocks", "no_text",
    ]  # fmt: skip
    assert isinstance(items[2], Document) and items[2].text.split("\n") == [
        "Anna kept it through all the winters of the war.",
        "Bea kept it after her, and then no one did for years.",
    ]
    assert [item.title for item in items if isinstance(item, Document)] == ["A", "B", "C"]


@pytest.mark.parametrize("extractor", ["careful", "fast"])
def test_both_extractors_keep_powers_code_tables_and_lists(extractor: Literal["careful", "fast"]) -> None:
    inner = (
        "<p>It weighs 10<sup>6</sup> g on 3 m<sup>2</sup> for the 1<sup>st</sup> time,<sup><a href='#n1'>[1]</a></sup>"
        " which is more H<sub>2</sub>O.</p><pre><code>def total(items):\n    return sum(items)</code></pre>"
        "<table><tr><th>City</th><th>People</th></tr><tr><td>Altona</td><td>280000</td></tr></table>"
        "<ul><li>First point.</li><li>Second point.</li></ul>"
    )
    config = WebConfig(extractor=extractor, favor="balance", include_tables=True, max_bytes=100_000)
    text, _, _ = extract_article(PAGE.replace("</article>", f"{inner}<p>{ARTICLE} So they say.</p></article>"), config)
    lines = [line.removeprefix("- ") for line in text.split("\n")]
    assert lines[-8:-1] == [
        "It weighs 10^6 g on 3 m^2 for the 1st time, which is more H2O.",
        "def total(items):",
        "    return sum(items)",
        "City | People",
        "Altona | 280000",
        "First point.",
        "Second point.",
    ]


def test_an_undeclared_charset_is_told_by_its_characters() -> None:
    russian = "Маяк стоял на северном мысе двести лет, и каждый смотритель записывал в книгу по строке в день. " * 5
    page = f"<html><body><article><p>{russian}</p></article></body></html>"
    (item,) = read(record(1, page.encode("koi8-r"), content_type="text/html"))
    assert isinstance(item, Document) and "северном мысе" in item.text


def test_a_file_without_line_feeds_is_damaged_before_it_fills_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernels.reading.parsing.archive_records.MAX_LINE_BYTES", 1000)
    (item,) = read(b"WARC/1.0\r\nWARC-Type: " + b"x" * 200_000)
    assert isinstance(item, Reject) and item.reason == "damaged"


def test_a_record_of_arc_is_read_like_one_of_warc() -> None:
    body = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + PAGE.encode()
    head = f"http://example.org/1 10.0.0.1 20240518015810 text/html {len(body)}\n".encode()
    version = (
        b"filedesc://x.arc 0.0.0.0 20240518015810 text/plain 74\n1 0 Test\nURL IP-address Archive-date Content-type Archive-length\n          \n\n\n"
    )
    items = read(version + head + body + b"\n", path="pages.arc")
    documents = [item for item in items if isinstance(item, Document)]
    assert [(item.key, item.url) for item in documents] == [("http://example.org/1 2024-05-18T01:58:10Z", "http://example.org/1")]


def test_a_record_without_an_address_is_damage_and_no_crash() -> None:
    data = record(1, PAGE.encode()) + record(2, PAGE.encode()).replace(b"WARC-Target-URI", b"WARC-Xarget-URI")
    first, second = read(data)
    assert isinstance(first, Document)
    assert isinstance(second, Reject) and second.reason == "damaged"


def test_of_two_records_of_one_id_the_second_is_a_reject() -> None:
    twice = read((record(1, PAGE.encode()) + record(2, PAGE.encode())) * 2)
    assert [(item.key, item.reason if isinstance(item, Reject) else "") for item in twice] == [
        ("urn:uuid:1", ""),
        ("urn:uuid:2", ""),
        ("urn:uuid:1", "duplicate_key"),
        ("urn:uuid:2", "duplicate_key"),
    ]
    same = read(record(1, PAGE.encode(), status="404 Not Found") + record(1, PAGE.encode()))
    assert isinstance(same[1], Document)


@pytest.mark.parametrize("length", ["9" * 25, str(1 << 63), str(1 << 40), "9" * 5000, "-5", "many", ""])
def test_a_length_that_no_record_has_costs_what_follows_and_is_told(length: str) -> None:
    broken = re.sub(rb"Content-Length: \d+", f"Content-Length: {length}".encode(), record(2, PAGE.encode()), count=1)
    for data in (broken, broken.replace(b"WARC-Type: response", b"WARC-Type: request")):
        items = read(record(1, PAGE.encode()) + data + record(3, PAGE.encode()))
        assert isinstance(items[0], Document)
        assert "damaged" in [item.reason for item in items if isinstance(item, Reject)]


@pytest.mark.parametrize(
    "meta", ["", '<meta charset="UTF-8">', "<meta charset=utf8>", '<meta http-equiv=Content-Type content="text/html;charset=utf8">']
)
def test_one_bad_byte_leaves_a_page_what_it_was(meta: str) -> None:
    page = PAGE.replace("<head>", f"<head>{meta}").replace("keepers", "keepers’ wives’").replace("book was", "bo# was")
    spoiled, cut = page.encode().replace(b"#", b"\xff"), page.replace("#", "ok").encode() + b"<p>\xc3"
    for data, content_type in ((spoiled, "text/html"), (cut, "text/html; charset=utf-8")):
        (item,) = read(record(1, data, content_type=content_type))
        assert isinstance(item, Document)
        assert "keepers’ wives’ wrote a line" in item.text
        assert (item.metadata["charset"], item.metadata["num_replaced"]) == ("utf-8", 1)


def test_every_header_of_robots_counts_and_what_is_for_another_crawler_does_not() -> None:
    (item,) = read(record(1, PAGE.encode(), more="X-Robots-Tag: nofollow\r\nx-robots-tag: NOINDEX\r\n"))
    assert isinstance(item, Reject) and item.reason == "noindex"
    (other,) = read(record(1, PAGE.encode(), more="X-Robots-Tag: max-image-preview:none\r\nX-Robots-Tag: googlebot: noindex\r\n"))
    assert isinstance(other, Document)
