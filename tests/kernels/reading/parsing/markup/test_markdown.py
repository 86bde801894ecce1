import pytest

from kernels.reading.parsing.markup.markup import markdown
from kernels.reading.parsing.wikitext.page import plain_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("9.3&#215;10<sup>-23</sup> g and 10<sup>6</sup> cells of CO<sub>2</sub>", "9.3×10^-23 g and 10^6 cells of CO2"),
        ("<i>x</i><sup>n+1</sup> m<sup>2</sup> 2<sup>2<sup>2</sup></sup>", "*x*^(n+1) m^2 2^(2^2)"),
        ("1<sup>st</sup> 22<sup>nd</sup> XIX<sup>e</sup> Foo<sup>TM</sup> it<sup>[1]</sup>", "1st 22nd XIXe FooTM it"),
        ("10<sub>2</sub> x<sub>n+1</sub> log<sub>10</sub> 5", "10_2 x_(n+1) log10 5"),
        ("<sup>14</sup>C and 3<sup>1</sup>/<sub>2</sub> and SO<sub>4</sub><sup>2-</sup>", "14C and 3 1/2 and SO4^2-"),
        ("5 m<sup>2</sup>/s and &alpha;<sup>2</sup> and 10 <sup>6</sup> m", "5 m^2/s and α^2 and 10^6 m"),
    ],
)
def test_powers_and_indices_keep_their_value(html: str, text: str):
    assert markdown(f"<p>{html}</p>") == text
    assert plain_text(html.replace("<i>", "''").replace("</i>", "''"), set(), ()) == text.replace("*", "")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (
            "<p>See:</p><table><thead><tr><th>n</th><th>n!</th></tr></thead><tbody><tr><td>3</td><td>6</td></tr></tbody></table>",
            "See:\n\n| n | n! |\n| --- | --- |\n| 3 | 6 |",
        ),
        ("<table><tr><td>a|b<td>c<br>d<tr><td><p>e</p><p>f</p></table>", "| a\\|b | c d |\n| --- | --- |\n| e f |"),
        (
            "<table><tr><th colspan=2>a</th><th>b</th></tr><tr><td rowspan=2>c</td><td>d</td><td>e</td></tr><tr><td>f</td><td>g</td></tr></table>",
            "| a |  | b |\n| --- | --- | --- |\n| c | d | e |\n| c | f | g |",
        ),
        ("<table><tr><td><table><tr><td>1</td><td>2</td></tr></table></td><td>3</td></tr></table>", "| 1 2 | 3 |\n| --- | --- |"),
        ("a<table></table>b", "a\n\nb"),
    ],
)
def test_a_table_is_a_table_whose_values_stay_apart(html: str, text: str):
    assert markdown(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<pre><code>if a:\r\n\r\n\r\n    b  \r\n</code></pre>", "```\nif a:\n\n\n    b  \n```"),
        ("<ol start=3><li>a<pre><code>x\n  y</code></pre></li><li>b</li></ol>", "3. a\n\n   ```\n   x\n     y\n   ```\n4. b"),
        ("<blockquote class=\"spoiler\"><p>It was him.</p></blockquote>", ">! It was him."),
        ("<details><summary>More</summary><p>text</p></details>", "More\n\ntext"),
        ("<dl><dt>term</dt><dd>meaning</dd></dl>", "term\n: meaning"),
        ("<kbd>Ctrl</kbd>+<kbd>C</kbd> <code>a`b</code> <b> c </b><b></b>d", "`Ctrl`+`C` ``a`b`` **c** d"),
        ("<img src=\"https://i.x/a.png\" alt=\"a plot\"><img src=\"b\" alt=\"enter image description here\">.", "![a plot](https://i.x/a.png)."),
        ("<p>$a &lt; b$, $$x_{1}^2$$ and <span class=\"math-container\">$\\sum_i$</span></p>", "$a < b$, $$x_{1}^2$$ and $\\sum_i$"),
        ("<p><b>open</p><p>next</b></p>", "**open**\n\nnext"),
        ("a&nbsp;b if a < b <c", "a b if a < b <c"),
        ("<a href='https://a.b' title='x > y'>l</a>", "[l](https://a.b)"),
        ("&#" + "9" * 5000 + ";", "\ufffd"),
    ],
)  # fmt: skip
def test_blocks_and_words_keep_what_they_say(html: str, text: str):
    assert markdown(html) == text
