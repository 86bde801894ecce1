"""Hostile inputs: files made to crash, hang or fill the readers and filters, a thousand of them, the same each time."""

import bz2
import gzip
import io
import json
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tests.hostile_archives import archives

NUM_INPUTS = 1000

OPTIONS: dict[str, dict[str, Any]] = {
    "web": {"favor": "balance", "include_tables": False, "max_bytes": 1_000_000, "extractor": "fast"},
    "wet": {"max_bytes": 1_000_000},
    "wikipedia": {"drop_sections": ["References"]},
    "books": {"max_chars": 12_000},
    "code": {"max_bytes": 200_000, "num_marker_lines": 5, "max_blank_lines": 2},
    "chats": {},
    "jsonl": {"text_field": "text", "max_bytes": 1_000_000},
    "csv": {"text_field": "text", "max_bytes": 1_000_000},
    "parquet": {"text_field": "text", "max_bytes": 1_000_000},
    "arrow": {"text_field": "text", "max_bytes": 1_000_000},
    "datasets": {"text_field": "text", "max_bytes": 1_000_000},
    "text": {"split": "file", "max_bytes": 1_000_000},
    "html": {"favor": "balance", "include_tables": False, "max_bytes": 1_000_000, "extractor": "fast"},
    "markdown": {"max_bytes": 1_000_000},
    "docx": {"max_bytes": 1_000_000},
    "pdf": {"max_bytes": 1_000_000},
    "epub": {"max_bytes": 1_000_000},
    "reddit": {"collect": "threads", "order": "scattered", "min_comment_score": 1, "max_comments": 100, "max_bytes": 1_000_000},
    "stackexchange": {"answer": "best", "min_question_score": 0, "min_answer_score": 0, "max_bytes": 1_000_000},
}
"""What each format needs to be told. The fast extractor of web pages hands those that it is not sure of to the careful one."""
SUFFIX = {
    "web": ".warc", "wet": ".warc.wet", "wikipedia": ".xml", "books": ".txt", "code": ".py", "chats": ".jsonl", "jsonl": ".jsonl", "csv": ".csv",
    "parquet": ".parquet", "arrow": ".arrow", "datasets": ".arrow", "text": ".txt", "reddit": "_comments.jsonl", "stackexchange": ".xml",
    "html": ".html", "markdown": ".md", "docx": ".docx", "pdf": ".pdf", "epub": ".epub",
}  # fmt: skip


class Endless(io.RawIOBase):
    """A file of one repeated pattern that is made as it is read: a gigabyte without a gigabyte."""

    def __init__(self, head: bytes, pattern: bytes, size: int) -> None:
        self._head, self._pattern, self._size, self._place = head, pattern * (65536 // len(pattern) + 1), size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._place = offset if whence == io.SEEK_SET else (self._place if whence == io.SEEK_CUR else self._size) + offset
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: Any, /) -> int:
        count = min(len(buffer), self._size - self._place, 65536)
        if count <= 0:
            return 0
        data = self._head[self._place : self._place + count] or self._pattern[:count]
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)


class Hostile(NamedTuple):
    """One input: what it does, the format that is to read it, the file's name, and how to open it."""

    kind: str
    format: str
    name: str
    open: Callable[[], Any]


def wrap(format_: str, text: bytes) -> bytes:
    """Return bytes as a record of a format would hold them, no care taken for what they break."""
    quoted = json.dumps({"text": text.decode("utf-8", "replace"), "id": "x", "body": text.decode("utf-8", "replace"), "score": 5}).encode() + b"\n"
    html = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>" + text + b"</p></body></html>"
    head = b"WARC/1.0\r\nWARC-Type: %s\r\nWARC-Record-ID: <urn:uuid:1>\r\nWARC-Target-URI: http://example.org/\r\nContent-Length: %d\r\n"
    http = b"Content-Type: application/http; msgtype=response\r\n\r\n"
    page = b"<mediawiki><page><title>T</title><ns>0</ns><id>1</id><revision><text>" + text + b"</text></revision></page></mediawiki>"
    match format_:
        case "web":
            return head % (b"response", len(html)) + http + html + b"\r\n\r\n"
        case "wet":
            return head % (b"conversion", len(text)) + b"\r\n" + text + b"\r\n\r\n"
        case "wikipedia":
            return page
        case "stackexchange":
            return b'<posts><row Id="1" PostTypeId="1" Score="3" Title="t" Body="' + text + b'" /></posts>'
        case "jsonl" | "reddit":
            return quoted
        case "chats":
            turns = [{"role": "user", "content": text.decode("utf-8", "replace")}, {"role": "assistant", "content": "yes"}]
            return json.dumps({"messages": turns}).encode() + b"\n"
        case "csv":
            return b'id,text\n1,"' + text + b'"\n'
        case _:
            return text


