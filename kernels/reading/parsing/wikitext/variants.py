"""Words in several scripts or usages, between which a wiki lets its readers choose: ``-{zh-hans:计算机; zh-hant:電腦}-``.

The first is shown. Syntax: https://www.mediawiki.org/wiki/Writing_systems/Syntax.
"""

import re

from kernels.reading.parsing.wikitext.marks import NOTHING

CONVERTED = frozenset(("crh", "gan", "iu", "kk", "ku", "shi", "sr", "tg", "uz", "wuu", "zh"))
"""Languages whose wikis know the sign; in all others it is text."""

_CHOICE = re.compile(r"-\{(?:([A-Za-z;\-\s]{0,12})\|)?([^{}\n]*)\}-")
_VARIANT = re.compile(r"\s*[a-z]{2,3}(?:-[a-z]{2,4}){0,2}\s*:", re.IGNORECASE)
_UNSEEN = frozenset("HTD-")
"""Flags of rules that are stated and not shown."""


def resolve_variants(text: str, language: str) -> str:
    """Return text with its first variant of each choice."""
    return _CHOICE.sub(_first, text) if language in CONVERTED and "-{" in text else text


def _first(choice: re.Match[str]) -> str:
    if not _UNSEEN.isdisjoint((choice[1] or "").upper()):
        return NOTHING
    variants = [variant for variant in choice[2].split(";") if _VARIANT.match(variant)]
    return variants[0].partition(":")[2].rpartition("=>")[2].strip() if variants else choice[2]
