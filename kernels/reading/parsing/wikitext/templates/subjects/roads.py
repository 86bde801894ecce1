"""Roads by their number, and stations of railways."""

import re

from kernels.reading.parsing.wikitext.templates.arguments import Arguments

_KINDS = {"i": "I-", "us": "US ", "sr": "SR ", "cr": "CR ", "ny": "NY ", "pa": "PA ", "sh": "SH ", "fm": "FM ", "m": "M-"}
"""How kinds of American roads that are written alike everywhere stand before their number."""
_OPTION = re.compile(r"state|country|dir\d|noshield\d?|nolink\d?")
_NUMBER = re.compile(r"\d{1,4}[A-Z]?")


def _junction(call: Arguments) -> str | None:
    """{{jct|state=CA|US|101|dir1=north|SR|1}}: roads that meet, by kind and number."""
    pairs = list(zip(call.values[::2], call.values[1::2], strict=False))
    is_known = all(kind.lower() in _KINDS and _NUMBER.fullmatch(number) for kind, number in pairs)
    if not pairs or len(call.values) % 2 or not is_known or not all(_OPTION.fullmatch(name) for name in call.named):
        return None
    roads = [_KINDS[kind.lower()] + number for kind, number in pairs]
    return " / ".join(f"{road} {call.get(f'dir{place}')}".rstrip() for place, road in enumerate(roads, 1))


def _numbered(call: Arguments) -> str | None:
    """{{I-|5}}."""
    return f"I-{call.first}" if _NUMBER.fullmatch(call.first) else None


def _station(call: Arguments) -> str | None:
    """{{rws|Leeds}}: the name alone."""
    return call.value(1) or None


RENDERERS = dict.fromkeys(("rws", "stn", "station", "stnlnk", "lus", "tram"), _station) | {"i-": _numbered, "jct": _junction}
"""Renderers by the name of a template in lower case."""
