"""National teams, and shares of won games."""

import re

from kernels.reading.parsing.wikitext.templates.arguments import Arguments
from kernels.reading.parsing.wikitext.templates.quantities.numbers import as_text, number
from kernels.reading.parsing.wikitext.templates.subjects.places import country

_AGE = re.compile(r"U?-?\d\d", re.IGNORECASE)


def _team(call: Arguments) -> str | None:
    """{{fb|BRA}}, {{fbu|21|GER}}: the name of the country."""
    values = [value for value in call.values if value and not _AGE.fullmatch(value)]
    return call.get("name") or (country(values[0]) if values else None)


def _won(call: Arguments) -> str | None:
    """{{winpct|wins|losses|ties}}: the share of won games, in which a tie counts half."""
    won, lost, tied = (number(call.value(place) or "0") for place in (1, 2, 3))
    if won is None or lost is None or tied is None or not won + lost + tied:
        return None
    share = as_text((won + tied / 2) / (won + lost + tied), 3)
    return share.removeprefix("0")


RENDERERS = (
    dict.fromkeys(
        ("fb", "fbw", "fb-rt", "fbw-rt", "fbu", "fbwu", "fbu-rt", "nft", "nwft", "ru", "ruw", "ru7", "ru-rt", "rut", "cr", "crw", "cr-rt"), _team
    )
    | dict.fromkeys(
        ("cru", "rl", "rlw", "bk", "bkw", "vb", "vbw", "hb", "hbw", "ih", "ihw", "fh", "fhw", "wp", "wpw", "bd", "bb", "fut", "bs"), _team
    )
    | dict.fromkeys(("winpct", "winning percentage", "win pct", "wpct"), _won)
)
"""Renderers by the name of a template in lower case."""
