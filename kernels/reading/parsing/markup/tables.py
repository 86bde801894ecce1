"""Tables of HTML as tables of Markdown: one line a row, cells between bars, the first row as the head."""

from typing import NamedTuple

MAX_SPAN = 50
"""Columns or rows that one cell may fill; more is taken for one."""


class Cell(NamedTuple):
    """What a cell says, and how many columns and rows it fills."""

    text: str
    num_columns: int = 1
    num_rows: int = 1


class Table:
    """Takes cells row by row. A cell that fills several rows is repeated in each, so that no value moves to another column."""

    def __init__(self) -> None:
        """Begin without rows."""
        self.caption = ""
        self._rows: list[list[str]] = []
        self._carried: dict[int, tuple[int, str]] = {}

    def begin_row(self) -> None:
        """Begin a row; what is carried from the rows above fills its columns."""
        self._rows.append([])
        self._fill()

    def add(self, cell: Cell) -> None:
        """Add a cell to the row, with empty ones for the further columns that it fills."""
        if not self._rows:
            self.begin_row()
        row = self._rows[-1]
        columns, rows = (span if 0 < span <= MAX_SPAN else 1 for span in (cell.num_columns, cell.num_rows))
        for number in range(columns):
            text = cell.text if number == 0 else ""
            if rows > 1:
                self._carried[len(row)] = (rows - 1, text)
            row.append(text)
        self._fill()

    def _fill(self) -> None:
        row = self._rows[-1]
        while (carried := self._carried.get(len(row))) is not None and carried[0] > 0:
            left, text = carried
            self._carried[len(row)] = (left - 1, text)
            row.append(text)

    def lines(self) -> list[str]:
        """Return the table as lines of Markdown; nothing where no cell says anything."""
        rows = [row for row in self._rows if any(row)]
        if not rows:
            return []
        width = max(map(len, rows))
        head = [*rows[0], *[""] * (width - len(rows[0]))]
        return [_line(head), _line(["---"] * width), *map(_line, rows[1:])]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
