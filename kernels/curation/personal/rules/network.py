"""Rules for IP addresses in public address space (RFC 6890) and MAC addresses (EUI-48)."""

import ipaddress
import re

from kernels.curation.personal.rules.rule import Rule
from kernels.curation.personal.search_windows import Place

_IPV4 = re.compile(r"(?<![0-9A-Za-z])(?<![0-9][.+_-])(?<![A-Za-z]-)(?:\d{1,3}\.){3}\d{1,3}(?![0-9A-Za-z]|[_-][0-9A-Za-z]|\.\d)", re.ASCII)
_IPV6 = re.compile(r"(?<![0-9A-Za-z:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![0-9A-Za-z:]|\.\d)", re.ASCII)
_MAC = re.compile(r"(?<![0-9A-Za-z:-])[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![0-9A-Za-z:]|-\w)", re.ASCII)
_VERSION_WORD = re.compile(r"(?:version|release|build|firmware|section|chapter|ver\.?|rev\.?)[\s:]*$", re.IGNORECASE)


def _ipv4(match: re.Match[str]) -> int:
    """Leave private and invalid addresses, version numbers, and section numbers (four single digits)."""
    try:
        address = ipaddress.IPv4Address(match[0])
    except ValueError:
        return 0
    is_version = _VERSION_WORD.search(match.string[max(0, match.start() - 12) : match.start()])
    return 0 if not address.is_global or len(match[0]) == 7 or is_version else match.end()


def _ipv6(match: re.Match[str]) -> int:
    """Leave private and invalid addresses, and short ones (``a::b``), of which code is full."""
    try:
        address = ipaddress.IPv6Address(match[0])
    except ValueError:
        return 0
    return match.end() if address.is_global and len(match[0]) >= 7 else 0


def _mac(match: re.Match[str]) -> int:
    """Leave the broadcast address and that of no device."""
    digits = set(match[0].lower()) - {match[1]}
    return match.end() if digits not in ({"f"}, {"0"}) else 0


RULES = (
    Rule(kind="ip", place=Place("dotted", before=4, after=32), pattern=_IPV4, accept=_ipv4),
    Rule(kind="ip", place=Place("colons", before=40, after=48), pattern=_IPV6, accept=_ipv6),
    Rule(kind="mac", place=Place("pairs", before=4, after=24), pattern=_MAC, accept=_mac),
)
