"""Simple HTML, as question sites store it, as Markdown: paragraphs, headings, lists, quotes, tables, fenced code, links, pictures, emphasis.

For the small, clean dialect that a site's own editor writes, where no article has to be found first. One pass over the tags, whatever
their nesting; unknown tags leave their content, formulas between dollar signs stay as they are, and powers and indices keep their value.
"""

import re

from kernels.reading.parsing.markup.inline import Inline
from kernels.reading.parsing.markup.references import unescape
from kernels.reading.parsing.markup.tables import Cell, Table
from kernels.reading.parsing.markup.tags import Tag, tags_and_text

MAX_INDENT = 8
"""Lists and quotes within lists and quotes that are still shown as such."""

_LANGUAGE = re.compile(r"\blang(?:uage)?-([\w+#.-]+)")
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_BLOCKS = _HEADINGS | {"p", "div", "dl", "dt", "dd", "section", "article", "figure", "figcaption", "details", "summary", "address", "center"}
_CELLS = frozenset(("td", "th"))
_HIDDEN = frozenset(("script", "style"))
_FENCE = re.compile(r"`{3,}")
_SEPARATES = _BLOCKS | {"li", "ul", "ol", "blockquote", "br", "hr", "pre", "tr", "table", "caption"} | _CELLS


class _Markdown:
    """Writes blocks of Markdown while tags and text arrive."""

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self.inline = Inline()
        self.prefixes: list[str] = []
        self.counters: list[int] = []
        self.mark = ""
        self.is_list_begun = False
        self.is_definition = False
        self.code: list[str] | None = None
        self.language = ""
        self.hidden = ""
        self.tables: list[Table | None] = []
        self.cell: Tag | None = None

    def text(self, text: str) -> None:
        if self.hidden:
            return
        text = unescape(text)
        if self.code is not None:
            self.code.append(text)
        else:
            self.inline.text(text)

    def close(self, is_tight: bool = False) -> None:
        """End the block that is being written."""
        text = self.inline.take()
        if text:
            self.put(text.split("\n"), is_tight)

    def put(self, lines: list[str], is_tight: bool = False) -> None:
        margin = "".join(self.prefixes[:MAX_INDENT])
        first = margin[: len(margin) - len(self.mark)] + self.mark if self.mark else margin
        block = "\n".join(
            ((margin if number else first) + line).rstrip() if not line else (margin if number else first) + line for number, line in enumerate(lines)
        )
        is_tight = (is_tight or bool(self.mark)) and bool(self.counters) and not self.is_list_begun
        self.blocks.append(("\n" if is_tight or self.is_definition else "\n\n") + block)
        self.mark = ""
        self.is_list_begun = self.is_definition = False

    def tag(self, tag: Tag) -> None:
        name = tag.name
        if self.hidden:
            self.hidden = "" if tag.is_end and name == self.hidden else self.hidden
        elif self.code is not None:
            self._in_code(tag)
        elif name in _HIDDEN:
            self.hidden = "" if tag.is_end else name
        elif name in ("table", "tr", "caption") or name in _CELLS:
            self._in_table(tag)
        elif self.tables and name in _SEPARATES:
            self.inline.text(" ")
        elif name == "pre" and not tag.is_end:
            self.close()
            self.code = []
            self.language = _language(tag)
        elif name in ("ul", "ol", "blockquote", "li"):
            self._end_group(name) if tag.is_end else self._open_group(tag)
        elif name == "br":
            self.inline.line_break()
        elif name == "hr":
            self.close()
            self.put(["---"])
        elif name in _BLOCKS:
            self._block(tag)
        else:
            self.inline.tag(tag)

    def _block(self, tag: Tag) -> None:
        self.close()
        if tag.is_end:
            return
        if tag.name in _HEADINGS:
            self.inline.raw(f"{'#' * int(tag.name[1])} ")
        elif tag.name == "dd":
            self.inline.raw(": ")
            self.is_definition = bool(self.blocks)

    def _open_group(self, tag: Tag) -> None:
        self.close(is_tight=True)
        if tag.name == "blockquote":
            self.prefixes.append(">! " if "spoiler" in tag.attribute("class").split() else "> ")
        elif tag.name == "li":
            if self.counters and self.counters[-1]:
                self.mark = f"{self.counters[-1]}. "
                self.counters[-1] += 1
            else:
                self.mark = "- "
            self.prefixes.append(" " * len(self.mark))
        else:
            start = tag.attribute("start")
            self.is_list_begun = not self.counters
            self.counters.append(0 if tag.name == "ul" else int(start) if start.isdecimal() and 0 < len(start) < 7 and int(start) else 1)

    def _end_group(self, name: str) -> None:
        self.close(is_tight=name == "li")
        if name in ("li", "blockquote"):
            self.mark = ""
            if self.prefixes:
                self.prefixes.pop()
        elif self.counters:
            self.counters.pop()

    def _in_code(self, tag: Tag) -> None:
        if tag.name == "pre" and tag.is_end:
            self._fence()
        elif tag.name == "br" and self.code is not None:
            self.code.append("\n")
        elif tag.name == "code" and not tag.is_end:
            self.language = _language(tag) or self.language

    def _fence(self) -> None:
        code = "".join(self.code or [])
        self.code = None
        if code.strip():
            fence = "`" * max([3, *(len(run) + 1 for run in _FENCE.findall(code))])
            lines = code.split("\n")
            first = next(number for number, line in enumerate(lines) if line.strip())
            last = next(number for number in range(len(lines) - 1, -1, -1) if lines[number].strip())
            self.put([fence + self.language, *lines[first : last + 1], fence])
        self.language = ""

    def _in_table(self, tag: Tag) -> None:
        """Take a table's rows and cells; a table within a cell is text of the cell."""
        if tag.name == "table" and not tag.is_end:
            if self.tables:
                self.inline.text(" ")
            else:
                self.close()
            self.tables.append(None if self.tables else Table())
        elif not self.tables:
            self.inline.text(" ")
        elif len(self.tables) > 1:
            self.inline.text(" ")
            if tag.name == "table":
                self.tables.pop()
        else:
            self._cells(tag)

    def _cells(self, tag: Tag) -> None:
        table = self.tables[0]
        assert table is not None
        text = " ".join(self.inline.take().split())
        if self.cell is not None and self.cell.name == "caption":
            table.caption = text
        elif self.cell is not None:
            table.add(Cell(text, _span(self.cell, "colspan"), _span(self.cell, "rowspan")))
        self.cell = None
        if tag.name == "table":
            self.tables.clear()
            lines = table.lines()
            if table.caption:
                self.put([table.caption])
            if lines:
                self.put(lines)
        elif tag.name == "tr" and not tag.is_end:
            table.begin_row()
        elif not tag.is_end:
            self.cell = tag

    def finish(self) -> str:
        if self.code is not None:
            self._fence()
        if self.tables:
            del self.tables[1:]
            self._cells(Tag("table", is_end=True, rest=""))
        self.close()
        return "".join(self.blocks).strip("\n")


def _language(tag: Tag) -> str:
    language = _LANGUAGE.search(tag.rest)
    return language[1] if language else ""


def _span(cell: Tag, name: str) -> int:
    text = cell.attribute(name)
    return int(text) if text.isdecimal() and len(text) < 4 else 1


def markdown(source: str) -> str:
    """Return HTML as Markdown, with LF line ends."""
    writer = _Markdown()
    for piece in tags_and_text(source.replace("\r\n", "\n").replace("\r", "\n")):
        if isinstance(piece, Tag):
            writer.tag(piece)
        else:
            writer.text(piece)
    return writer.finish()
