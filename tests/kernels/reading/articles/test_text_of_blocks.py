"""How what is kept of a page is written: lines, code, tables, powers and formulas."""

import pytest

from kernels.reading.articles.article import find_article
from tests.kernels.reading.articles.pages import PARAGRAPHS, TEXT, page


def written(inner: str, *, include_tables: bool = True) -> str:
    """Return what is written between the text before and after."""
    text = find_article(page(f"<article>{TEXT}{inner}{TEXT}</article>"), include_tables=include_tables).text
    whole = "\n".join(PARAGRAPHS)
    assert text.startswith(whole) and text.endswith(whole)
    return text[len(whole) : -len(whole)].strip("\n")


def test_inline_tags_join_and_line_breaks_part() -> None:
    assert written("<p>a <b>bo</b>ld <a href='x'>li<i>nk</i></a><script>no</script>  end.<br>next<!-- no --> &lt;line&gt; &amp;amp;</p>") == (
        "a bold link end.\nnext <line> &amp;"
    )


def test_code_keeps_its_lines_and_indentation() -> None:
    assert (
        written("<pre><code>def total(items):\n    <b>return</b> sum(\n\n\titems)\n</code></pre>") == "def total(items):\n    return sum(\n\n\titems)"
    )


def test_lines_of_code_may_be_elements_and_bear_no_numbers() -> None:
    assert written("<pre><div>if a &lt; b:</div><div>    b = 1</div>c<br>d</pre>") == "if a < b:\n    b = 1\nc\nd"
    numbered = "<table><tr><td class='linenos'><pre>1\n2</pre></td><td class='code'><pre>if x:\n  y()</pre></td></tr></table>"
    assert written(numbered) == "if x:\n  y()"


def test_a_row_of_a_table_is_a_line() -> None:
    rows = "<tr><th>City</th><th>People</th></tr><tr><td>Altona</td><td><p>280000</p></td></tr><tr><td></td><td>34000<br>in 2020</td></tr>"
    table = f"<table>{rows}</table>"
    assert written(table) == "City | People\nAltona | 280000\n | 34000 in 2020"
    assert written(table, include_tables=False) == ""


def test_a_row_whose_first_cell_is_a_link_keeps_it() -> None:
    rows = "".join(f"<tr><td><a href='/{n}'>Town {n}</a></td><td>{n}000 people</td><td>by the sea</td></tr>" for n in (1, 2))
    assert written(f"<table>{rows}</table>") == "Town 1 | 1000 people | by the sea\nTown 2 | 2000 people | by the sea"


def test_a_table_that_ends_the_article_is_of_it() -> None:
    text = find_article(page(f"<article>{TEXT}<table><tr><td>Altona</td><td>280000</td></tr></table></article>"), include_tables=True).text
    assert text.endswith("\nAltona | 280000")


@pytest.mark.parametrize("include_tables", [True, False])
def test_a_table_that_lays_out_the_page_is_no_table(include_tables: bool) -> None:
    body = f"<table><tr><td><a href='/1'>One</a><br><a href='/2'>Two</a></td><td><h2>News</h2>{TEXT}</td></tr></table>"
    assert find_article(page(body), include_tables=include_tables).text.split("\n") == ["News", *PARAGRAPHS]


@pytest.mark.parametrize(
    ("html", "plain"),
    [
        ("10<sup>6</sup> m<sup>2</sup>", "10^6 m^2"),
        ("e<sup>x+1</sup>", "e^(x+1)"),
        ("<i>x</i><sup><b>n</b></sup>", "x^n"),
        ("H<sub>2</sub>O", "H2O"),
        ("the 1<sup>st</sup> time", "the 1st time"),
        ("so it was.<sup><a href='#1'>[1]</a></sup> Then", "so it was. Then"),
        ("so it was.<sup>[2]</sup> Then", "so it was. Then"),
        ("1<sup>3</sup>/<sub>4</sub> cup", "1 3/4 cup"),
        ("2<sup>2<sup>n</sup></sup>", "2^(2^n)"),
        ("<a href='/u'>km<sup>2</sup></a> of land", "km^2 of land"),
    ],
)
def test_a_power_keeps_its_mark(html: str, plain: str) -> None:
    assert written(f"<p>About {html} here.</p>") == f"About {plain} here."


@pytest.mark.parametrize(
    "formula",
    [
        "<math alttext='\\pi r^2'><mi>π</mi><msup><mi>r</mi><mn>2</mn></msup></math>",
        "<math><semantics><mi>π</mi><annotation encoding='application/x-tex'>\\pi r^2</annotation></semantics></math>",
        "<span class='katex'><math><mi>π</mi><annotation encoding='application/x-tex'>\\pi r^2</annotation></math>"
        "<span aria-hidden='true'>πr2</span></span>",
        "<span style='display: none'>hidden <math alttext='\\pi r^2'><mi>π</mi></math></span>",
    ],
)
def test_a_formula_is_its_tex(formula: str) -> None:
    assert written(f"<p>The area is {formula} for all.</p>") == "The area is \\pi r^2 for all."


def test_text_for_screen_readers_and_anchors_is_left_out() -> None:
    assert written("<h2>Loops<a class='headerlink' href='#l'>¶</a></h2><p>See <span class='sr-only'>opens a window</span>below.</p>") == (
        "Loops\nSee below."
    )


def test_soft_hyphens_and_control_characters_are_left_out() -> None:
    assert written("<p>The light&shy;house \x01of\x02 Al&shy;tona.</p>") == "The lighthouse of Altona."


def test_an_element_of_an_unknown_name_is_of_the_line_that_it_is_in() -> None:
    html = "<p>Few wrote more (<x-source kind='book'><a href='/1'>1</a></x-source>), and none for longer than the keeper of the northern lamp.</p>"
    text = find_article(page(f"<article>{TEXT}{html}</article>"), include_tables=True).text
    assert text.endswith("\nFew wrote more (1), and none for longer than the keeper of the northern lamp.")


def test_a_table_is_kept_or_left_as_a_whole() -> None:
    rows = "".join(f"<tr><td><a href='/{n}'>{'A seat with a very long name ' * n}</a></td><td>{n}70 €</td><td>yes</td></tr>" for n in range(1, 4))
    text = find_article(page(f"<article>{TEXT}<table>{rows}</table>{TEXT}</article>"), include_tables=True).text
    assert [line.rpartition(" name | ")[2] for line in text.split("\n")[5:8]] == ["170 € | yes", "270 € | yes", "370 € | yes"]
