"""Sizes, counts, times and shares as people read them."""

import re
import time
from datetime import datetime
from typing import Any

DAY, HOUR, MINUTE = 86400, 3600, 60


BYTES = ("B", "kB", "MB", "GB", "TB")


def size(num_bytes: float) -> str:
    """Return a size in bytes with three figures and a decimal unit."""
    return _scaled(num_bytes, BYTES)


def bytes_of(size: str) -> int:
    """Return how many bytes a size is: a number with a decimal unit, such as 300MB or 1.5 GB.

    Raises:
        ValueError: it is none.
    """
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([a-z]+)", size.strip().lower())
    units = [unit.lower() for unit in BYTES]
    if found is None or found[2] not in units:
        raise ValueError(f"{size!r} is no size; write a number and one of {', '.join(BYTES)}, such as 300MB")
    return round(float(found[1]) * 1000 ** units.index(found[2]))


def count(number: float) -> str:
    """Return a count; a large one with three figures and thousands (k), millions (M) or billions (G)."""
    return f"{number:,.0f}" if number < 100_000 else _scaled(number, ("", "k", "M", "G", "T")).strip()


def _scaled(number: float, units: tuple[str, ...]) -> str:
    index = 0
    while number >= 999.5 and index < len(units) - 1:
        number, index = number / 1000, index + 1
    figures = f"{number:.0f}" if index == 0 or number >= 99.5 else f"{number:.3g}"
    return f"{figures} {units[index]}"


def duration(seconds: float) -> str:
    """Return a duration in the two largest units that it has."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, length, smaller, part in (("d", DAY, "h", HOUR), ("h", HOUR, "min", MINUTE), ("min", MINUTE, "s", 1)):
        if whole >= length:
            rest = whole % length // part
            return f"{whole // length} {unit} {rest} {smaller}" if rest else f"{whole // length} {unit}"
    return f"{whole} s"


def brief(seconds: float) -> str:
    """Return a duration in the one unit that fits."""
    for unit, length in (("d", DAY), ("h", HOUR), ("min", MINUTE)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"


def age(made_at: float | None) -> str:
    """Return how long ago something was made, in the unit that fits."""
    if made_at is None:
        return "-"
    seconds = time.time() - made_at
    for unit, length in (("d", DAY), ("h", HOUR), ("min", MINUTE)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def date(made_at: float) -> str:
    """Return a time as local date and time of day."""
    return datetime.fromtimestamp(made_at).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def rounded(value: Any) -> str:
    """Return a number with four figures, and anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
