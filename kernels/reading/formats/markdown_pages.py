"""Pages in Markdown, one document a file, their marks kept: a model learns headings, lists and code blocks from them.

Front matter between two lines of three dashes is taken off; its title is the document's, else the first heading is. Comments go too.
"""

import re
from collections.abc import Iterator

from pydantic import PositiveInt

from kernels.reading.parsing.charsets import UndecodableError, decode
from kernels.reading.parsing.text import tidy, whole
from kernels.specs.config import Config
from kernels.specs.sources import Document, Reject, SourceFile, SourceFormat

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.{0,65536}?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"^title[ \t]*:[ \t]*(.+)$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,2}[ \t]+(.{1,300}?)[ \t#]*$", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


class MarkdownConfig(Config):
    """How long a page may be."""

    max_bytes: PositiveInt
    """A longer file is a reject."""


def read(file: SourceFile, config: MarkdownConfig) -> Iterator[Document | Reject]:
    """Yield the text of one file, or why it gives none."""
    data = whole(file, config.max_bytes)
    if isinstance(data, Reject):
        yield data
        return
    try:
        decoded = decode(data)
    except UndecodableError as error:
        yield Reject("file", "undecodable", str(error))
        return
    yield _document(decoded.text, decoded.told())


def _document(raw: str, told: dict[str, str | int]) -> Document | Reject:
    if "\0" in raw:
        return Reject("file", "binary", "NUL bytes in what should be text")
    page = raw.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    front = _FRONT_MATTER.match(page)
    text = tidy(_COMMENT.sub("", page[front.end() :] if front else page))
    if not text.strip():
        return Reject("file", "no_text", "only front matter, comments or white space")
    title = (_TITLE.search(front[1]) if front else None) or _HEADING.search(text)
    return Document("text", text, title[1].strip().strip("\"'") if title else None, metadata=told)


SPEC = SourceFormat(name="markdown", version=1, config=MarkdownConfig, patterns=("*.md", "*.markdown"), read=read)
