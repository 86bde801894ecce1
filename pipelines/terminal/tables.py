"""Tables in the terminal, whole: one that is wider than the terminal goes on below, and no value is cut."""

import re

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

from assets.graph.metadata import words_of_markdown
from pipelines.terminal.application import markdown, styled
from pipelines.terminal.units import size

GAP = 2
"""Blanks between two columns."""
MAX_WIDTH = 1000
MAX_CELL_CHARS = 60
"""A wider cell is folded."""
_TABLE = re.compile(r"(?:^\|.*\|[ \t]*(?:\n|\Z)){2,}", re.MULTILINE)


def print_markdown(console: Console, text: str) -> None:
    """Print Markdown."""
    place = 0
    for match in _TABLE.finditer(text):
        _print_prose(console, text[place : match.start()])
        _print_table(console, [_cells(line) for line in match[0].strip().splitlines()])
        place = match.end()
    _print_prose(console, text[place:])


def print_whole(console: Console, table: Table) -> None:
    """Print a table with nothing cut or folded, past the terminal's width where it must be."""
    table.width = Measurement.get(console, console.options.update_width(MAX_WIDTH), table).maximum
    before = console.width
    console.width = max(table.width, before)
    try:
        console.print(table, crop=False)
    finally:
        console.width = before


def _print_prose(console: Console, text: str) -> None:
    if text.strip():
        console.print(markdown(text))


def _cells(line: str) -> list[str]:
    """Return the cells of a line of a Markdown table."""
    parts = re.split(r"(?<!\\)\|", line.strip()[1:-1])
    return [words_of_markdown(part.strip()) for part in parts]


def _print_table(console: Console, lines: list[list[str]]) -> None:
    names, rows = lines[0], lines[2:]
    for columns in fitting(widths(names, rows), console.width):
        table = Table(
            *(Column(Text(names[index]), overflow="fold") for index in columns), box=box.SIMPLE_HEAD, padding=(0, GAP, 0, 0), pad_edge=False
        )
        for row in rows:
            table.add_row(*(Text(row[index]) for index in columns))
        console.print(table)


def widths(names: list[str], rows: list[list[str]]) -> list[int]:
    """Return how wide each column is, its name folded where it is longer than the values and than its own longest word."""
    found: list[int] = []
    for index, name in enumerate(names):
        longest_word = max((cell_len(word) for word in name.split()), default=0)
        values = max((cell_len(row[index]) for row in rows), default=0)
        found.append(max(1, min(MAX_CELL_CHARS, max(longest_word, values))))
    return found


def fitting(column_widths: list[int], width: int) -> list[list[int]]:
    """Return the columns in groups that fit into a width, each with the first column before it."""
    if not column_widths:
        return []
    groups, room = [[0]], width - column_widths[0] - GAP
    left = room
    for index, wide in enumerate(column_widths[1:], 1):
        if wide + GAP > left and len(groups[-1]) > 1:
            groups.append([0])
            left = room
        groups[-1].append(index)
        left -= wide + GAP
    return groups


def memory_cell(num_bytes: float, *, fits: bool) -> Text:
    """Return a size for a cell, in red where it is more than there is."""
    return styled(size(num_bytes)) if fits else styled((f"{size(num_bytes)}, too much", "red"))
