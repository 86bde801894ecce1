"""Books in plain text, one document a chapter, act or scene; Project Gutenberg's header and licence are taken off.

In which charset a file is, is told by the rule of `kernels.reading.parsing.charsets`, from all of it, unless the recipe says it. Sections begin
at headings that stand alone in a paragraph; a longer section is cut between paragraphs. Lines stay wrapped as in the file.
"""

import io
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain, dropwhile, islice
from typing import NamedTuple

from pydantic import PositiveInt

from kernels.reading.parsing.charsets import (
    UTF8,
    UndecodableError,
    Utf8Count,
    choose_charset,
    codec_of,
    is_few,
    marked,
    told,
    unmarked_utf16,
    whatwg_name,
)
from kernels.reading.parsing.samples import SEPARATORS, head_text
from kernels.reading.parsing.text import DamagedFileError, decompressed
from kernels.reading.parsing.transcoding import Charset
from kernels.specs.config import Config
from kernels.specs.sources import Document, Recognised, Reject, SourceFile, SourceFormat

HEADER_PARAGRAPHS = 200
"""How far from the top Gutenberg's start marker is looked for: beyond the "small print" of the oldest files."""
HEADER_CHARS = 1 << 18
"""The same in characters, where paragraphs are endless."""
LINE_CHARS = 1 << 16
"""A longer line is read in pieces of this many characters."""

_START = re.compile(
    r"^\s*(?:\*{3}\s*START OF (?:THE|THIS) PROJECT GUTENBERG[^*]*(?:\*{3}|$)|\*END\s*\*?\s*THE SMALL PRINT.*)", re.IGNORECASE | re.MULTILINE
)
_END = re.compile(r"^\s*(?:\*{3}\s*)?END OF (?:(?:THE|THIS) )?PROJECT GUTENBERG", re.IGNORECASE | re.MULTILINE)
_TITLE = re.compile(r"^Title:\s*(.+)", re.MULTILINE)
_CREDIT = re.compile(r"\s*(?:Produced by|E-?text (?:prepared|produced) by|This e-?text was (?:prepared|produced) by)\b", re.IGNORECASE)

_NUMBER = r"(?i:\d+|[IVXLCDM]+|the \w+|one|two|three|four|five|six|seven|eight|nine|ten|first|second|third|fourth|fifth|last)"
_BREAK = r"(?=\s*$|\s*[.:\-\u2013\u2014]|\s+[A-Z(\[])"
_OUTER = re.compile(rf"\s*((?:BOOK|Book|PART|Part|VOLUME|Volume|ACT|Act)\s+{_NUMBER}){_BREAK}")
_INNER = re.compile(
    rf"\s*((?:CHAPTER|Chapter|SCENE|Scene|CANTO|Canto|STAVE|Stave|LETTER|Letter)\s+{_NUMBER}"
    rf"|PROLOGUE|Prologue|EPILOGUE|Epilogue|PREFACE|Preface|INTRODUCTION|Introduction){_BREAK}"
)


class BooksConfig(Config):
    """How books are cut."""

    max_chars: PositiveInt
    """A section is cut behind the paragraph with which it reaches this many characters."""
    charset: Charset | None = None
    """The charset of files without a byte order mark, by one of its WHATWG labels; None has it told by the bytes."""


class _Section(NamedTuple):
    name: str
    text: str


class _Charset(NamedTuple):
    """How a file becomes text: the codec, and whether bytes of it are replaced or cut off at its end."""

    codec: str
    is_damaged: bool = False
    is_cut: bool = False


def read(file: SourceFile, config: BooksConfig) -> Iterator[Document | Reject]:
    """Stream the sections of one book; a key is the section's headings, with ``/2``, ``/3`` behind it where the section was cut."""
    try:
        charset = _charset(file, config.charset)
    except UndecodableError as error:
        yield Reject("file", "undecodable", str(error))
        return
    if charset is None:
        yield Reject("file", "binary", "NUL bytes in what should be text")
        return
    pieces: dict[str, int] = {}
    damage: list[str] = []
    cut: list[int] = []
    with decompressed(file) as stream:
        title, body = _without_boilerplate(_paragraphs(_lines(stream, charset, damage, cut), config.max_chars))
        for name, text in _sections(body, config.max_chars):
            pieces[name] = pieces.get(name, 0) + 1
            key = name if pieces[name] == 1 else f"{name}/{pieces[name]}"
            num_replaced = (text.count("\ufffd") if charset.is_damaged else 0) + (cut.pop() if cut else 0)
            yield Document(key=key, text=text, title=title, metadata={"section": name, **told(whatwg_name(charset.codec), num_replaced)})
    if damage:
        yield Reject("end", "damaged", damage[0])
    elif not pieces:
        yield Reject("file", "no_text", "only white space, or nothing between the Gutenberg markers")


