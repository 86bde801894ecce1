"""Spans of personal data in a text: what overlaps is resolved by rank, and what remains is replaced."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple, cast, get_args

RuleKind = Literal[
    "url_login",
    "email",
    "iban",
    "wallet",
    "card",
    "codice_fiscale",
    "resident_id",
    "nir",
    "cpf",
    "dni",
    "nino",
    "ssn",
    "itin",
    "nhs",
    "steuer_id",
    "aadhaar",
    "cccd",
    "mac",
    "ip",
    "coordinates",
    "passport",
    "driver_licence",
    "birth_date",
    "phone",
    "address",
]
"""Kinds that rules find, the stricter formats first: where two claim the same characters, the earlier wins."""
NameKind = Literal["person", "place", "organisation"]
"""Kinds that only a language model finds."""
Kind = RuleKind | NameKind
RULE_KINDS = cast(tuple[RuleKind, ...], get_args(RuleKind))
NAME_KINDS = cast(tuple[NameKind, ...], get_args(NameKind))

_RANK: dict[Kind, int] = {kind: rank for rank, kind in enumerate((*RULE_KINDS, *NAME_KINDS))}


class Span(NamedTuple):
    """Characters start to end (exclusive) of a text, and what they are."""

    kind: Kind
    start: int
    end: int


def resolve(spans: Iterable[Span]) -> list[Span]:
    """Return spans in order of place, none overlapping another: the stricter kind wins, then the longer span, then the first."""
    ranked = sorted(set(spans), key=lambda span: (_RANK[span.kind], span.start - span.end, span.start))
    taken = bytearray(max((span.end for span in ranked), default=0))
    kept: list[Span] = []
    for span in ranked:
        if taken.find(1, span.start, span.end) < 0:
            taken[span.start : span.end] = b"\1" * (span.end - span.start)
            kept.append(span)
    return sorted(kept, key=lambda span: span.start)


def replace(text: str, spans: Sequence[Span], treat: Callable[[Kind, str], str]) -> str:
    """Return a text whose spans (in order, not overlapping) are replaced by what ``treat`` makes of their kind and value."""
    pieces: list[str] = []
    done = 0
    for kind, start, end in spans:
        pieces += [text[done:start], treat(kind, text[start:end])]
        done = end
    return "".join([*pieces, text[done:]])
