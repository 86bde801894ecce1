"""Which parts of a page are its article."""

import pytest

from kernels.reading.articles.article import find_article
from tests.kernels.reading.articles.pages import MENU, NOISE, PARAGRAPHS, TEXT, page


def lines(body: str, title: str = "The Keepers", *, include_tables: bool = True) -> list[str]:
    return find_article(page(body, title), include_tables=include_tables).text.split("\n")


def test_an_article_is_found_among_menus() -> None:
    article = find_article(page(f"{MENU}<article><h1>The Keepers</h1>{TEXT}</article><footer>{MENU}</footer>"), include_tables=False)
    assert article.text.split("\n") == PARAGRAPHS
    assert article.title == "The Keepers"


def test_a_headline_stays_where_the_title_says_something_else() -> None:
    assert lines(f"<article><h1>What they wrote</h1>{TEXT}</article>") == ["What they wrote", *PARAGRAPHS]


def test_text_that_is_named_as_another_is_left_out() -> None:
    assert lines(f"<div>{TEXT}{NOISE}</div>") == PARAGRAPHS


def test_a_name_is_not_believed_of_what_holds_the_text_unless_readers_wrote_it() -> None:
    assert lines(f"<div class='share-page'>{TEXT}</div>") == PARAGRAPHS
    assert lines(f"<div class='comments'>{TEXT}</div>") == [""]
    assert lines(f"<article class='post comments-open'><div class='post-content'>{TEXT}</div></article>") == PARAGRAPHS


@pytest.mark.parametrize(
    "name", ["related-posts", "kommentare", "werbung", "publicidad", "cookie-hinweis", "pied-de-page footer", "newsletter", "pinglun"]
)
def test_parts_are_named_in_several_languages(name: str) -> None:
    other = "Something that stands on every page of this paper, and that no one who reads the article has asked for."
    assert lines(f"<div>{TEXT}<div class='{name}'><p>{other}</p></div></div>") == PARAGRAPHS


@pytest.mark.parametrize("wrapper", ["<div class='content with-sidebar'>", "<div class='section has-ads'>", "<section id='sharing-a-related-menu'>"])
def test_a_name_that_tells_of_the_layout_or_is_made_of_a_heading_means_nothing(wrapper: str) -> None:
    kept = f"{wrapper}<p>{PARAGRAPHS[0]}</p></{wrapper[1:].split()[0]}>"
    assert lines(f"<div>{kept}{TEXT.replace(PARAGRAPHS[0], 'Twice.')}</div>")[0] == PARAGRAPHS[0]


def test_short_paragraphs_headings_and_items_beside_full_ones_are_kept() -> None:
    body = f"<h2>First</h2><p>Short.</p>{TEXT}<h2>Names</h2><ul><li>Anna</li><li>Bea</li></ul><p>So much</p><p>Yours, C.</p>"
    expected = ["First", "Short.", *PARAGRAPHS, "Names", "Anna", "Bea", "So much", "Yours, C."]
    assert lines(f"{MENU}<div class='text'>{body}</div><div>{MENU}</div>") == expected


def test_a_page_of_short_lines_is_an_article_too() -> None:
    recipe = (
        "<h2>Ingredients</h2><ul><li>300 g flour</li><li>200 g butter</li></ul><h2>Method</h2><ol><li>Mix it.</li><li>Bake for 40 minutes.</li></ol>"
    )
    assert lines(f"{MENU}<div><h1>The Keepers</h1>{recipe}</div>{MENU}") == [
        "Ingredients", "300 g flour", "200 g butter", "Method", "Mix it.", "Bake for 40 minutes.",
    ]  # fmt: skip


def test_a_poem_of_short_lines_is_running_text() -> None:
    verses = [f"Verse number {n} of the song of the lamp" for n in range(6)]
    assert lines(f"{MENU}<div class='p'>{'<br>'.join(verses)}</div>{MENU}") == verses


def test_every_post_of_a_thread_is_kept() -> None:
    def post(text: str) -> str:
        return f"<div class='post'><a class='author' href='/u'>ann</a><div class='post-body'>{text}</div><div><a href='#'>Reply</a></div></div>"

    answers = ["Which user runs it?", "Close the other program and run it again, as I did last week.", "That was it, thanks!"]
    thread = post(TEXT) + "".join(post(f"<p>{answer}</p>") for answer in answers)
    assert lines(f"{MENU}<div><h1>The Keepers</h1>{thread}</div><footer>© 2024 Board</footer>") == [*PARAGRAPHS, *answers]


