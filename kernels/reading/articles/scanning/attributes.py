"""Opening tags: what their element is, and what class, id, role, itemprop, style and the like call it; compiled."""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

from kernels.reading.articles.compiled import compiled
from kernels.reading.articles.scanning import names, tags
from kernels.reading.articles.scanning.names import Names
from kernels.reading.articles.scanning.page import I64, U8

SLASH, MORE, EQUALS = 47, 62, 61


@compiled
def bits_of(table: I64, value: int) -> int:
    """Return the bits of the tag with this hash, 0 for one that is unknown."""
    slot = value % tags.TABLE_SIZE
    while table[slot, 0] and table[slot, 0] != value:
        slot = (slot + 1) % tags.TABLE_SIZE
    return table[slot, 1]


@compiled
def attributes(data: U8, place: int, end: int, words: Names) -> tuple[int, int, int, int]:
    """Return the bits of the names in a tag, where the tag ends, and where its ``alttext`` begins and ends."""
    called, alternative_start, alternative_end = 0, 0, 0
    while place < end and data[place] != MORE and data[place] != SLASH:
        if data[place] <= 32:
            place += 1
            continue
        start = place
        while place < end and data[place] != EQUALS and data[place] != MORE and data[place] > 32:
            place += 1
        length, first = place - start, data[start]
        value_start = value_end = place
        if place < end and data[place] == EQUALS:
            quote = data[min(place + 1, end - 1)]
            if quote != 34 and quote != 39:
                place += 1
                continue
            value_start = value_end = place + 2
            while value_end < end and data[value_end] != quote:
                value_end += 1
            place = value_end + 1
        if first == 97 and length == 7:  # alttext
            alternative_start, alternative_end = value_start, value_end
        else:
            called |= _names(data, first, data[start + 1] if length > 1 else 0, length, value_start, value_end, words)
    return called, place, alternative_start, alternative_end


@compiled
def _names(data: U8, first: int, second: int, length: int, start: int, end: int, words: Names) -> int:
    """Return the bits of an attribute's value: of class, id, role, itemprop; style; hidden; aria-hidden."""
    if first == 104 and second == 105 and length == 6:  # hidden
        return names.HIDDEN
    if first == 101 and length == 8:  # encoding
        return _match(data, start, end, words) & names.TEX
    if first == 97 and second == 114 and length == 11:  # aria-hidden
        return names.HIDDEN | names.NOT_SHOWN if end - start == 4 else 0
    if first == 115 and second == 116 and length == 5:  # style
        return names.HIDDEN | names.NOT_SHOWN if _match(data, start, end, words) & names.NOT_SHOWN else 0
    if first == 105 and second == 100 and length == 2:  # id
        return (_match(data, start, end, words) & ~(names.NOT_SHOWN | names.TEX)) << names.OF_ID
    is_class = first == 99 and second == 108 and length == 5
    is_role = first == 114 and second == 111 and length == 4
    is_itemprop = first == 105 and second == 116 and length == 8
    if is_class or is_role or is_itemprop:
        return _match(data, start, end, words) & ~(names.NOT_SHOWN | names.TEX)
    return 0


@compiled
def _match(data: U8, start: int, end: int, words: Names) -> int:
    """Return the bits of all words in a value."""
    state = words.next[0, names.SPACE]
    found, is_between = 0, True
    for place in range(start, end):
        symbol = words.symbols[data[place]]
        is_letter = 0 < symbol < names.SPACE
        if is_letter or not is_between:
            state = words.next[state, symbol]
            found |= words.bits[state]
        is_between = not is_letter
    return found if is_between else found | words.bits[words.next[state, names.SPACE]]
