"""What each Unicode character counts as: one table of bits over all code points.

Word classes are those of spaCy's English tokenizer (its public lists of letters, quotes, hyphens, currency and icons); symbols are those
of datatrove 0.10.1's rules; the rest is Python's own view of Unicode.
"""

import re
import unicodedata
from functools import cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

SPACE = 1
"""``str.isspace``."""
LINE_BREAK = 2
"""Ends a line for ``str.splitlines``."""
LETTER = 4
"""``str.isalpha``."""
DIGIT = 8
"""Decimal digit of any script."""
PUNCTUATION = 16
"""Unicode category P."""
SYMBOL = 32
"""One of datatrove's punctuation marks and control characters: a word of these alone is no word for Gopher's rules."""
SENTENCE_END = 64
"""Ends a sentence for spaCy's sentencizer."""
WORD_LETTER = 128
"""A letter within words."""
LOWER = 256
"""A lower-case letter, or one of a script without case."""
UPPER = 512
"""An upper-case letter, or one of a script without case."""
PREFIX = 1024
"""Splits off at the beginning of a word."""
SUFFIX = 2048
"""Splits off at the end of a word."""
QUOTE = 4096
"""A quotation mark."""
ICON = 8192
"""A pictograph, a dingbat or another stand-alone symbol."""
BEFORE_STOP = 16384
"""A full stop behind it is a word of its own."""

_END = 0x40000  # nothing above has any of these properties


@cache
def character_table() -> NDArray[np.uint16]:
    """Return the bits of every code point: [0x110000] uint16."""
    from datatrove.utils.text import PUNCTUATION_SET
    from spacy.lang.char_classes import ALPHA, ALPHA_LOWER, ALPHA_UPPER, CONCAT_ICONS, CONCAT_QUOTES, LIST_CURRENCY, LIST_PUNCT, PUNCT
    from spacy.pipeline.sentencizer import Sentencizer

    table = np.zeros(0x110000, np.uint16)
    every = "".join(map(chr, range(_END)))

    def mark(bit: int, pattern: str) -> None:
        for match in re.finditer(f"{pattern}+", every):
            table[match.start() : match.end()] |= bit

    mark(SPACE, r"\s")
    mark(LINE_BREAK, "[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
    mark(DIGIT, r"\d")
    mark(WORD_LETTER, f"[{ALPHA}]")
    mark(LOWER, f"[{ALPHA_LOWER}]")
    mark(UPPER, f"[{ALPHA_UPPER}]")
    mark(QUOTE, f"[{CONCAT_QUOTES}]")
    mark(ICON, f"[{CONCAT_ICONS}]")
    mark(BEFORE_STOP, rf"[0-9{ALPHA_LOWER}%²\-\+{PUNCT}(?:{CONCAT_QUOTES})]")
    marks = "".join(f"{mark}|" for mark in LIST_PUNCT if len(mark.lstrip("\\")) == 1)
    both = rf"(?:{marks}[{CONCAT_QUOTES}{CONCAT_ICONS}…—–])"
    mark(SUFFIX, both)
    currency = "|".join(sign for sign in LIST_CURRENCY if len(sign.lstrip("\\")) == 1)
    mark(PREFIX, rf"(?:{both}|{currency}|[§%=])")
    for code, char in enumerate(every):
        if char.isalpha():
            table[code] |= LETTER
        if unicodedata.category(char)[0] == "P":
            table[code] |= PUNCTUATION
    for bit, chars in ((SYMBOL, cast(set[str], PUNCTUATION_SET)), (SENTENCE_END, cast(list[str], Sentencizer.default_punct_chars))):
        table[[ord(char) for char in chars]] |= bit
    table.flags.writeable = False
    return table
