"""Powers in a tree, before another extractor takes it apart."""

from typing import Any

import pytest

from kernels.reading.articles.scripts import resolve_tree


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>10<sup>6</sup> m<sup>2</sup></p>", "10^6 m^2"),
        ("<p>2<sup>2<sup>n</sup></sup>!</p>", "2^(2^n)!"),
        ("<p><b>x</b><sup>n+1</sup></p>", "x^(n+1)"),
        ("<p>CO<sub>2</sub> is</p>", "CO2 is"),
        ("<p>so.<sup><a href='#1'>1</a></sup> Then</p>", "so. Then"),
        ("<p>1<sup>3</sup>/<sub>4</sub> cup</p>", "1 3/4 cup"),
        ("<p><sup>14</sup>C</p>", "14C"),
    ],
)
def test_scripts_become_text(markup: str, text: str) -> None:
    from lxml import html

    tree: Any = html.fromstring(markup)
    resolve_tree(tree)
    assert tree.text_content() == text
