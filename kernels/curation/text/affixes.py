"""Where one run of characters without white space splits into words, as spaCy's English tokenizer splits it.

Prefixes and suffixes are taken off until none is left, then the middle is cut at infixes (spaCy 3.8, ``Tokenizer``). A run that touches
one of the tokenizer's special cases or may be a web address is left to spaCy itself (`ASK`): few are, and each is asked about once.
"""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

import importlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.curation.compiled import compiled
from kernels.curation.text.characters import (
    BEFORE_STOP,
    ICON,
    LOWER,
    PREFIX,
    QUOTE,
    SUFFIX,
    UPPER,
    WORD_LETTER,
    character_table,
)
from kernels.specs.kept_tables import kept_tables

ASK = -1
MAX_SPECIAL_CHARS = 24
MAX_UNIT_CHARS = 6

I32 = NDArray[np.int32]
U64 = NDArray[np.uint64]


class Rules(NamedTuple):
    """What the loops look up: character classes, and sorted hashes of special strings, of units and of pairs of words that make a special one."""

    table: NDArray[np.uint16]
    specials: U64
    pairs: U64
    units: U64


@compiled
def _span_hash(code: I32, low: int, high: int) -> np.uint64:
    value = np.uint64(14695981039346656037)
    for place in range(low, high):
        value = (value ^ np.uint64(code[place])) * np.uint64(1099511628211)
    return value ^ (value >> np.uint64(29))


@compiled
def _holds(hashes: U64, value: np.uint64) -> bool:
    place = np.searchsorted(hashes, value)
    return place < len(hashes) and hashes[place] == value


@compiled
def _is_special(code: I32, low: int, high: int, specials: U64) -> bool:
    return 0 < high - low <= MAX_SPECIAL_CHARS and _holds(specials, _span_hash(code, low, high))


@compiled
def _is_digit(char: int) -> bool:
    return 48 <= char <= 57


@compiled
def _num_dots(code: I32, low: int, high: int) -> int:
    """Return the length of a run of two or more full stops, else 0."""
    end = low
    while end < high and code[end] == 46:
        end += 1
    return end - low if end - low > 1 else 0


@compiled
def _prefix(code: I32, low: int, high: int, table: NDArray[np.uint16]) -> int:
    """Return the length of the prefix of code[low:high], 0 for none."""
    if low >= high:
        return 0
    char = code[low]
    if table[char] & PREFIX:
        return 1
    if char == 43:  # a plus sign, unless a digit follows
        return 0 if low + 1 < high and _is_digit(code[low + 1]) else 1
    if char == 46:
        return _num_dots(code, low, high)
    if low + 1 < high and code[low + 1] == 36:  # US$, C$, A$
        return 2 if char == 67 or char == 65 else 0
    if low + 2 < high and char == 85 and code[low + 1] == 83 and code[low + 2] == 36:
        return 3
    return 0


@compiled
def _suffix(code: I32, low: int, high: int, table: NDArray[np.uint16], units: U64) -> int:
    """Return the length of the longest suffix of code[low:high], 0 for none."""
    if low >= high:
        return 0
    last = code[high - 1]
    for length in range(1, min(MAX_UNIT_CHARS, high - low - 1) + 1):
        if _is_digit(code[high - length - 1]):
            if not _is_digit(last) and _holds(units, _span_hash(code, high - length, high)):
                return length
            break
    if last == 46:
        start = high
        while start > low and code[start - 1] == 46:
            start -= 1
        if high - start > 1:
            return high - start
        if high - low > 1 and table[code[high - 2]] & BEFORE_STOP:
            return 1
        if high - low > 2 and table[code[high - 2]] & UPPER and table[code[high - 3]] & UPPER:
            return 1
        is_degree = high - low > 2 and code[high - 3] == 176
        return 1 if is_degree and code[high - 2] in (70, 102, 67, 99, 75, 107) else 0
    if high - low > 1 and (last == 115 or last == 83) and (code[high - 2] == 39 or code[high - 2] == 8217):
        return 2
    if last == 8230:  # two ellipses are one suffix
        return 2 if high - low > 1 and code[high - 2] == 8230 else 1
    if table[last] & SUFFIX:
        return 1
    return 1 if last == 43 and high - low > 1 and _is_digit(code[high - 2]) else 0


@compiled
def _infix(code: I32, place: int, low: int, high: int, table: NDArray[np.uint16]) -> int:
    """Return the length of the infix that begins at ``place`` in code[low:high], 0 for none."""
    char = code[place]
    if char == 46:
        dots = _num_dots(code, place, high)
        if dots:
            return dots
    if char == 8230 or table[char] & ICON:
        return 1
    if place == low or place + 1 >= high:
        return 0
    before, after = table[code[place - 1]], table[code[place + 1]]
    is_number = _is_digit(code[place - 1])
    if (char == 43 or char == 45 or char == 42 or char == 94) and is_number and (_is_digit(code[place + 1]) or code[place + 1] == 45):
        return 1
    if char == 46:
        return 1 if before & (LOWER | QUOTE) and after & (UPPER | QUOTE) else 0
    if char == 44:
        return 1 if before & WORD_LETTER and after & WORD_LETTER else 0
    if not (before & WORD_LETTER or is_number):
        return 0
    if char == 45 or char == 8211 or char == 8212 or char == 126:
        if after & WORD_LETTER:
            return 1
        length = 1
        while place + length < high and code[place + length] == char:
            length += 1
        is_long = (char == 45 and 1 < length <= 3) or (char == 8212 and length == 2)
        return length if is_long and place + length < high and table[code[place + length]] & WORD_LETTER else 0
    is_joint = char == 58 or char == 60 or char == 62 or char == 61 or char == 47
    return 1 if is_joint and after & WORD_LETTER else 0


