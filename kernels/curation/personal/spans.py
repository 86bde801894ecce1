"""Spans of personal data in a text, and which of those that overlap counts."""

from collections.abc import Iterable
from typing import Literal, NamedTuple, cast, get_args

from kernels.curation.spans import first_of_overlapping

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
    return first_of_overlapping(sorted(set(spans), key=lambda span: (_RANK[span.kind], span.start - span.end, span.start)))
