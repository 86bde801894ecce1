"""Where in a batch of texts personal data can stand: windows around digits, at signs, colons and degree signs.

All texts are searched at once as one array of bytes; only what lies inside a window is ever shown to a regular expression. Windows of
one shape that touch are merged, so that the work on any text is linear in its length.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
Bools = NDArray[np.bool_]
Raw = NDArray[np.uint8]

Shape = Literal[
    "digits",
    "lettered",
    "dotted",
    "year",
    "numbered",
    "account",
    "at",
    "coded_at",
    "bracketed_at",
    "tagged_at",
    "colons",
    "pairs",
    "degree",
    "long_word",
]
_SEPARATOR = b"\n\n\n\n"  # one longer than the gap that digits of one number may leave
_MAX_GAP = 3
_LONG_WORD = 26
_ACCOUNT_BYTES = 72
_MIN_ACCOUNT_DIGITS = 9


class Place(NamedTuple):
    """What a rule's values look like from afar."""

    shape: Shape
    """``digits``: digits with gaps of up to three bytes; ``lettered``: the same with a letter beside one of them; ``dotted``: four numbers
    joined by points; ``year``: 19xx or 20xx; ``numbered``: a number, then a capital, or five digits behind two capitals; ``account``: digits right
    behind two letters, with more digits to follow; ``at``: inner @;
    ``coded_at``: 40 or 64 as codes of it have them; ``bracketed_at``: a bracket or semicolon that closes behind "at" or @;
    ``tagged_at``: @ beside a tag;
    ``colons``: two adjacent or seven close ones; ``pairs``: five separators three bytes apart; ``degree``: the sign;
    ``long_word``: the first of 26 letters and digits on end."""
    before: int
    """Bytes that a value may begin before the place."""
    after: int
    """Bytes that a value and what is looked at behind it may reach beyond the place."""
    min_digits: int = 0
    """For ``digits`` and ``lettered``: fewer than these cannot be one."""


class _Numbers(NamedTuple):
    start: I64
    end: I64
    digits: I64
    lettered: Bools


@dataclass(frozen=True)
class TextBytes:
    """N texts as one array of bytes."""

    texts: list[str]

    @cached_property
    def encoded(self) -> list[bytes]:
        """Each text by itself."""
        return [text.encode() for text in self.texts]

    def replaced(self, fresh: Mapping[int, str]) -> "TextBytes":
        """Return the texts with some replaced by number."""
        texts = TextBytes([fresh.get(number, text) for number, text in enumerate(self.texts)])
        texts.__dict__["encoded"] = [fresh[number].encode() if number in fresh else raw for number, raw in enumerate(self.encoded)]
        return texts

    @cached_property
    def is_ascii(self) -> bool:
        """Whether no text has other characters than ASCII's."""
        return all(map(str.isascii, self.texts))

    @cached_property
    def raw(self) -> Raw:
        """All texts, a separator before, between and behind them."""
        return np.frombuffer(_SEPARATOR.join([b"", *self.encoded, b""]), np.uint8)

    @cached_property
    def bounds(self) -> tuple[I64, I64]:
        """First byte and end of each text."""
        sizes = np.array([len(text) for text in self.encoded], np.int64) + len(_SEPARATOR)
        ends = np.cumsum(sizes)
        return ends - sizes + len(_SEPARATOR), ends

    @cached_property
    def inner_bytes(self) -> I64:
        """Places of bytes that continue a character."""
        if self.is_ascii:
            return np.zeros(0, np.int64)
        return np.flatnonzero(self.raw.view(np.int8) < -64)

    @cached_property
    def runs(self) -> tuple[I64, I64]:
        """First byte and end of each run of ASCII digits."""
        is_digit = _is_digit(self.raw)
        edges = np.flatnonzero(is_digit[1:] != is_digit[:-1]) + 1
        return edges[::2], edges[1::2]

    @cached_property
    def numbers(self) -> _Numbers:
        """Runs of digits joined over gaps of up to three bytes."""
        starts, ends = self.runs
        if not len(starts):
            return _Numbers(starts, ends, starts, np.zeros(0, np.bool_))
        first = np.flatnonzero(np.concatenate([[True], starts[1:] - ends[:-1] > _MAX_GAP]))
        last = np.concatenate([first[1:], [len(starts)]]) - 1
        beside = (_is_letter(self.raw[starts - 1]) | _is_letter(self.raw[ends])).astype(np.int64)
        return _Numbers(starts[first], ends[last], np.add.reduceat(ends - starts, first), np.add.reduceat(beside, first) > 0)

    def windows(self, place: Place) -> Iterator[tuple[int, int, int]]:
        """Return number of text, first character and end of each window of a place, in order, merged where they touch."""
        starts, ends = self._places(place)
        if not len(starts):
            return iter(())
        first_byte, end_byte = self.bounds
        text = np.searchsorted(first_byte, starts, side="right") - 1
        starts = np.maximum(starts - place.before, first_byte[text])
        ends = np.minimum(ends + place.after, end_byte[text])
        first = np.flatnonzero(np.concatenate([[True], starts[1:] > ends[:-1]]))
        last = np.concatenate([first[1:], [len(starts)]]) - 1
        text, starts, ends = text[first], starts[first], ends[last]
        origin = self.chars(first_byte[text])
        return zip(text.tolist(), (self.chars(starts) - origin).tolist(), (self.chars(ends) - origin).tolist(), strict=True)

    def chars(self, places: I64) -> I64:
        """Return the number of characters before bytes."""
        return places - np.searchsorted(self.inner_bytes, places)

    def _places(self, place: Place) -> tuple[I64, I64]:
        if place.shape in ("digits", "lettered"):
            start, end, digits, lettered = self.numbers
            fits = (digits >= place.min_digits) & (lettered | (place.shape == "digits"))
            return start[fits], end[fits]
        if place.shape in _RUN_SHAPES:
            starts, ends = self.runs
            fits = _RUN_SHAPES[place.shape](self.raw, starts, ends) if len(starts) else np.zeros(0, np.int64)
            return starts[fits], ends[fits]
        points = _POINT_SHAPES[place.shape](self.raw)
        return points, points + 1


