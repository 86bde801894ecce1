"""Keys, tokens and passwords found in text, and masked by typed placeholders.

Texts without any trace of a secret are passed over by a few regexes over the whole batch; only the others are searched rule by rule.
"""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from kernels.curation.secrets.formats import MAX_BEHIND_CHARS, Rule
from kernels.curation.secrets.rules import KINDS, RULES
from kernels.curation.secrets.traces import may_hold_secrets
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
    wanted = frozenset(kinds)
    suspects = may_hold_secrets(texts)
    found = {number: search(text, wanted) for number, text in zip(suspects.to_list(), texts.gather(suspects).to_list(), strict=True)}
    return {number: secrets for number, secrets in found.items() if secrets}


def search(text: str, wanted: frozenset[str]) -> list[Secret]:
    """Return the secrets of a text of some kinds, whether it has a trace or not."""
    lowered = text.lower()
    if len(lowered) != len(text):  # some capitals have small forms of two characters
        lowered = "".join(char.lower() if char.isascii() else char for char in text)
    found: list[Secret] = []
    for rule in RULES:  # in order of precedence
        if rule.kind not in wanted:
            continue
        for start, end in _windows(lowered, rule):
            for match in rule.pattern.finditer(text, start, end):
                group = match.lastindex or 0
                if rule.is_real(match[group]) and _is_announced(match, rule):
                    found.append(Secret(rule.kind, *match.span(group)))
    return first_of_overlapping(found)


def _is_announced(match: re.Match[str], rule: Rule) -> bool:
    if rule.behind is None:
        return True
    return rule.behind.search(match.string[max(0, match.start() - MAX_BEHIND_CHARS) : match.start()]) is not None


def _windows(lowered: str, rule: Rule) -> Iterator[tuple[int, int]]:
    """Yield where matches of a rule can be: around its hints, merged where they touch."""
    places: list[int] = []
    for hint in rule.hints:
        place = lowered.find(hint)
        while place >= 0:
            places.append(place)
            place = lowered.find(hint, place + 1)
    start = end = 0
    for place in sorted(places):
        if place - rule.before > end:
            if end:
                yield start, end
            start = max(0, place - rule.before)
        end = place + rule.after
    if end:
        yield start, end


def mask(text: str, secrets: Iterable[Secret]) -> str:
    """Return a text with each secret as a placeholder of its kind, such as <GITHUB_TOKEN>. ``secrets`` are in order and do not overlap."""
    return replace(text, secrets, placeholder)
