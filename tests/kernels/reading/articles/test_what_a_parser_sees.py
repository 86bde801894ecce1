"""What is left of a page's HTML for the parser."""

import numpy as np
import pytest

from kernels.reading.articles.article import find_article
from tests.kernels.reading.articles.pages import PARAGRAPHS, TEXT, page


def seen(html: str) -> str:
    from kernels.reading.articles.scanning.reduce import reduced

    return reduced(np.frombuffer(html.encode(), np.uint8)).tobytes().decode()


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ("a<script>if (a < b) '<p>'</script >b<STYLE>p {}</style>c", "abc"),
        ("a<svg><title>x</title></svg>b<svg/>c<svg class='i' />d", "abcd"),
        ("a<!-- <p> -- > -->b<!-->c<!--->d<!-- --!>e<?php x ?>f<!DOCTYPE html>g", "abcdefg"),
        ("<a href='/x>y' CLASS=\"c d\" data-id=1 id = e hidden>z</a >", '<a CLASS="c d" id = e hidden>z</a>'),
        ("<br/><div/ ><p title='</p>'>1 < 2 <3</p>", "<br/><div><p>1 < 2 <3</p>"),
        ("<title>p <b class='x' title='y'> </title><p>", "<title>p <b class='x' title='y'> </title><p>"),
        ("a<svg>b<script>c<p title='x'>d", "a<svg>b<script>c<p>d"),
        ("<p id=''id=''id=''id=''id=''id=''id=''>", "<p" + " id=''" * 7 + ">"),
        ("a<", "a<"),
        ("a<p", "a<p>"),
        ("", ""),
    ],
)
def test_scripts_comments_and_attributes_that_name_nothing_go(html: str, left: str) -> None:
    assert seen(html) == left


def test_text_on_both_sides_of_what_is_no_text_stays_a_line() -> None:
    inner = "<p>Before<svg><text>no</text></svg>hand, <button><p>no</p></button>and <select><option>no</option></select>after.</p>"
    assert find_article(page(f"<article>{TEXT}{inner}</article>"), include_tables=True).text.split("\n") == [*PARAGRAPHS, "Beforehand, and after."]


@pytest.mark.parametrize("piece", ["<svg>", "<script", "<svg></sv", "<!--", "<a href='", "</title", "<title>", "id=''", "<p id=''class='' "])
def test_no_page_is_read_more_than_once(piece: str) -> None:
    assert len(seen(piece * 200_000)) <= 1.25 * 200_000 * len(piece) + 8
