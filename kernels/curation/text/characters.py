"""What each Unicode character counts as: one table of bits over all code points.

Word classes are those of spaCy's English tokenizer (its public lists of letters, quotes, hyphens, currency and icons); symbols are those
of datatrove 0.10.1's rules; the rest is Python's own view of Unicode.
"""

import re
import unicodedata
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.specs.kept_tables import kept_tables

LETTER = 1
"""``str.isalpha``."""
DIGIT = 2
"""Decimal digit of any script."""
PUNCTUATION = 4
"""Unicode category P."""
SYMBOL = 8
"""One of datatrove's punctuation marks and control characters: a word of these alone is no word for Gopher's rules."""
SENTENCE_END = 16
"""Ends a sentence for spaCy's sentencizer."""
WORD_LETTER = 32
"""A letter within words."""
LOWER = 64
"""A lower-case letter, or one of a script without case."""
UPPER = 128
"""An upper-case letter, or one of a script without case."""
PREFIX = 256
"""Splits off at the beginning of a word."""
SUFFIX = 512
"""Splits off at the end of a word."""
QUOTE = 1024
"""A quotation mark."""
ICON = 2048
"""A pictograph, a dingbat or another stand-alone symbol."""
BEFORE_STOP = 4096
"""A full stop behind it is a word of its own."""

_END = 0x40000  # nothing above has any of these properties


@cache
def character_table() -> NDArray[np.uint16]:
    """Return the bits of every code point: [0x110000] uint16."""
    table = kept_tables(_made, ("spacy", "datatrove"))["characters"]
    table.flags.writeable = False
    return table


def _made() -> dict[str, NDArray[np.uint16]]:
    import importlib

    # spaCy's and datatrove's types are partly unknown
    classes: Any = importlib.import_module("spacy.lang.char_classes")
    symbols: set[str] = importlib.import_module("datatrove.utils.text").PUNCTUATION_SET
    sentence_ends: list[str] = importlib.import_module("spacy.pipeline.sentencizer").Sentencizer.default_punct_chars
    table = np.zeros(0x110000, np.uint16)
    every = "".join(map(chr, range(_END)))

    def mark(bit: int, pattern: str) -> None:
        for match in re.finditer(f"{pattern}+", every):
            table[match.start() : match.end()] |= bit

    mark(DIGIT, r"\d")
    mark(WORD_LETTER, f"[{classes.ALPHA}]")
    mark(LOWER, f"[{classes.ALPHA_LOWER}]")
    mark(UPPER, f"[{classes.ALPHA_UPPER}]")
    mark(QUOTE, f"[{classes.CONCAT_QUOTES}]")
    mark(ICON, f"[{classes.CONCAT_ICONS}]")
    mark(BEFORE_STOP, rf"[0-9{classes.ALPHA_LOWER}%²\-\+{classes.PUNCT}(?:{classes.CONCAT_QUOTES})]")
    marks = "".join(f"{mark}|" for mark in classes.LIST_PUNCT if len(mark.lstrip("\\")) == 1)
    both = rf"(?:{marks}[{classes.CONCAT_QUOTES}{classes.CONCAT_ICONS}…—–])"
    mark(SUFFIX, both)
    currency = "|".join(sign for sign in classes.LIST_CURRENCY if len(sign.lstrip("\\")) == 1)
    mark(PREFIX, rf"(?:{both}|{currency}|[§%=])")
    for code, char in enumerate(every):
        if char.isalpha():
            table[code] |= LETTER
        if unicodedata.category(char)[0] == "P":
            table[code] |= PUNCTUATION
    for bit, chars in ((SYMBOL, symbols), (SENTENCE_END, sentence_ends)):
        table[[ord(char) for char in chars]] |= bit
    return {"characters": table}
