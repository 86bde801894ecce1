"""What an artifact tells of itself beside its files: numbers, texts, Markdown, plots, links. Kept in the manifest as JSON."""

from typing import Any

SAMPLE_CHARS = 160


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
    text = " ".join(f"{value:.4g}".split() if isinstance(value, float) else str(value).split())
    text = text if len(text) <= SAMPLE_CHARS else text[: SAMPLE_CHARS - 1] + "…"
    return text.replace("|", "\\|").replace("<", "&lt;")


def rows_markdown(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Return rows as metadata: a Markdown table."""
    return markdown(markdown_table(rows))
