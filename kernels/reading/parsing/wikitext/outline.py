"""The lines of a page as Markdown: headings, lists and paragraphs, without the sections that are not wanted and the debris of tables."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kernels.reading.parsing.wikitext.marks import LOST
from kernels.reading.parsing.wikitext.sentences import without_lost

MAX_INDENT = 12
"""Lists within lists that are still shown by indentation."""

_LIST = re.compile(r"([*#:;]++)\s*+(.*)", re.DOTALL)
_ORPHAN = re.compile(r"[.,;:](?=\s|$)\s*")
_ITEM = re.compile(r"\s*- ")
_ROW = ("|-", "|}", "|+", "{|", "||")
_TOP = 0


class _Section(NamedTuple):
    """A heading's level and words, and the lines below it; the level of what stands before the first heading is 0."""

    level: int
    title: str
    lines: list[str]


def outline(lines: Iterable[str], dropped: set[str]) -> tuple[list[str], list[str]]:
    """Return lines in Markdown, and the first lost template of each sentence that is left out.

    Headings that nothing follows go, and so do the sections whose titles are ``dropped``.
    """
    kept: list[_Section] = []
    lost: list[str] = []
    for section in _wanted(_sections(lines), dropped):
        written, names = _without_lost(section.lines)
        title, title_names = without_lost(section.title)
        lost += names + title_names
        kept.append(_Section(section.level if title else _TOP, title, written))
    return list(_shown(kept)), lost


def _sections(lines: Iterable[str]) -> list[_Section]:
    sections = [_Section(_TOP, "", [])]
    for line in _without_rows([line.strip() for line in lines]):
        if heading := _heading(line):
            sections.append(_Section(*heading, []))
        elif not line.startswith("----"):
            sections[-1].lines.append(_list_item(line))
    return sections


def _heading(line: str) -> tuple[int, str] | None:
    """Return a heading's level and words: the level is the number of equals signs that stand on both sides."""
    if not line.startswith("=") or not line.endswith("=") or len(line) < 3:
        return None
    level = min(len(line) - len(line.lstrip("=")), len(line) - len(line.rstrip("=")), 6, (len(line) - 1) // 2)
    title = line[level:-level].strip()
    return (level, title) if title.strip("= ") else None


def _without_rows(lines: list[str]) -> Iterator[str]:
    """Yield lines without the rows of tables that have no beginning or no end.

    Those are neighbours that begin with a bar and follow the sign of a table, or have a sign of a row among them.
    """
    held: list[str] = []
    is_table = False
    for line in [*lines, ""]:
        if line.startswith(("|", "!")):
            held.append(line)
            continue
        if not is_table and not any(row.startswith(_ROW) or "||" in row or "!!" in row for row in held):
            yield from held
        held.clear()
        is_table = line.startswith("{|")
        if not is_table:
            yield line


def _list_item(line: str) -> str:
    item = _LIST.match(line)
    if not item:
        return line
    marks, words = item[1], item[2]
    if marks[-1] == ";":  # a term with its meaning
        words = words.replace(" : ", ": ", 1)
    if marks[-1] in ":;" or not words:
        return words
    words = words[orphan.end() :] if (orphan := _ORPHAN.match(words)) else words
    return f"{'  ' * (min(len(marks), MAX_INDENT) - 1)}- {words}" if words else ""


def _wanted(sections: list[_Section], dropped: set[str]) -> Iterator[_Section]:
    skipped = 7
    for section in sections:
        skipped = 7 if section.level <= skipped else skipped
        if section.level and section.level < skipped and section.title.casefold() in dropped:
            skipped = section.level
        if section.level < skipped:
            yield section


def _without_lost(lines: list[str]) -> tuple[list[str], list[str]]:
    """Return lines without the sentences that a template is lost in. Neighbouring lines that are no list are one paragraph."""
    written: list[str] = []
    names: list[str] = []
    paragraph: list[str] = []

    def end() -> None:
        text = "\n".join(paragraph)
        paragraph.clear()
        if LOST in text:
            mark = item[0] if (item := _ITEM.match(text)) else ""
            text, lost = without_lost(text[len(mark) :])
            text = mark + text if text else ""
            names.extend(lost)
        written.extend(text.split("\n"))

    for line in lines:
        if paragraph and (not line or _ITEM.match(line) or not paragraph[-1] or _ITEM.match(paragraph[-1])):
            end()
        paragraph.append(line)
    end()
    return written, names


def _shown(sections: list[_Section]) -> Iterator[str]:
    """Yield the lines of sections, without the headings that nothing follows."""
    below = 0
    shown: list[list[str]] = []
    for section in reversed(sections):
        if section.level and below <= section.level and not any(section.lines):
            continue
        below = section.level
        shown.append([f"\n{'#' * section.level} {section.title}\n", *section.lines] if section.level else section.lines)
    for lines in reversed(shown):
        yield from lines