def texts(dice: random.Random) -> Iterator[tuple[str, bytes]]:
    """Yield texts that hurt."""
    yield "nul bytes", b"\0" * 5000 + b"text" + b"\0" * 5000
    yield "invalid utf-8", bytes(dice.randrange(256) for _ in range(20_000))
    yield "lone surrogates", b"\xed\xa0\x80" * 2000
    yield "a word of 10 MB", b"a" * 10_000_000
    yield "deep html", b"<div>" * 100_000 + b"x"
    yield "deep brackets", b"[" * 100_000
    yield "deep templates", b"{{" * 100_000
    yield "deep links", b"[[" * 100_000 + b"]]" * 50_000
    yield "deep json", b'{"text":' * 100_000
    yield "combining marks", "e\u0301".encode() + "\u0301".encode() * 200_000
    yield "right to left", ("\u202e" + "abc" * 10).encode() * 5000
    yield "only white space", b" \t\n\r\x0b\x0c" * 50_000
    yield "line feeds", b"\n" * 1_000_000
    yield "regular expression killer: e-mail", b"a" * 100_000 + b"@" + b"a." * 50_000
    yield "regular expression killer: digits", b"1234 " * 200_000
    yield "regular expression killer: dashes", b"- " * 300_000 + b"-" * 300_000
    yield "regular expression killer: quotes", b"'\"" * 300_000
    yield "regular expression killer: meta", b"<meta " * 50_000 + b"charset" * 1000
    yield "prefix after prefix", b"(" * 1_000_000
    yield "stop after stop", b"." * 1_000_000
    yield "control tokens", b"<|im_start|>system\nx<|im_end|>\n<|endoftext|>" * 100
    yield "billion laughs", b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><l>&b;</l>'
    yield "external entity", b'<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]><l>&x;</l>'
    yield "repetition", b"the same line again and again\n" * 30_000
    yield "emoji", "\U0001f468\u200d\U0001f469\u200d\U0001f467".encode() * 20_000
    yield "no spaces", "漢字".encode() * 100_000
    yield "regular expression killer: secrets", b"AKIA" + b"A" * 100_000 + b"-----BEGIN " * 20_000 + b"eyJ." * 50_000
    yield "regular expression killer: assignments", b"password = '" + b"\\'" * 200_000
    yield "regular expression killer: addresses", b"1 " * 100_000 + b"http://" * 50_000 + b"+1 (" * 50_000 + b"GB29 " * 50_000
    yield "unclosed tags", b"<p><b><i><a href='" * 30_000
    yield "crossed tags", b"<span><div></span></div>" * 40_000
    yield "nested tables", b"<table><tr><td>" * 30_000
    yield "unclosed comments", b"<!--" * 200_000 + b"<script>" * 50_000
    yield "huge numbers", b"9" * 1_000_000 + b" 1e999999 " * 1000
    yield "every character", "".join(map(chr, [*range(0xD800), *range(0xE000, 0x30000, 7)])).encode()


def hostile_inputs(seed: int = 1) -> list[Hostile]:
    """Return `NUM_INPUTS` inputs: each text in each format, endless lines, archives, then damaged copies of those by chance."""
    dice = random.Random(seed)
    made: list[tuple[str, str, str, bytes]] = []
    for kind, text in texts(dice):
        made += [(kind, format_, f"x{SUFFIX[format_]}", wrap(format_, text)) for format_ in OPTIONS]
    made += [(kind, "code", name, data) for kind, name, data in archives()]
    made += [
        ("gzip bomb", format_, f"x{SUFFIX[format_]}.gz", gzip.compress(wrap(format_, b" " * 50_000_000))) for format_ in ("text", "jsonl", "web")
    ]
    made += [("bzip2 of nothing", "wikipedia", "x.xml.bz2", bz2.compress(b"")[:9])]
    endless = [
        Hostile("a line of 1 GB", format_, f"x{SUFFIX[format_]}", lambda format_=format_: Endless(wrap(format_, b"")[:-2], b"x", 1 << 30))
        for format_ in ("jsonl", "csv", "text", "books", "chats", "reddit", "web", "wet", "code")
    ]
    inputs = [Hostile(kind, format_, name, lambda data=data: io.BytesIO(data)) for kind, format_, name, data in made] + endless
    small = [entry for entry in made if len(entry[3]) < 200_000]
    while len(inputs) < NUM_INPUTS:
        kind, format_, name, data = dice.choice(small)
        damaged = bytearray(data)
        for _ in range(dice.randrange(1, 20)):
            if damaged:
                damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        cut = bytes(damaged[: dice.randrange(len(damaged) + 1)])
        inputs.append(Hostile(f"damaged: {kind}", format_, name, lambda cut=cut: io.BytesIO(cut)))
    return inputs
