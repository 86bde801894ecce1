"""The terminal takes words as words."""

import io
from typing import Any

import pytest
from rich.progress import Progress
from rich.table import Table
from typer.testing import CliRunner

from pipelines.terminal.application import Terminal, app, markdown, styled
from pipelines.terminal.progress_bars import WordsColumn

EVIL = "[red]x[/] :smile: \x1b]8;;http://evil\x1b\\\u202e\x9b2J"
SHOWN = "[red]x[/] :smile: \\x1b]8;;http://evil\\x1b\\\\u202e\\x9b2J"


def printed(*things: Any, colour: bool = False) -> str:
    out = io.StringIO()
    terminal = Terminal(file=out, width=200, force_terminal=colour, color_system="standard" if colour else None)
    for thing in things:
        terminal.print(thing)
    return out.getvalue()


def table(*cells: Any) -> Table:
    made = Table("a", EVIL, title=EVIL)
    made.add_row(*cells)
    return made


@pytest.mark.parametrize("thing", [EVIL, styled(EVIL), styled((EVIL, "red")), table(EVIL, styled(EVIL)), markdown(f"`{EVIL}`")])
def test_words_neither_colour_nor_act_nor_vanish(thing: Any) -> None:
    assert SHOWN in printed(thing)
    assert not set("\x1b\x9b\u202e") & set(printed(thing))


def test_what_is_styled_is_coloured_and_its_words_still_do_not_act() -> None:
    assert printed(styled(("red", "red"), " [x]"), colour=True) == "\x1b[31mred\x1b[0m [x]\n"
    assert printed(styled((EVIL, "red")), colour=True) == f"\x1b[31m{SHOWN}\x1b[0m\n"


def test_a_link_of_markdown_shows_its_address_and_cannot_be_clicked() -> None:
    shown = printed(markdown("[bank](http://evil.example)"), colour=True)
    assert "http://evil.example" in shown and "\x1b]8" not in shown


def test_a_bar_shows_its_words() -> None:
    out = io.StringIO()
    with Progress(WordsColumn("{task.description}"), console=Terminal(file=out, width=200)) as bars:
        bars.add_task(EVIL, total=1)
    assert SHOWN in out.getvalue()


def test_help_keeps_its_brackets() -> None:
    import pipelines.commands.show  # noqa: F401

    assert "asset or asset[partition]" in CliRunner().invoke(app, ["show", "--help"]).output