def _is_digit(values: Raw) -> Bools:
    return (values - np.uint8(48)) < 10


def _is_letter(values: Raw) -> Bools:
    return ((values | 32) - np.uint8(97)) < 26


def _is_capital(values: Raw) -> Bools:
    return (values - np.uint8(65)) < 26


def _dotted(raw: Raw, starts: I64, ends: I64) -> I64:
    joined = (starts[1:] - ends[:-1] == 1) & (raw[ends[:-1]] == ord("."))
    return np.flatnonzero(joined[:-2] & joined[1:-1] & joined[2:]) if len(joined) > 2 else np.zeros(0, np.int64)


def _year(raw: Raw, starts: I64, ends: I64) -> I64:
    century = raw[starts].astype(np.int64) * 256 + raw[starts + 1]
    return np.flatnonzero((ends - starts == 4) & ((century == ord("1") * 256 + ord("9")) | (century == ord("2") * 256 + ord("0"))))


def _numbered(raw: Raw, starts: I64, ends: I64) -> I64:
    street = (ends - starts <= 6) & (raw[ends] == ord(" ")) & _is_capital(raw[ends + 1])
    code = (ends - starts == 5) & (raw[starts - 1] == ord(" ")) & _is_capital(raw[starts - 2]) & _is_capital(raw[starts - 3])
    return np.flatnonzero(street | code)


def _account(raw: Raw, starts: I64, ends: I64) -> I64:
    chosen = np.flatnonzero((ends - starts >= 2) & _is_letter(raw[starts - 1]) & _is_letter(raw[starts - 2]))
    digits = np.concatenate([[0], np.cumsum(ends - starts)])
    return chosen[digits[np.searchsorted(starts, starts[chosen] + _ACCOUNT_BYTES)] - digits[chosen] >= _MIN_ACCOUNT_DIGITS]


def _coded_at(raw: Raw, starts: I64, ends: I64) -> I64:
    r"""``%40``, ``%2540``, ``&#64;``, ``&#x40;``, ``\u0040``: a run of digits may go on behind the code."""
    lead, size = raw[starts - 1], ends - starts
    forty = (raw[starts] == ord("4")) & (raw[starts + 1] == ord("0"))
    coded = (size >= 2) & forty & ((lead == ord("%")) | (lead == ord("x")) | (lead == ord("X")))
    coded |= ((lead == ord("u")) | (lead == ord("%"))) & (size >= 4) | (lead == ord("#")) & (size >= 2)
    return np.flatnonzero(coded)


def _at(raw: Raw) -> I64:
    places = np.flatnonzero(raw == ord("@"))
    after = raw[places + 1]
    return places[(raw[places - 1] > 32) & (_is_letter(after) | _is_digit(after) | (after == ord("[")) | (after >= 0x80))]


def _bracketed_at(raw: Raw) -> I64:
    low = raw | np.uint8(32)
    closes = (raw == ord(")")) | (low == ord("}")) | (raw == ord(";"))  # or a square one
    places = np.flatnonzero(closes[1:] & ((low == ord("t")) | (low == ord(" ")))[:-1]) + 1
    last = places - 1 - (raw[places - 1] == ord(" "))
    places = places[((raw[last] | 32) == ord("t")) & ((raw[last - 1] | 32) == ord("a"))]
    signs = np.flatnonzero(raw[:-1] == ord("@"))
    return np.union1d(places, signs[closes[signs + 1]] + 1)


def _tagged_at(raw: Raw) -> I64:
    places = np.flatnonzero(raw == ord("@"))
    return places[(raw[places - 1] == ord(">")) | (raw[places + 1] == ord("<"))]


def _colons(raw: Raw) -> I64:
    places = np.flatnonzero(raw == ord(":"))
    double = places[:-1][np.diff(places) == 1]
    seven = places[:-6][places[6:] - places[:-6] <= 30]
    return np.union1d(double, seven)


def _pairs(raw: Raw) -> I64:
    places = np.flatnonzero((raw == ord(":")) | (raw == ord("-")))
    return places[:-4][places[4:] - places[:-4] == 12]


def _degree(raw: Raw) -> I64:
    places = np.flatnonzero((raw == 0xB0) | (raw == 0xBA))  # U+00B0, and U+00BA which Spanish keyboards have
    return places[raw[places - 1] == 0xC2]


def _long_word(raw: Raw) -> I64:
    inside = _is_letter(raw) | _is_digit(raw)
    length = 1
    while length < _LONG_WORD:  # inside[i]: all of the next `length` bytes are letters and digits
        step = min(length, _LONG_WORD - length)
        inside = inside[:-step] & inside[step:]
        length += step
    return np.flatnonzero(inside[1:] & ~inside[:-1]) + 1


_RUN_SHAPES: dict[Shape, Callable[[Raw, I64, I64], I64]] = {
    "dotted": _dotted,
    "year": _year,
    "numbered": _numbered,
    "account": _account,
    "coded_at": _coded_at,
}
_POINT_SHAPES: dict[Shape, Callable[[Raw], I64]] = {
    "at": _at,
    "bracketed_at": _bracketed_at,
    "tagged_at": _tagged_at,
    "colons": _colons,
    "pairs": _pairs,
    "degree": _degree,
    "long_word": _long_word,
}