def _charset(file: SourceFile, label: str | None) -> _Charset | None:
    """Return how a whole file is text, and none for binary data. Raises UndecodableError."""
    count = Utf8Count()
    with decompressed(file) as stream, suppress(DamagedFileError):  # the second reading reports damage, behind what is sound
        chunk = stream.read(1 << 16) or b""
        if found := marked(chunk):
            return _Charset("utf-8-sig" if found[1] == UTF8 else found[1].removesuffix("-le").removesuffix("-be"), is_damaged=True)
        if (declared := codec_of(label) if label else None) is not None:
            return _Charset(declared[1], is_damaged=True)
        if (codec := unmarked_utf16(chunk)) is not None:
            return _Charset(codec)
        while chunk:
            if b"\0" in chunk:
                return None
            count.feed(chunk)
            chunk = stream.read(1 << 16)
    codec = choose_charset(count)
    if codec == UTF8 and not is_few(count.num_bad, count.num_chars):
        raise UndecodableError(f"{count.num_bad} of {count.num_chars} characters are not UTF-8")
    return _Charset(codec, is_damaged=codec != UTF8 or count.num_bad > 0, is_cut=codec == UTF8 and count.end())


def _lines(stream: io.RawIOBase, charset: _Charset, damage: list[str], cut: list[int]) -> Iterator[str]:
    """Yield lines, endless ones in pieces, up to the end or to damage, which is noted; so is half a character left out at the end."""
    try:
        text = io.TextIOWrapper(io.BufferedReader(stream), encoding=charset.codec, errors="replace")
        while line := text.readline(LINE_CHARS):
            if charset.is_cut and line.endswith("\ufffd") and len(line) < LINE_CHARS:
                line = line[:-1]
                cut.append(1)
            yield line
    except DamagedFileError as error:
        damage.append(str(error))


def _without_boilerplate(paragraphs: Iterator[str]) -> tuple[str | None, Iterator[str]]:
    """Return the book's title, where a Gutenberg header tells it, and the paragraphs between the Gutenberg markers."""
    head: list[str] = []
    size = 0
    for paragraph in islice(paragraphs, HEADER_PARAGRAPHS):
        head.append(paragraph)
        size += len(paragraph)
        if size > HEADER_CHARS:
            break
    starts = [(index, match.end()) for index, paragraph in enumerate(head) if (match := _START.search(paragraph))]
    if not starts:
        return None, _until_end(chain(head, paragraphs))
    index, end = starts[-1]
    titles = [match[1] for paragraph in head[: index + 1] if (match := _TITLE.search(paragraph))]
    body = _until_end(chain([head[index][end:].strip("\n")], head[index + 1 :], paragraphs))
    return next(iter(titles), None), dropwhile(_CREDIT.match, body)


def _until_end(paragraphs: Iterable[str]) -> Iterator[str]:
    """Yield paragraphs up to Gutenberg's end marker."""
    for paragraph in paragraphs:
        end = _END.search(paragraph)
        if text := (paragraph[: end.start()] if end else paragraph).rstrip():
            yield text
        if end:
            return


def _paragraphs(lines: Iterable[str], max_chars: int) -> Iterator[str]:
    """Yield runs of lines that are not blank, without blanks at line ends; a run that grows past ``max_chars`` is cut."""
    run: list[str] = []
    size = 0
    is_within_line = False
    for line in chain(lines, [""]):
        text = line.rstrip()
        is_end = not text and not is_within_line
        if (is_end or size > max_chars) and run:
            yield "\n".join(run)
            run, size = [], 0
        if is_within_line and run:
            run[-1] += text
        elif text:
            run.append(text)
        size += len(text)
        is_within_line = len(line) == LINE_CHARS and not line.endswith("\n")


def _heading(paragraph: str) -> re.Match[str] | None:
    """Return the match of a paragraph that is a heading: at most three short lines that begin with a section's name."""
    if len(paragraph) > 200 or paragraph.count("\n") > 2:
        return None
    return _OUTER.match(paragraph) or _INNER.match(paragraph)


def _sections(paragraphs: Iterable[str], max_chars: int) -> Iterator[_Section]:
    """Group paragraphs into sections; headings with nothing between them open one section together."""
    outer = inner = ""
    held: list[str] = []
    size = 0
    has_body = False

    def section() -> _Section:
        return _Section(", ".join(filter(None, (outer, inner))) or "text", "\n\n".join(held))

    for paragraph in paragraphs:
        heading = _heading(paragraph)
        if heading and has_body:
            yield section()
            held, size, has_body = [], 0, False
        if heading:
            name = " ".join(heading[1].upper().split())
            outer, inner = (name, "") if heading.re is _OUTER else (outer, name)
        held.append(paragraph)
        size += len(paragraph)
        has_body = has_body or not heading
        if size >= max_chars:
            yield section()
            held, size, has_body = [], 0, False
    if held:
        yield section()


def recognise(file: SourceFile) -> Recognised | None:
    """Return whether a file is text in one piece."""
    text = head_text(file)
    is_text = bool(text.strip()) and not any(separator in text for separator in SEPARATORS)
    return Recognised({}, "prose, cut at chapters where it has them") if is_text else None


SPEC = SourceFormat(name="books", version=3, config=BooksConfig, patterns=("*.txt", "*.text"), read=read, recognise=recognise)
