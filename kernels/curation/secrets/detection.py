"""Keys, tokens and passwords found in text, and masked by typed placeholders.

Texts without any trace of a secret are passed over by a few regexes over the whole batch; only the others are searched rule by rule.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from kernels.curation.secrets.rules import KINDS, RULES, TRACES
from kernels.curation.spans import first_of_overlapping, placeholder, replace

if TYPE_CHECKING:
    import polars as pl


class Secret(NamedTuple):
    """One secret in a text: what it is, and where it stands."""

    kind: str
    start: int
    end: int


def find_secrets(text: str, kinds: Iterable[str] = KINDS) -> list[Secret]:
    """Return the secrets of a text in order, none overlapping another."""
    import polars as pl

    return find_in_texts(pl.Series([text]), kinds).get(0, [])


def find_in_texts(texts: "pl.Series", kinds: Iterable[str] = KINDS) -> dict[int, list[Secret]]:
    """Return the secrets of N texts by number of text; texts without any are left out."""
    import polars as pl

    wanted = frozenset(kinds)
    frame = texts.to_frame("text").lazy()
    trace = pl.any_horizontal(pl.col("text").str.contains(trace) for trace in TRACES)
    suspects = frame.with_row_index().filter(trace).collect()
    found = {number: _search(text, wanted) for number, text in suspects.iter_rows()}
    return {number: secrets for number, secrets in found.items() if secrets}


def _search(text: str, wanted: frozenset[str]) -> list[Secret]:
    lowered = text.lower()
    found: list[Secret] = []
    for rule in RULES:  # in order of precedence
        if rule.kind not in wanted or not any(hint in lowered for hint in rule.hints):
            continue
        for match in rule.pattern.finditer(text):
            group = match.lastindex or 0
            if rule.is_real(match[group]):
                found.append(Secret(rule.kind, *match.span(group)))
    return first_of_overlapping(found)


def mask(text: str, secrets: Iterable[Secret]) -> str:
    """Return a text with each secret as a placeholder of its kind, such as <GITHUB_TOKEN>. ``secrets`` are in order and do not overlap."""
    return replace(text, secrets, placeholder)
