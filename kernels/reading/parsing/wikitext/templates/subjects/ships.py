"""Ships and their classes: a prefix, a name, and what tells it from others of that name."""

import re
from collections.abc import Callable

from kernels.reading.parsing.wikitext.templates.arguments import Arguments

_PREFIXES = """
    USS USNS USCGC USAT USRC USAV USC&GS USLHT USAHS CSS HMS HMAS HMCS HMNZS HMIS HMSAS HMBS HMPNGS HMT HMHS HMVS HMY RFA RMS RV RRS SS MS MV MF
    MT TSS TSMV PS SMS INS JDS JS ORP ARA ARC ARM BAP BRP BNS ROCS ROKS RSS SAS KD KRI HTMS HDMS HNoMS HNLMS HSwMS NRP NoCGV PNS SLNS BAE CCGS
    NMS LÉ TCG GTS HSC FGS NOAAS RPS TS KDM
""".split()  # noqa: SIM905
_NAVY = re.compile(
    r"(?:american|argentine|australian|austro-hungarian|belgian|brazilian|british|canadian|chilean|chinese|confederate|danish|dutch|finnish|french|german"
    r"|greek|indian|italian|japanese|norwegian|ottoman|polish|portuguese|romanian|russian|south korean|soviet|spanish|swedish|thai|turkish)"
    r" (?:aircraft carrier|battlecruiser|battleship|corvette|cruiser|destroyer|frigate|gunboat|ironclad|ship|submarine|torpedo boat)"
)
_SHOWN = {prefix.lower(): prefix for prefix in _PREFIXES} | {"smu": "SM", "hrms": "HNLMS"}


def _shown(prefix: str, name: str, mark: str, form: str) -> str | None:
    """Return what a form shows: 1 the mark alone, 2 the name, 3 name and mark, 5 prefix and mark, 6 prefix and name, without a form all."""
    if not name:
        return None
    in_brackets = f"({mark})" if mark else ""
    shown = {"1": (mark,), "2": (name,), "3": (name, in_brackets), "5": (prefix, in_brackets), "6": (prefix, name), "": (prefix, name, in_brackets)}
    return " ".join(part for part in shown[form] if part) or None if form in shown else None


def _ship(call: Arguments) -> str | None:
    """{{ship|HMS|Arrow|1823|2}}."""
    return _shown(call.value(1), call.value(2), call.value(3), call.value(4))


def _of_prefix(call: Arguments) -> str | None:
    """{{HMS|Beagle}}, {{USS|Enterprise|CV-6|6}}; without a name, or in small letters, the template is about something else."""
    if call.written[1:].islower():
        return None
    return _shown(_SHOWN[call.name], call.value(1), call.value(2), call.value(3))


def _submarine(call: Arguments) -> str | None:
    """{{GS|U-47|1938|2}}: German ships without a prefix."""
    return _shown("", call.value(1), call.value(2), call.value(3))


def _of_navy(call: Arguments) -> str | None:
    """{{German submarine|U-96|1940|2}}: the navy and the kind of ship are the prefix."""
    return _shown(call.written, call.value(1), call.value(2), call.value(3))


def _class(call: Arguments) -> str | None:
    """{{sclass|Nimitz|aircraft carrier}}; what a number behind them shows has changed over the years, so that it is not told."""
    return f"{call.value(1)}-class {call.value(2)}" if call.value(1) and call.value(2) and not call.value(3) else None


def find(name: str) -> Callable[[Arguments], str | None] | None:
    """Return the renderer of ``german submarine`` and its kin."""
    return _of_navy if _NAVY.fullmatch(name) else None


RENDERERS = (
    dict.fromkeys(_SHOWN, _of_prefix)
    | {"ship": _ship, "warship": _ship, "gs": _submarine}
    | dict.fromkeys(("sclass", "sclass2", "sclass-", "sclass2-", "ship class"), _class)
)
"""Renderers by the name of a template in lower case."""
