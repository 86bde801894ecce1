"""Tables in the terminal are whole, however narrow it is."""

import io

import pytest
from rich import box
from rich.table import Column, Table

from assets.graph.metadata import markdown_table
from pipelines.terminal.application import Terminal
from pipelines.terminal.tables import fitting, print_markdown, print_whole


def printed(text: str, width: int) -> str:
    console = Terminal(file=io.StringIO(), width=width)
    print_markdown(console, text)
    return console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]


WIDE = "| model | boolq | piqa |\n| --- | --- | --- |\n| base | 0.375 (0.225 to 0.525) | 0.520 (0.450 to 0.585) |\n"


def test_a_table_that_fits_is_one() -> None:
    lines = printed(WIDE, 80).splitlines()
    assert sum("model" in line for line in lines) == 1
    assert any("0.375 (0.225 to 0.525)" in line and "0.520 (0.450 to 0.585)" in line for line in lines)


def test_a_table_that_is_too_wide_goes_on_below_with_its_first_column_and_no_value_is_cut() -> None:
    lines = printed(WIDE, 40).splitlines()
    assert [line.split()[:2] for line in lines if "model" in line] == [["model", "boolq"], ["model", "piqa"]]
    assert any("0.375 (0.225 to 0.525)" in line for line in lines) and any("0.520 (0.450 to 0.585)" in line for line in lines)
    assert all(len(line) <= 40 for line in lines)


def test_text_around_a_table_stays_and_escaped_bars_are_no_borders() -> None:
    told = printed("before\n\n| a | b |\n| --- | --- |\n| x \\| y | &lt;p> |\n\nafter", 80)
    assert told.index("before") < told.index("x | y") < told.index("<p>") < told.index("after")


def test_names_in_a_table_have_no_marks_of_markdown() -> None:
    assert "base_s_short" in printed(markdown_table([{"model": "base_s_short", "loss": 1.5}]), 80)


def test_brackets_in_a_table_are_text() -> None:
    assert "[red]not red[/]" in printed("| a |\n| --- |\n| [red]not red[/] |\n", 80)


@pytest.mark.parametrize(
    ("widths", "width", "groups"),
    [([5, 5, 5], 80, [[0, 1, 2]]), ([10, 10, 10, 10], 30, [[0, 1], [0, 2], [0, 3]]), ([10, 100], 20, [[0, 1]]), ([], 20, [])],
)
def test_columns_are_grouped_as_they_fit(widths: list[int], width: int, groups: list[list[int]]) -> None:
    assert fitting(widths, width) == groups


def test_a_table_of_names_is_not_cut_where_the_terminal_is_narrower() -> None:
    table = Table(Column("artifact", no_wrap=True), box=box.SIMPLE_HEAD)
    table.add_row("tokens/mixture_of_a_very_long_name")
    console = Terminal(file=io.StringIO(), width=20)
    print_whole(console, table)
    assert "tokens/mixture_of_a_very_long_name" in console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
