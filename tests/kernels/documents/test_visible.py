"""What acts on a terminal is spelt out; what is visible stays."""

import pytest

from kernels.documents.visible import visible

ACTS = {
    "\x1b[31mred": "\\x1b[31mred",
    "\x1b]8;;http://evil\x07here\x1b]8;;\x07": "\\x1b]8;;http://evil\\x07here\\x1b]8;;\\x07",
    "\x9b31m": "\\x9b31m",
    "over\rwritten\b": "over\\x0dwritten\\x08",
    "user\u202egnp.exe": "user\\u202egnp.exe",
    "a\u2066b\u2069\u061c": "a\\u2066b\\u2069\\u061c",
    "line\u2028end": "line\\u2028end",
    "\ufeffzero\u200b": "\\ufeffzero\\u200b",
    "\udc80half": "\\udc80half",
    "\U000e0041tag": "\\U000e0041tag",
    "\x00\x7f": "\\x00\\x7f",
}


@pytest.mark.parametrize("text", ACTS)
def test_what_acts_is_spelt_out(text: str) -> None:
    assert visible(text) == ACTS[text]
    assert visible(visible(text)) == ACTS[text]


@pytest.mark.parametrize("text", ["[red]x[/]", "two\nlines\tand a tab", "שלום مرحبا", "日本語 é 👨‍👩‍👧", "\\x1b as written"])
def test_what_is_visible_stays(text: str) -> None:
    assert visible(text) == text
