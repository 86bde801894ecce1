"""What an artifact tells of itself beside its files: numbers, texts, Markdown, plots, links. Kept in the manifest as JSON."""

import re
from typing import Any

from kernels.documents.visible import visible

SAMPLE_CHARS = 160
_STARTS = re.compile(r"[\\`*_\[\]|~]")
"""What begins or ends a piece of markup within a line."""
_ESCAPED = re.compile(rf"\\({_STARTS.pattern})")


def markdown(text: str) -> dict[str, str]:
    """Return Markdown as metadata."""
    return {"markdown": text}


def plot(name: str) -> dict[str, str]:
    """Return a PNG file of the artifact as metadata."""
    return {"png": name}


def markdown_table(rows: list[dict[str, Any]]) -> str:
    """Return rows as a Markdown table, long values cut."""
    if not rows:
        return "no rows"
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    return "\n".join([*lines, *("| " + " | ".join(_in_a_cell(row[name]) for name in names) + " |" for row in rows)])


def _in_a_cell(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)[: SAMPLE_CHARS * 100]
    text = " ".join(text.split())
    return markdown_words(text if len(text) <= SAMPLE_CHARS else text[: SAMPLE_CHARS - 1] + "…")


def markdown_words(text: object) -> str:
    """Return words that others wrote so that Markdown shows them as they are: they load no picture, link nowhere and end no cell of a table."""
    return _STARTS.sub(r"\\\g<0>", visible(" ".join(str(text).split()))).replace("&", "&amp;").replace("<", "&lt;").replace("://", ":&#47;/")


def words_of_markdown(text: str) -> str:
    """Return the words that `markdown_words` was given, for what shows no Markdown."""
    return _ESCAPED.sub(r"\1", text.replace(":&#47;/", "://").replace("&lt;", "<").replace("&amp;", "&"))


def rows_markdown(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Return rows as metadata: a Markdown table."""
    return markdown(markdown_table(rows))
