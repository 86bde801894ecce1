"""Windows and spans: places count characters, texts do not run into each other, and overlaps go to the stricter kind."""

from collections import Counter

import polars as pl

from kernels.curation.personal.detection import RULES, find_by_rules
from kernels.curation.personal.search_windows import Place, TextBytes
from kernels.curation.personal.spans import RULE_KINDS, Span, resolve
from kernels.curation.spans import replace

PADDING = "\n" + "Wörter ohne Zahlen — " * 20
VALUES = (
    *("a@b.org https://u:p@h.example", "DE89 3704 0044 0532 0130 00", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "078-05-1120"),
    *("4111 1111 1111 1111", "NHS 943 476 5919", "AB 12 34 56 C", "2 55 08 14 168 025 38", "X-1234567-L", "RSSMRA85T10A562S", "529.982.247-25"),
    *("2341 2341 2346", "CCCD 001203012345", "passport C01X00T47", "driver's license D1234567", "born on 12 May 1985", "40°42′46″N 74°00′21″W"),
    *("GPS 40.7128, -74.0060", "12 Main Street, New York, NY 10019", "+44 (0)20 7946 0958 x12", "2001:4860:4860::8888", "81.2.69.142"),
    *("00-1A-2B-3C-4D-5E", "11010519491231002X", "Steuer-ID 86 095 742 719"),
)


def test_places_count_characters_not_bytes() -> None:
    text = "Émile à Zürich 東京: é@x.org, jane@example.com — 電話"
    spans = find_by_rules(pl.Series(["ü", text]), ("email",))[1]
    assert [text[span.start : span.end] for span in spans] == ["é@x.org", "jane@example.com"]


def test_numbers_of_neighbouring_texts_are_not_joined() -> None:
    texts = TextBytes(["call 555", "1234567 now", "", "7"])
    assert list(texts.windows(Place("digits", before=0, after=0, min_digits=7))) == [(1, 0, 7)]


def test_windows_hide_nothing_that_a_rule_finds_in_the_whole_text() -> None:
    text = PADDING.join(["", *VALUES, ""])
    raw = TextBytes([text])
    found: Counter[str] = Counter()
    for rule in RULES:
        inside = {place for _, start, end in raw.windows(rule.place) for place in rule.find(text, start, end)}
        assert inside == set(rule.find(text, 0, len(text)))
        found[rule.kind] += len(inside)
    assert {kind for kind in RULE_KINDS if not found[kind]} == {"itin"}


def test_windows_stay_inside_their_text_and_merge_where_they_touch() -> None:
    texts = TextBytes(["1234567 --- 7654321", "é 1234567"])
    assert list(texts.windows(Place("digits", before=50, after=50, min_digits=7))) == [(0, 0, 19), (1, 0, 9)]


def test_texts_without_any_place_have_no_windows() -> None:
    assert list(TextBytes(["", "plain"]).windows(Place("dotted", before=0, after=0))) == []
    assert find_by_rules(pl.Series([], dtype=pl.String), ("email", "ip", "phone", "coordinates")) == {}


def test_the_stricter_kind_wins_then_the_longer_span() -> None:
    spans = [Span("phone", 0, 20), Span("card", 5, 15), Span("phone", 30, 35), Span("phone", 30, 40), Span("ip", 15, 18)]
    assert resolve(spans) == [Span("card", 5, 15), Span("ip", 15, 18), Span("phone", 30, 40)]


def test_spans_are_replaced_in_place() -> None:
    assert replace("ab cd ef", [Span("email", 0, 2), Span("ip", 6, 8)], lambda kind, value: f"[{kind} {value}]") == "[email ab] cd [ip ef]"
