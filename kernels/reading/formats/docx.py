"""Word documents (Office Open XML, ECMA-376) as text, one document a file, by python-docx: headings and lists as Markdown, tables row by row.

Nothing but the text of the body is looked at: no macro, no linked file, no picture.
"""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from pydantic import PositiveInt

from kernels.reading.parsing.packages import unpacks_to_too_much
from kernels.reading.parsing.text import tidy, whole
from kernels.specs.config import Config
from kernels.specs.extras import Extra
from kernels.specs.sources import Document, Reject, SourceFile, SourceFormat

EXTRA = Extra("docx", "docx")
MAX_HEADING = 6


class DocxConfig(Config):
    """How long a document may be."""

    max_bytes: PositiveInt
    """A longer file is a reject, and so is one with a longer text."""


def read(file: SourceFile, config: DocxConfig) -> Iterator[Document | Reject]:
    """Yield the text of one file, or why it gives none. Raises ModuleNotFoundError without the extra ``docx``."""
    library: Any = EXTRA.require("Word documents (.docx)")
    data = whole(file, config.max_bytes)
    if isinstance(data, Reject):
        yield data
        return
    try:
        if bomb := unpacks_to_too_much(data):
            yield Reject("file", "bomb", bomb)
            return
        package = library.Document(io.BytesIO(data))
        title = (package.core_properties.title or "").strip() or None
        text = tidy("\n\n".join(filter(None, map(_block, package.iter_inner_content()))))
    except (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError, RuntimeError, SyntaxError, AttributeError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        yield Reject("file", "damaged", f"{type(error).__name__}: {error}"[:500])
        return
    if not text.strip():
        yield Reject("file", "no_text", title or "no text in its body")
    elif len(text.encode("utf-8")) > config.max_bytes:
        yield Reject("file", "too_large", f"a text of more than {config.max_bytes} bytes")
    else:
        yield Document("text", text, title)


def _block(block: Any) -> str:
    """Return a paragraph or a table as text."""
    if hasattr(block, "rows"):
        return "\n".join(" | ".join(" ".join(cell.text.split()) for cell in row.cells) for row in block.rows)
    text = block.text.strip()
    style = (block.style.name or "") if block.style is not None else ""
    if not text or style == "Title":
        return f"# {text}" if text else ""
    if style.startswith("Heading ") and style[8:].isdecimal():
        return f"{'#' * min(int(style[8:]), MAX_HEADING)} {text}"
    return f"- {text}" if style.startswith("List") else text


SPEC = SourceFormat(name="docx", version=1, config=DocxConfig, patterns=("*.docx",), read=read, is_compressible=False, extra=EXTRA)
