"""Personal data found by rules in a batch of texts: each rule looks only at the windows where its values can stand."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from kernels.curation.personal.rules import accounts, contacts, identities, locations, network
from kernels.curation.personal.rules.rule import Rule
from kernels.curation.personal.search_windows import Place, TextBytes
from kernels.curation.personal.spans import Kind, Span, resolve

if TYPE_CHECKING:
    import polars as pl

RULES: tuple[Rule, ...] = (*contacts.RULES, *accounts.RULES, *identities.RULES, *network.RULES, *locations.RULES)


def find_by_rules(texts: "pl.Series", kinds: Collection[Kind]) -> dict[int, list[Span]]:
    """Return the personal data of N texts by number of text, in order and without overlaps; texts without any are left out."""
    by_place: dict[Place, list[Rule]] = {}
    for rule in RULES:
        if rule.kind in kinds:
            by_place.setdefault(rule.place, []).append(rule)
    strings: list[str] = texts.to_list()
    raw = TextBytes(strings)
    found: dict[int, list[Span]] = {}
    for place, rules in by_place.items():
        for number, start, end in raw.windows(place):
            text = strings[number]
            for rule in rules:
                for span in rule.find(text, start, end):
                    found.setdefault(number, []).append(Span(rule.kind, *span))
    return {number: resolve(found[number]) for number in sorted(found)}
