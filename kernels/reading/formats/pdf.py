"""PDF files as text, one document a file, by pypdf: the text that pages hold, none that would have to be read off pictures of them."""

import io
import logging
from collections.abc import Iterator
from typing import Any

from pydantic import PositiveInt

from kernels.reading.parsing.rows import BadRecordError, require_unicode
from kernels.reading.parsing.text import tidy, whole
from kernels.specs.config import Config
from kernels.specs.extras import Extra
from kernels.specs.sources import Document, Reject, SourceFile, SourceFormat

EXTRA = Extra("pdf", "pypdf")


class PdfConfig(Config):
    """How long a document may be."""

    max_bytes: PositiveInt
    """A longer file is a reject, and so is one with a longer text."""
    max_pages: PositiveInt = 5000
    """A file with more pages is a reject."""


def read(file: SourceFile, config: PdfConfig) -> Iterator[Document | Reject]:
    """Yield the text of one file, or why it gives none. Raises ModuleNotFoundError without the extra ``pdf``."""
    library: Any = EXTRA.require("PDF files")
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what it says of each flaw goes into the rejects where it matters
    data = whole(file, config.max_bytes)
    if isinstance(data, Reject):
        yield data
        return
    try:
        yield _document(library.PdfReader(io.BytesIO(data)), config)
    except BadRecordError as error:
        yield Reject("file", error.reason, error.detail)
    except Exception as error:  # over damaged files pypdf raises whatever its parts do; the bytes are in memory, so no disk is to blame
        yield Reject("file", "damaged", f"{type(error).__name__}: {error}"[:500])


def _document(package: Any, config: PdfConfig) -> Document:
    """Return the document of an open file. Raises BadRecordError."""
    if package.is_encrypted and not package.decrypt(""):
        raise BadRecordError("encrypted", "needs a password")
    num_pages = len(package.pages)
    if num_pages > config.max_pages:
        raise BadRecordError("too_large", f"{num_pages} pages; at most {config.max_pages} are read")
    pages: list[str] = []
    size = 0
    for page in package.pages:
        pages.append((page.extract_text() or "").replace("\0", "").strip())
        size += len(pages[-1].encode("utf-8", "replace"))
        if size > config.max_bytes:
            raise BadRecordError("too_large", f"a text of more than {config.max_bytes} bytes")
    text = tidy("\n\n".join(filter(None, pages)))
    title = str(package.metadata.get("/Title") or "" if package.metadata else "").strip() or None
    if not text.strip():
        raise BadRecordError("no_text", f"{num_pages} pages without text: pictures of pages, perhaps")
    require_unicode(text, title)
    return Document("text", text, title, metadata={"pages": num_pages})


SPEC = SourceFormat(name="pdf", version=1, config=PdfConfig, patterns=("*.pdf",), read=read, is_compressible=False, extra=EXTRA)
