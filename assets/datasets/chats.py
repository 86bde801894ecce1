"""Chats with labels of what a pipeline should do with each: questions and answers drawn from packages, or from Python alone for smoke runs."""

import io
import json
import random
import re
from collections.abc import Iterator
from itertools import islice

from assets.datasets.builder import Builder, EmbeddedDataset
from assets.datasets.web import news
from assets.datasets.wikipedia import DUMP, bulgarian_paragraphs
from kernels.reading.formats.wikipedia import WikipediaConfig
from kernels.reading.formats.wikipedia import read as read_dump
from kernels.specs.sources import Document, SourceFile
from kernels.synthesis.chats import Exchange, render_chats, word_tasks
from kernels.synthesis.labels import Label
from kernels.synthesis.python_library import first_lines

SEED = 1


def _build(builder: Builder) -> None:
    """Questions on articles, functions, news, numbers and words."""
    exchanges = [*_article_exchanges(builder), *_docstring_exchanges(1300), *word_tasks(2000, SEED)]
    for row in news(builder)[:700]:
        if len(row["summary"]) < 250:
            exchanges.append(Exchange(f"Summarize: {row['document'][:400].rpartition(' ')[0]}", row["summary"]))
    random.Random(SEED).shuffle(exchanges)
    sentences = [re.split(r"(?<=[а-я]\.) ", text) for text in bulgarian_paragraphs(builder)[150:]]
    foreign = [Exchange(*pair[:2]) for pair in sentences if len(pair) > 1]
    _chat_files(builder, exchanges, foreign, 3)


def _build_smoke(builder: Builder) -> None:
    """Questions on functions, numbers and words."""
    exchanges = [*_docstring_exchanges(120), *word_tasks(200, SEED)]
    random.Random(SEED).shuffle(exchanges)
    _chat_files(builder, exchanges, [], 1)


def _article_exchanges(builder: Builder) -> Iterator[Exchange]:
    """Yield what (or, where years of life stand behind the name, who) is X, answered by the first sentence of the article X."""
    content = builder.read("gensim", DUMP)
    for record in read_dump(SourceFile("dump.xml.bz2", lambda: io.BytesIO(content)), WikipediaConfig(drop_sections=())):
        if isinstance(record, Document):
            sentence = re.split(r"(?<=[a-z)]\.)\s", record.text.strip(), maxsplit=1)[0]
            if 40 < len(sentence) < 300 and "\n" not in sentence:
                asked = "Who was" if re.search(r"\([^)]*\d{3,4}[^)]*[–-][^)]*\d{3,4}[^)]*\) was", sentence) else "What is"
                yield Exchange(f"{asked} {record.title}?", sentence)


def _docstring_exchanges(limit: int) -> Iterator[Exchange]:
    """Yield questions on functions of the library, answered by the first line of their docstrings."""
    for name, line in islice(first_lines(), limit):
        yield Exchange(f"What does {name} do?", line)


def _chat_files(builder: Builder, exchanges: list[Exchange], foreign: list[Exchange], num_files: int) -> None:
    """Write exchanges as so many files of conversations, and the labels of all."""
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


SPEC = EmbeddedDataset(name="chats", build=_build, build_smoke=_build_smoke)
