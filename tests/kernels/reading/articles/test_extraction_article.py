"""The judges of a page's blocks, and how far they agree."""

import pytest

from kernels.reading.articles.article import MIN_AGREEMENT, find_article
from kernels.reading.articles.blocks import Block, read_page

PARAGRAPHS = [f"Keeper number {n} wrote a line a day, rain or shine, and signed it with the hour, the wind and the name of a ship." for n in range(5)]
TEXT = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)
MENU = "<ul class='menu'>" + "".join(f"<li><a href='/{n}'>Section number {n} of the paper</a></li>" for n in range(8)) + "</ul>"
NOISE = "<div class='related'><p>" + "Seven more lighthouses that you have to see, and why you should go before summer. " * 2 + "</p></div>"


def page(body: str) -> str:
    return f"<html><head><title> The  Keepers </title><style>p {{}}</style></head><body>{body}</body></html>"


def test_an_article_among_menus_is_found_and_the_judges_agree() -> None:
    article = find_article(page(f"{MENU}<article><h1>The Keepers</h1>{TEXT}</article><footer>{MENU}</footer>"), include_tables=False)
    assert article.text.split("\n") == PARAGRAPHS
    assert (article.title, article.agreement) == ("The Keepers", 1)


def test_text_that_is_named_as_another_is_left_out_and_lowers_agreement() -> None:
    article = find_article(page(f"<div>{TEXT}{NOISE}</div>"), include_tables=False)
    assert article.text.split("\n") == PARAGRAPHS
    assert article.agreement < 1


def test_two_articles_on_a_page_are_a_case_for_a_careful_extractor() -> None:
    other = TEXT.replace("Keeper", "Sailor")
    assert find_article(page(f"<div><div>{TEXT}</div></div><div><div>{other}</div></div>"), include_tables=False).agreement < MIN_AGREEMENT


def test_a_name_is_not_believed_of_what_holds_the_text_unless_readers_wrote_it() -> None:
    assert find_article(page(f"<div class='share-page'>{TEXT}</div>"), include_tables=False).text.split("\n") == PARAGRAPHS
    assert find_article(page(f"<div class='comments'>{TEXT}</div>"), include_tables=False).text == ""


def test_tables_count_where_they_are_wanted() -> None:
    table = "<table><tr><td>The lamp of the first house burned oil, and a keeper filled it twice a night in winter.</td></tr></table>"
    html = page(f"<article>{TEXT}{table}{TEXT}</article>")
    assert "burned oil" in find_article(html, include_tables=True).text
    assert "burned oil" not in find_article(html, include_tables=False).text


@pytest.mark.parametrize("html", ["", " ", "<", "\0", "no tags at all", "<html></html>", "<p></p>", "<!-- only -->", "<frameset><frame></frameset>"])
def test_a_page_without_paragraphs_is_no_article(html: str) -> None:
    article = find_article(html, include_tables=True)
    assert (article.text, article.agreement) == ("", 0)


def test_inline_tags_join_and_line_breaks_part() -> None:
    blocks = read_page("<div>a <b>bo</b>ld <a href='x'>li<i>nk</i></a><script>no</script> end<br>next<!-- no --> line</div>tail").blocks
    assert [(block.text, block.num_link_chars) for block in blocks] == [("a bold link end", 4), ("next line", 0), ("tail", 0)]


def test_hidden_parts_are_named_so() -> None:
    html = "<div hidden>a</div><div style='Display: none'>b</div><div aria-hidden='true'>c</div><div class='D' id='E'>d</div>"
    elements = read_page(html).elements
    assert [element.names.split() for element in elements if element.tag == "div"] == [["hidden"], ["hidden"], ["hidden"], ["d", "e"]]


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 100_000 + "x" + "</div>" * 100_000,
        "<span><div></span></div>" * 50_000,
        "<b><p>" * 20_000,
        "<" * 5_000_000,
        "a" * 10_000_000,
        "<p>x<script>" * 50_000,
        "<!--" * 500_000,
        "<a href='" * 200_000,
        "<table><tr><td>" * 20_000,
        "<p>\0\u202e\ud800&#0;&#x110000;&bogus;</p>" * 1000,
    ],
    ids=["deep", "crossed", "formatting", "brackets", "one word", "scripts", "comments", "quotes", "tables", "odd characters"],
)
def test_no_page_is_too_much(html: str) -> None:
    read = read_page(html)
    assert all(isinstance(block, Block) and block.text for block in read.blocks)
    assert 0 <= find_article(html, include_tables=True).agreement <= 1
