"""Spans of characters in a text: those that overlap are resolved by preference, and what remains is replaced."""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

KindT = TypeVar("KindT", bound=str, covariant=True)


class Marked(Protocol[KindT]):
    """Characters start to end (exclusive) of a text, and what they are."""

    @property
    def kind(self) -> KindT:
        """What they are."""
        ...

    @property
    def start(self) -> int:
        """The first character."""
        ...

    @property
    def end(self) -> int:
        """Behind the last character."""
        ...


SpanT = TypeVar("SpanT", bound=Marked[str])


def first_of_overlapping(spans: Iterable[SpanT]) -> list[SpanT]:
    """Return spans in order of place, none overlapping another: of those that do, the one that comes first."""
    wanted = list(spans)
    taken = bytearray(max((span.end for span in wanted), default=0))
    kept: list[SpanT] = []
    for span in wanted:
        if taken.find(1, span.start, span.end) < 0:
            taken[span.start : span.end] = b"\1" * (span.end - span.start)
            kept.append(span)
    return sorted(kept, key=lambda span: span.start)


def replace(text: str, spans: Iterable[Marked[KindT]], treat: Callable[[KindT, str], str]) -> str:
    """Return a text whose spans (in order, not overlapping) are replaced by what ``treat`` makes of their kind and value."""
    pieces: list[str] = []
    done = 0
    for span in spans:
        pieces += [text[done : span.start], treat(span.kind, text[span.start : span.end])]
        done = span.end
    return "".join([*pieces, text[done:]])


def placeholder(kind: str, value: str) -> str:
    """Return the placeholder of a kind, such as <EMAIL>."""
    return f"<{kind.upper()}>"
