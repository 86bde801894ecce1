"""Tables of Markdown show what others wrote, and do nothing of it."""

import re

import pytest

from assets.graph.metadata import markdown_table, markdown_words, words_of_markdown

EVIL = [
    "![x](http://evil/p.png)",
    "[x](javascript:alert(1))",
    "<img src=x onerror=y>",
    "a | b",
    "`c` **d** __e__ ~~f~~",
    "\\",
    "&#91;x]",
    "\x1b[31m\u202e",
]


@pytest.mark.parametrize("text", EVIL)
def test_words_begin_no_markup(text: str) -> None:
    shown = markdown_words(text)
    assert not re.search(r"(?<!\\)(?:\\\\)*[\[\]`*_|~]|<|&(?!amp;|lt;|#47;)|://", shown)
    assert not set("\x1b\u202e") & set(shown)


def test_words_without_markup_stay() -> None:
    assert markdown_words("Plain words, 3 > 2 (so it is)!") == "Plain words, 3 > 2 (so it is)!"


def test_a_value_stays_in_its_cell() -> None:
    assert markdown_table([{"a": "x | y\n| z |", "b": 0.12345}]) == "| a | b |\n| --- | --- |\n| x \\| y \\| z \\| | 0.1235 |"


@pytest.mark.parametrize("text", ["base_s_short", "a | b", "**x** [y](http://z) `c` ~~d~~ <e> &lt; &amp; \\_ \\\\ ![](x)", "&#27;[31m", "100% _"])
def test_words_come_back_as_they_were_where_no_markdown_is_shown(text: str) -> None:
    assert words_of_markdown(markdown_words(text)) == text