@compiled
def _may_be_address(code: I32, low: int, high: int, table: NDArray[np.uint16]) -> bool:
    """Return whether a full stop comes before letters or digits that end the text, or before a port, path, query or fragment."""
    place, num_stops = low, 0
    while place < high:
        place += 1
        if code[place - 1] != 46:
            continue
        num_stops += 1
        start, is_number = place, False
        while place < high and (table[code[place]] & LOWER or _is_digit(code[place])):
            is_number |= _is_digit(code[place])
            place += 1
        is_end = place == high or code[place] == 58 or code[place] == 47 or code[place] == 63 or code[place] == 35
        if place > start and is_end and (num_stops > 2 or not is_number):
            return True
    return False


@compiled
def _cut_middle(code: I32, low: int, high: int, table: NDArray[np.uint16], ends: I32, count: int, may_ask: bool) -> int:
    """Append the ends of the middle's words to ``ends``; return their new number, or `ASK` where it may be a web address."""
    place, start, first = low, low, count
    while place < high:
        length = _infix(code, place, low, high, table)
        if length == 0 or place == low:
            place += max(length, 1)
            continue
        if place != start:
            ends[count] = place
            count += 1
        ends[count] = place + length
        count += 1
        place += length
        start = place
    if start < high:
        ends[count] = high
        count += 1
    return ASK if may_ask and count - first > 1 and _may_be_address(code, low, high, table) else count


@compiled
def _is_plain(code: I32, length: int) -> bool:
    """Return whether a run is nothing but ASCII letters, of which nothing splits off."""
    for place in range(length):
        if not 97 <= code[place] | 32 <= 122:
            return False
    return length > 0


@compiled
def split_run(code: I32, length: int, rules: Rules, ends: I32, stack: I32, may_ask: bool) -> int:
    """Write where the words of code[:length] end into ``ends`` (room for ``length``); return their number, or `ASK`.

    ``stack`` is scratch of the same size. Where it may not ask, it goes by the rules alone. Time is in proportion to the length.
    """
    low, high, previous = 0, length, -1
    count, depth = 0, 0
    if _is_plain(code, length):
        if may_ask and _is_special(code, 0, length, rules.specials):
            return ASK
        ends[0] = length
        return 1
    while low < high and high - low != previous:
        if may_ask and _is_special(code, low, high, rules.specials):
            return ASK
        previous = high - low
        prefix = _prefix(code, low, high, rules.table)
        if may_ask and prefix and _is_special(code, low + prefix, high, rules.specials):
            return ASK
        suffix = _suffix(code, low + prefix, high, rules.table, rules.units)
        if may_ask and suffix and _is_special(code, low, high - suffix, rules.specials):
            return ASK
        if prefix:
            low += prefix
            ends[count] = low
            count += 1
        if suffix:
            stack[depth] = high
            depth += 1
            high -= suffix
    if low < high:
        count = _cut_middle(code, low, high, rules.table, ends, count, may_ask)
        if count == ASK:
            return ASK
    for place in range(depth - 1, -1, -1):
        ends[count] = stack[place]
        count += 1
    if may_ask and count > 1 and _makes_special(code, ends, count, rules.pairs):
        return ASK
    return count


@compiled
def _makes_special(code: I32, ends: I32, count: int, pairs: U64) -> bool:
    """Return whether two words in a row begin a special string that was split."""
    start, before = 0, np.uint64(0)
    for place in range(count):
        own = _span_hash(code, start, ends[place]) if ends[place] - start <= MAX_SPECIAL_CHARS else np.uint64(0)
        if place and _holds(pairs, before * np.uint64(31) + own):
            return True
        start, before = ends[place], own
    return False


def code_points(text: str) -> I32:
    """Return the code points of a text."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.int32)


def _hash_of(text: str) -> np.uint64:
    return np.uint64(_span_hash(code_points(text), 0, len(text)))


def english_rules() -> Rules:
    """Return the tables for spaCy's English tokenizer."""
    return Rules(character_table(), **kept_tables(_hashes, ("spacy",)))


def _hashes() -> dict[str, U64]:
    from kernels.curation.text.english import spacy_tokenizer

    tokenizer = spacy_tokenizer()
    char_classes, spacy = importlib.import_module("spacy.lang.char_classes"), importlib.import_module("spacy.tokenizer")
    plain = spacy.Tokenizer(
        tokenizer.vocab,
        prefix_search=tokenizer.prefix_search,
        suffix_search=tokenizer.suffix_search,
        infix_finditer=tokenizer.infix_finditer,
        url_match=tokenizer.url_match,
    )
    pairs: list[np.uint64] = []
    for special in tokenizer.rules:
        words = [token.text for token in plain(special)]
        if len(words) > 1:
            with np.errstate(over="ignore"):
                pairs.append(_hash_of(words[0]) * np.uint64(31) + _hash_of(words[1]))
    units = [*char_classes.LIST_UNITS, *(sign.replace("\\", "") for sign in char_classes.LIST_CURRENCY)]
    return {
        "specials": np.unique(np.array([_hash_of(special) for special in tokenizer.rules], np.uint64)),
        "pairs": np.unique(np.array(pairs, np.uint64)),
        "units": np.unique(np.array([_hash_of(unit) for unit in units], np.uint64)),
    }
