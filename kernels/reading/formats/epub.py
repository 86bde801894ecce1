"""Books in EPUB (https://www.w3.org/TR/epub-33/), one document a chapter, in reading order: the items of the package's spine, as Markdown.

The archive is read without unpacking to disk; chapters that are encrypted or missing are rejects, pictures and styles are not looked at.
"""

import io
import posixpath
import zipfile
from collections.abc import Iterator
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from pydantic import PositiveInt

from kernels.reading.parsing.charsets import UndecodableError, decode
from kernels.reading.parsing.markup.markup import markdown
from kernels.reading.parsing.packages import PackageXmlError, parse_xml, unpacks_to_too_much
from kernels.reading.parsing.text import tidy, whole
from kernels.specs.config import Config
from kernels.specs.sources import Document, Reject, SourceFile, SourceFormat

_CONTAINER = "META-INF/container.xml"
_PAGES = ("application/xhtml+xml", "text/html")


class EpubConfig(Config):
    """How long a book and its chapters may be."""

    max_bytes: PositiveInt
    """A longer file is a reject, and so is a longer chapter."""


def read(file: SourceFile, config: EpubConfig) -> Iterator[Document | Reject]:
    """Yield the chapters of one book, keyed by their paths in it, and what of it gives none."""
    data = whole(file, config.max_bytes)
    if isinstance(data, Reject):
        yield data
        return
    try:
        if bomb := unpacks_to_too_much(data):
            yield Reject("file", "bomb", bomb)
            return
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            title, chapters = _spine(book)
            for path in dict.fromkeys(chapters):
                yield _chapter(book, path, title, config)
    except (zipfile.BadZipFile, KeyError, PackageXmlError, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        yield Reject("file", "damaged", f"{type(error).__name__}: {error}"[:500])


def _spine(book: zipfile.ZipFile) -> tuple[str | None, list[str]]:
    """Return a book's title and the paths of its chapters in reading order."""
    root = parse_xml(book.read(_CONTAINER)).find(".//rootfile")
    package_path = root.get("full-path", "") if root is not None else ""
    package = parse_xml(book.read(package_path))
    items = {item.get("id", ""): item for item in package.iterfind("./manifest/item")}
    chosen = [items[ref] for entry in package.iterfind("./spine/itemref") if (ref := entry.get("idref", "")) in items]
    folder = posixpath.dirname(package_path)
    paths = [_path(folder, item) for item in chosen if item.get("media-type") in _PAGES and "nav" not in item.get("properties", "").split()]
    return (package.findtext("./metadata/title") or "").strip() or None, paths


def _path(folder: str, item: Element) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(item.get("href", ""))))


def _chapter(book: zipfile.ZipFile, path: str, title: str | None, config: EpubConfig) -> Document | Reject:
    try:
        info = book.getinfo(path)
        if info.file_size > config.max_bytes:
            return Reject(path, "too_large", f"{info.file_size} bytes; at most {config.max_bytes} are read")
        decoded = decode(book.read(info))
    except KeyError:
        return Reject(path, "damaged", "the book names this chapter and does not hold it")
    except RuntimeError as error:  # what zipfile raises for a member that needs a password
        return Reject(path, "encrypted", str(error))
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        return Reject(path, "damaged", str(error))
    except UndecodableError as error:
        return Reject(path, "undecodable", str(error))
    page = decoded.text
    body = page.lower().find("<body")
    text = tidy(markdown(page[body:] if body >= 0 else page).replace("\0", ""))
    return Document(path, text, title, metadata=decoded.told()) if text.strip() else Reject(path, "no_text", title or "")


SPEC = SourceFormat(name="epub", version=1, config=EpubConfig, patterns=("*.epub",), read=read, is_compressible=False)
