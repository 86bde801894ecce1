"""Counts as axes and legends write them."""

UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def size_words(number: float) -> str:
    """Return a count with three figures and k, M, G or T."""
    for unit, letter in UNITS:
        if number >= unit:
            return f"{number / unit:.3g}{letter}"
    return f"{number:g}"
