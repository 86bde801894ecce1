"""What a page asks of crawlers."""

import pytest

from kernels.reading.parsing.robots import refusal_in_headers, refusal_in_page

FETCHED = "2024-05-01T00:00:00Z"


@pytest.mark.parametrize(
    ("value", "refuses"),
    [
        ("noindex", True),
        ("NoIndex, nofollow", True),
        ("none", True),
        ("noindex;nofollow", True),
        ("nofollow noindex", True),
        ("max-image-preview:none, max-snippet:-1", False),
        ("max-image-preview: none, noindex", True),
        ("nonexistent, noindexifembedded", False),
        ("googlebot: noindex, nofollow", False),
        ("googlebot: nofollow, *: noindex", True),
        ("robots: noindex", True),
        ("unavailable_after: 25 Jun 2010 15:00:00 PST", True),
        ("unavailable_after: Saturday, 25-Jun-10 00:00:00 UTC", True),
        ("noarchive, unavailable_after: 2020-01-01", True),
        ("unavailable_after: 25-Jun-2030 15:00:00 GMT", False),
        ("otherbot: unavailable_after: 2010-01-01", False),
        ("unavailable_after: some day", False),
    ],
)
def test_directives_are_read_one_by_one_for_whom_they_are(value: str, refuses: bool) -> None:
    assert (refusal_in_headers([value], (), FETCHED) is not None) is refuses


def test_any_of_several_headers_counts_and_so_do_the_agents_that_a_recipe_names() -> None:
    assert refusal_in_headers(["nofollow", "noindex"]) == "noindex"
    assert refusal_in_headers(["ccbot: noindex"]) is None
    assert refusal_in_headers(["ccbot: noindex"], ["CCBot"]) == "ccbot: noindex"


@pytest.mark.parametrize(
    ("page", "refuses"),
    [
        ('<meta name="robots" content="noindex">', True),
        ("<META CONTENT='noindex, nofollow' NAME='ROBOTS'/>", True),
        ("<meta content=none name=robots>", True),
        ('<meta data-x="a>b" name = "robots"\n content = "no&#105;ndex">', True),
        ('<meta name="robots" content="follow"><meta name="robots" content="noindex">', True),
        ('<meta name="robots" content="index, max-image-preview:none">', False),
        ('<meta name="googlebot" content="noindex">', False),
        ('<meta name="robots" content="index" data-content="noindex">', False),
        ('<meta name="description" content="noindex robots">', False),
        ('<!-- <meta name="robots" content="noindex"> -->', False),
        ('<script>let tag = "<meta name=robots content=noindex>"</script>', False),
    ],
)
def test_meta_tags_are_read_whatever_the_order_case_and_quotes_of_their_attributes(page: str, refuses: bool) -> None:
    assert (refusal_in_page(f"<html><head>{page}</head><body>robots</body></html>") is not None) is refuses