def test_lists_of_links_and_copyright_lines_are_no_text() -> None:
    links = "<ul>" + "".join(f"<li><a href='/{n}'>Another story about house number {n} and its keepers</a></li>" for n in range(5)) + "</ul>"
    body = f"<div>{TEXT}{links}</div><div>© 2024 The Paper, all rights reserved, in every country and for ever after.</div>"
    assert lines(body) == PARAGRAPHS


def test_hidden_parts_are_left_out() -> None:
    hidden = [
        "<div hidden>{}</div>",
        "<div style='Display: none'>{}</div>",
        "<div aria-hidden='true'>{}</div>",
        "<p><span style='display:none'>{}</span></p>",
    ]
    secret = "This line is of a template that a script fills in when the reader has waited for long enough to see it."
    assert lines(f"<div>{''.join(part.format(secret) for part in hidden)}{TEXT}</div>") == PARAGRAPHS


def test_the_main_element_bounds_the_article() -> None:
    aside = "".join(f"<p>{paragraph.replace('Keeper', 'Sailor')}</p>" for paragraph in PARAGRAPHS * 2)
    assert lines(f"<main>{TEXT}</main><div class='x'>{aside}</div>") == PARAGRAPHS


@pytest.mark.parametrize(
    "sentence",
    [
        "灯塔在北角矗立了两百年，每一位看守人每天都在同一本书里写下一行字。",
        "その灯台は二百年のあいだ北の岬に立ち、守り人は毎日同じ帳面に一行ずつ書きつけた。",
        "وقفت المنارة على الرأس الشمالي مئتي عام، وكتب كل حارس من حراسها سطراً كل يوم في الدفتر نفسه.",
        "ประภาคารตั้งอยู่บนแหลมทางเหนือมาสองร้อยปี และผู้ดูแลแต่ละคนเขียนวันละบรรทัดในสมุดเล่มเดียวกัน",
        "Маяк стоял на северном мысе двести лет, и каждый смотритель писал по строке в день в одну книгу.",
    ],
)
def test_text_of_any_script_is_text(sentence: str) -> None:
    short = sentence[:7].strip()
    assert lines(f"{MENU}<div><p>{sentence}</p><p>{short}</p><p>{sentence}</p></div>") == [sentence, short, sentence]


@pytest.mark.parametrize("html", ["", " ", "<", "\0", "no tags at all", "<html></html>", "<p></p>", "<!-- only -->", "<frameset><frame></frameset>"])
def test_a_page_without_paragraphs_is_no_article(html: str) -> None:
    assert find_article(html, include_tables=True).text == ""


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
        "<p>\0\u202e\ud800&#0;&#x110000;&bogus;\x01\x02</p>" * 1000,
        "<p =x ='y' \"z a<b>text</p>" * 10_000,
        "<sup>" * 50_000 + "2",
        "<math><annotation encoding='application/x-tex'>" * 20_000,
        "<pre><table><tr><td>" * 20_000,
    ],
    ids=[
        "deep", "crossed", "formatting", "brackets", "one word", "scripts", "comments", "quotes", "tables", "odd characters", "odd attributes",
        "powers", "formulas", "code",
    ],
)  # fmt: skip
def test_no_page_is_too_much(html: str) -> None:
    text = find_article(html, include_tables=True).text
    assert not set(text) & set("\x00\x01\x02\x03\x04")


def test_names_that_would_leave_next_to_nothing_are_not_believed() -> None:
    widgets = "".join(f"<div class='builder-widget'><p>{paragraph}</p></div>" for paragraph in PARAGRAPHS)
    assert lines(f"{MENU}<div>{widgets}</div>") == PARAGRAPHS


def test_hidden_is_a_word_of_its_own() -> None:
    field = "".join(f"<div class='field field--label-hidden'><p>{paragraph}</p></div>" for paragraph in PARAGRAPHS[1:])
    assert lines(f"<div><p>{PARAGRAPHS[0]}</p>{field}</div>") == PARAGRAPHS


def test_teasers_of_other_pages_are_links() -> None:
    teasers = "".join(f"<div><a href='/{n}'>House number {n}</a></div><div>Why its keeper went away in winter and came back.</div>" for n in range(5))
    assert lines(f"<div>{TEXT}<div>{teasers}</div></div>") == PARAGRAPHS


CARD = "<div><h3><a href='/{n}'>The lamp that went out in house number {n}</a></h3><p>Why its keeper left in winter, and who came after.</p></div>"


