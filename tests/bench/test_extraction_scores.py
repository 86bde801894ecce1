"""The measures of the extraction benchmark."""

import ast

import pytest

from tests.bench.extraction_pages import Segments, _asked_for
from tests.bench.extraction_scores import average, difference_without_one, interval, score


def test_a_text_that_lacks_half_has_half_the_recall() -> None:
    right, found, reached, wanted = score("one two three four five", "one two three four")
    assert (right / found, reached / wanted) == (1, 0.5)


def test_a_character_of_a_script_without_spaces_is_a_word() -> None:
    assert score("灯塔在北角", "灯塔在北")[2] == 0.5


def test_segments_count_whatever_their_white_space() -> None:
    found = score(Segments(("a b", "c"), ("d",)), "a\n b d")
    assert average([found]) == (0.5, 0.5, 0.5)


def test_an_extractor_does_not_differ_from_itself() -> None:
    scores = [score("a b c d e", text) for text in ("a b c d", "a b c d e", "x")]
    assert interval(scores, scores) == (0, 0)


def test_a_difference_that_one_page_makes_is_gone_without_it() -> None:
    ours, peer = [[score("a b c d e", text) for text in texts] for texts in (("a b c d", "a b c d e", "a b c d e"), ("a b c d", "x", "a b c d e"))]
    assert average(ours).f1 > average(peer).f1
    assert difference_without_one(ours, peer) == 0


@pytest.mark.parametrize("negated", ["'Impressum' not in result and 'Die GEMA' in result", "'Die GEMA' in result and 'Impressum' not in result"])
def test_assertions_are_read_and_not_run(negated: str) -> None:
    source = f"MOCK_PAGES = {{'http://a': 'a.html'}}\ndef test_extract():\n    result = load_mock_page('http://a', x)\n    assert {negated}\n"
    names, segments = _asked_for(ast.parse(source))
    assert (names, segments) == ({"http://a": "a.html"}, {"http://a": Segments(("Die GEMA",), ("Impressum",))})
