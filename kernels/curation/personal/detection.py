"""Personal data found by rules in a batch of texts: each rule looks only at the windows where its values can stand."""

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from kernels.curation.personal.folding import Folded, fold, foldable
from kernels.curation.personal.rules import accounts, contacts, emails, identities, locations, network
from kernels.curation.personal.rules.rule import Finder
from kernels.curation.personal.search_windows import Place, TextBytes
from kernels.curation.personal.spans import Kind, Span, resolve
from kernels.curation.text.string_buffers import batches

if TYPE_CHECKING:
    import polars as pl

RULES: tuple[Finder, ...] = (*emails.RULES, *contacts.RULES, *accounts.RULES, *identities.RULES, *network.RULES, *locations.RULES)


def find_by_rules(texts: "pl.Series", kinds: Collection[Kind]) -> dict[int, list[Span]]:
    """Return the personal data of N texts by number of text, in order and without overlaps; texts without any are left out."""
    by_place: dict[Place, list[Finder]] = {}
    for rule in RULES:
        if rule.kind in kinds:
            by_place.setdefault(rule.place, []).append(rule)
    found: dict[int, list[Span]] = {}
    for first, end in batches(texts):  # what fits into the processor's cache is searched twice as fast
        found |= {first + number: spans for number, spans in _find(texts[first:end].to_list(), by_place).items()}
    return found


def _find(texts: list[str], by_place: dict[Place, list[Finder]]) -> dict[int, list[Span]]:
    """Return the personal data of N texts by number of text."""
    raw, folded = _read(texts)
    found: dict[int, list[Span]] = {}
    for place, rules in by_place.items():
        for number, start, end in raw.windows(place):
            text = raw.texts[number]
            for rule in rules:
                for span in rule.find(text, start, end):
                    found.setdefault(number, []).append(Span(rule.kind, *span))
    return {number: _unfold(resolve(found[number]), folded.get(number)) for number in sorted(found)}


def _read(texts: list[str]) -> tuple[TextBytes, dict[int, Folded]]:
    """Return N texts as rules read them, and by number those that are folded for it."""
    raw = TextBytes(texts)
    places = foldable(raw.raw, raw.inner_bytes)
    if not len(places):
        return raw, {}
    number = np.searchsorted(raw.bounds[0], places, side="right") - 1
    char = raw.chars(places) - raw.chars(raw.bounds[0][number])
    first = np.flatnonzero(np.diff(number, prepend=-1))
    chars: list[list[int]] = [part.tolist() for part in np.split(char, first[1:])]
    numbers: list[int] = number[first].tolist()
    folded = {text: fold(texts[text], places) for text, places in zip(numbers, chars, strict=True)}
    return raw.replaced({text: fold.text for text, fold in folded.items()}), folded


def _unfold(spans: list[Span], folded: Folded | None) -> list[Span]:
    """Return where spans stand in the text as it was."""
    if folded is None:
        return spans
    return [Span(span.kind, folded.origin(span.start), folded.origin(span.end - 1) + 1) for span in spans]