def test_sections_side_by_side_with_a_linked_headline_each_are_teasers() -> None:
    cards = "".join(CARD.format(n=n) for n in range(3))
    assert lines(f"<div><div class='a'>{TEXT}</div><div><h2>Read on</h2>{cards}</div></div>") == PARAGRAPHS


def test_a_page_of_sections_with_linked_headlines_is_made_of_them() -> None:
    cards = "".join(CARD.format(n=n) for n in range(6))
    assert sum("Why its keeper left" in line for line in lines(f"{MENU}<div>{cards}</div>")) == 6


def test_the_article_ends_before_the_headline_of_another() -> None:
    other = "<h3><a href='/1'>The lamp that went out in another house</a></h3><p>Why its keeper left in winter, and who came after him.</p>"
    assert lines(f"<div class='a'>{TEXT}{other}</div>") == PARAGRAPHS
    assert lines(f"<div class='a'>{other}{TEXT}</div>")[-5:] == PARAGRAPHS


@pytest.mark.parametrize("link", ["<p><a href='/h'>Here is the whole book</a></p>", "<p>See:</p><ul><li><a href='/h'>The book</a></li></ul>"])
def test_links_that_are_lines_of_the_article_are_kept(link: str) -> None:
    assert {"Here is the whole book", "The book"} & set(lines(f"<div>{TEXT}{link}{TEXT}</div>"))


def test_a_label_with_a_link_and_a_list_that_nothing_introduces_are_no_lines_of_the_article() -> None:
    label = "<p>Related: <a href='/h'>The ten oldest houses of the northern coast</a></p>"
    links = "<ul><li><a href='/h'>The book of the keepers</a></li></ul>"
    assert lines(f"<div>{TEXT}{label}<p>Then came the storm, and with it the end.</p>{links}{TEXT}</div>") == [
        *PARAGRAPHS, "Then came the storm, and with it the end.", *PARAGRAPHS,
    ]  # fmt: skip


def test_text_beside_the_part_that_holds_nearly_all_is_left_out() -> None:
    beside = "<div><div>The house on the cape that no one has seen since the storm</div></div>"
    assert lines(f"<div>{beside}<div class='a'>{TEXT * 4}</div>{beside}</div>") == PARAGRAPHS * 4


def test_a_notice_of_rights_within_the_article_is_left_out() -> None:
    assert lines(f"<div>{TEXT}<p>© A. Keeper The lamp as it was seen from the sea in the year of the storm</p>{TEXT}</div>") == PARAGRAPHS * 2


def test_a_side_column_by_tag_and_name_is_believed_though_it_is_longer_than_the_article() -> None:
    column = f"<aside class='sidebar'><div>{TEXT * 2}</div></aside>".replace("Keeper", "Candidate")
    assert lines(f"<div><div class='a'>{TEXT}</div>{column}</div>") == PARAGRAPHS


def test_two_readings_of_a_page_agree_or_it_is_not_sure() -> None:
    def is_sure(body: str) -> bool:
        return find_article(page(body), include_tables=True).is_sure

    assert is_sure(f"<article>{TEXT}</article>{MENU}{NOISE}") and is_sure("")
    assert not is_sure(f"<div><div class='promo'>{TEXT[: TEXT.index('<p>Keeper number 4')]}</div><div class='a'>{TEXT}</div></div>")
    assert not is_sure("<ul><li>Anna</li><li>Bea</li></ul>")


def test_of_whole_articles_that_follow_each_other_the_one_that_the_title_names_is_taken() -> None:
    def article(headline: str, keeper: str) -> str:
        return f"<article><h2>{headline}</h2><div>{(TEXT * 3).replace('Keeper', keeper)}</div></article>"

    feed = article("The Lamp at Altona", "Keeper") + article("A Storm in the North", "Sailor") + article("What the Gulls Saw", "Gull")
    assert lines(f"<main>{feed}</main>", "The Lamp at Altona | Coast") == ["The Lamp at Altona", *PARAGRAPHS * 3]
    assert len(lines(f"<main>{feed}</main>", "The Coast")) == 3 * (1 + 3 * len(PARAGRAPHS))


def test_an_article_that_stands_twice_on_its_page_is_taken_once() -> None:
    assert lines(f"<div><div class='a'>{TEXT}</div><p>Ten more articles this month.</p><div class='b'>{TEXT}</div></div>") == PARAGRAPHS


def test_paragraphs_that_come_back_among_others_stay() -> None:
    body = "".join(f"<p>{paragraph}</p><p>{PARAGRAPHS[0]}</p>" for paragraph in PARAGRAPHS[1:])
    assert len(lines(f"<div>{body}</div>")) == 8
