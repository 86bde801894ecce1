"""One pass over the serialised tree of a page: its elements with their names, and its text as blocks; compiled.

The input is well-formed markup in UTF-8, as `kernels.reading.articles.markup` makes it. A block is a run of text between tags that begin a new
line; white space is single, but preformatted text keeps its own.
"""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.reading.articles import names, tags
from kernels.reading.articles.characters import size_of, space_bytes
from kernels.reading.articles.compiled import compiled
from kernels.reading.articles.names import Names

U8 = NDArray[np.uint8]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

PARENT, TAG, NAMES, ROW_OF, CELL_OF, CELL_NUMBER, NUM_CELLS, IS_LAYOUT = range(8)
"""Columns of ``elements``; the last three number a cell in its row, count a row's cells, and say that a row holds a table."""
ELEMENT, START, END, SIZE, LINKED, KIND = range(6)
"""Columns of ``blocks``: size and linked are of text, see `kernels.reading.articles.characters.size_of`; kind is the bits of its element's tag."""
OUT, BEGAN, NUM_ELEMENTS, NUM_BLOCKS, TEXT, LINKS, SPACE, DEPTH, LINK_DEPTH, NUM_LINKS, MUTED, PRE, MATHS, MATH_DEPTH, LEFT_OUT = range(15)
"""Places of ``state``: where text is written, where the block began, counts, the block's sizes, and how deep the pass is in what."""
BITS, OF_ELEMENT, MARK, MUTES, LINKS_BEFORE = range(5)
"""Columns of the stack of open tags: bits, element, where text stood, by how much it mutes, how many links came before."""
SUPERSCRIPT_BEGINS, SUPERSCRIPT_ENDS, SUBSCRIPT_BEGINS, SUBSCRIPT_ENDS = 1, 2, 3, 4
"""Bytes that mark scripts in the text of blocks; a page's own control characters are left out."""

LESS, SLASH, MORE, AMPERSAND, EQUALS, SEMICOLON, CARRIAGE_RETURN = 60, 47, 62, 38, 61, 59, 13


class Page(NamedTuple):
    """What the pass fills: elements [n, 8], blocks [n, 6], the text of all blocks, the stack of open tags [n, 5], and its state."""

    elements: I32
    blocks: I32
    text: U8
    stack: I32
    state: I64


def make_page(data: U8) -> Page:
    """Return arrays that are large enough for any markup of these bytes."""
    num_tags = int(np.count_nonzero(data == LESS)) + 2
    return Page(
        np.zeros((num_tags, 8), np.int32),
        np.zeros((num_tags, 6), np.int32),
        np.empty(len(data) + 8, np.uint8),
        np.zeros((num_tags, 5), np.int32),
        np.zeros(16, np.int64),
    )


@compiled
def scan(data: U8, page: Page, table: I64, words: Names) -> None:
    """Fill a page from its markup."""
    state = page.state
    state[NUM_ELEMENTS] = 1
    place, end = 0, len(data)
    while place < end:
        if data[place] != LESS:
            place = _write_text(data, place, end, page)
        elif place + 1 < end and data[place + 1] == SLASH:
            while place < end and data[place] != MORE:
                place += 1
            place += 1
            _close(page)
        elif place + 1 < end and (data[place + 1] == 33 or data[place + 1] == 63):
            while place < end and data[place] != MORE:
                place += 1
            place += 1
        else:
            place = _open(data, place + 1, end, page, table, words)
    _flush(page)


@compiled
def _write_text(data: U8, place: int, end: int, page: Page) -> int:
    """Write text up to the next tag; return where that begins."""
    state = page.state
    if state[MUTED] or state[LEFT_OUT]:
        while place < end and data[place] != LESS:
            place += 1
        return place
    linked = state[LINK_DEPTH] > 0
    while place < end and data[place] != LESS:
        byte = data[place]
        width = 1
        if byte <= 32 or byte == 0xC2 or 0xE1 <= byte <= 0xE3:
            spaces = space_bytes(data, place, end)
            if spaces:
                _write_space(page, byte)
                place += spaces
                continue
            if byte == 0xC2 and place + 1 < end and data[place + 1] == 0xAD:  # a soft hyphen
                place += 2
                continue
        if byte == AMPERSAND:
            byte, width = _entity(data, place, end)
            if byte == CARRIAGE_RETURN:
                place += width
                continue
        elif byte < 32:
            place += 1
            continue
        if state[SPACE]:
            _write_pending_space(page)
        page.text[state[OUT]] = byte
        state[OUT] += 1
        size = size_of(data, place)
        state[TEXT] += size
        state[LINKS] += size * linked
        place += width
    return place


@compiled
def _write_space(page: Page, byte: int) -> None:
    """Note white space, or write it in preformatted text: line ends and tabs as they are, all else as a blank."""
    state = page.state
    if not state[PRE]:
        state[SPACE] = 1
    elif byte != 13:
        page.text[state[OUT]] = byte if byte == 10 or byte == 9 else 32
        state[OUT] += 1


@compiled
def _entity(data: U8, place: int, end: int) -> tuple[int, int]:
    """Return the character of an entity and its bytes: the few that the serialiser writes."""
    stop = place + 1
    while stop < end and data[stop] != SEMICOLON and stop - place < 9:
        stop += 1
    if stop >= end or data[stop] != SEMICOLON:
        return AMPERSAND, 1
    first, width = data[place + 1], stop + 1 - place
    if first == 35:  # of control characters, as U+FFFD, and of white space only
        is_left_out = data[place + 2] == 120 or (data[place + 2] == 49 and data[place + 3] == 51)
        return CARRIAGE_RETURN if is_left_out else 32, width
    if first == 108:
        return LESS, width
    if first == 103:
        return MORE, width
    return 34 if first == 113 else AMPERSAND, width


@compiled
def _flush(page: Page) -> None:
    """End the block, if there is text in it."""
    state, text = page.state, page.text
    start, stop = state[BEGAN], state[OUT]
    if state[PRE]:
        while start < stop and text[start] == 10:
            start += 1
        while stop > start and text[stop - 1] <= 32:
            stop -= 1
    if state[TEXT] and stop > start:
        block = page.blocks[state[NUM_BLOCKS]]
        element = page.stack[state[DEPTH], OF_ELEMENT]
        block[ELEMENT], block[START], block[END], block[SIZE] = element, start, stop, state[TEXT]
        block[LINKED] = min(state[LINKS], state[TEXT])
        block[KIND] = page.elements[element, TAG]
        state[NUM_BLOCKS] += 1
    state[OUT] = stop
    state[BEGAN], state[TEXT], state[LINKS], state[SPACE] = stop, 0, 0, 0


@compiled
def _open(data: U8, place: int, end: int, page: Page, table: I64, words: Names) -> int:
    """Read an opening tag; return where it ends."""
    value = 0
    while place < end and data[place] != MORE and data[place] != SLASH and data[place] > 32:
        value = (value * 257 + data[place]) & 0x7FFFFFFF
        place += 1
    bits = _bits_of(table, value)
    called, place, alternative_start, alternative_end = _attributes(data, place, end, words)
    if data[min(place, end - 1)] == SLASH:
        while place < end and data[place] != MORE:
            place += 1
        _stand_alone(page, bits)
        return place + 1
    _push(page, bits, called)
    if bits & tags.MATH and alternative_end > alternative_start and not page.state[LEFT_OUT]:
        _write_text(data, alternative_start, alternative_end, page)
        page.state[LEFT_OUT] = page.state[DEPTH]
    return place + 1


@compiled
def _bits_of(table: I64, value: int) -> int:
    slot = value % tags.TABLE_SIZE
    while table[slot, 0] and table[slot, 0] != value:
        slot = (slot + 1) % tags.TABLE_SIZE
    return table[slot, 1]


@compiled
def _attributes(data: U8, place: int, end: int, words: Names) -> tuple[int, int, int, int]:
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


@compiled
def _stand_alone(page: Page, bits: int) -> None:
    """Act on a tag without content."""
    state = page.state
    if not bits & tags.INLINE:
        _break_line(page)
    if bits & tags.CELL:
        element = page.stack[state[DEPTH], OF_ELEMENT]
        page.elements[page.elements[element, ROW_OF], NUM_CELLS] += 1


@compiled
def _break_line(page: Page) -> None:
    """Begin a new block, or a new line of preformatted text."""
    state = page.state
    if state[MATHS]:
        return
    if not state[PRE]:
        _flush(page)
    elif not state[MUTED]:
        page.text[state[OUT]] = 10
        state[OUT] += 1


@compiled
def _end_line_of_code(page: Page) -> None:
    """Break the line of preformatted text unless a new one has just begun."""
    state = page.state
    if state[PRE] and state[OUT] > state[BEGAN] and page.text[state[OUT] - 1] != 10:
        _break_line(page)


@compiled
def _push(page: Page, bits: int, called: int) -> None:
    """Enter an element; taken as inline is one of an unknown name in a line of text, and what is in preformatted text or in a formula."""
    state, stack = page.state, page.stack
    element = stack[state[DEPTH], OF_ELEMENT]
    if not bits and page.elements[element, TAG] & (tags.PARAGRAPH | tags.HEADING | tags.ITEM):
        bits = tags.INLINE
    if not bits & tags.INLINE and (state[PRE] or state[MATHS]):
        _end_line_of_code(page)
        bits = tags.INLINE | tags.BREAK
    if not bits & tags.INLINE:
        _flush(page)
        element = _add_element(page, bits, called, element)
        state[PRE] += bits & tags.PREFORMATTED > 0
    state[DEPTH] += 1
    top = stack[state[DEPTH]]
    top[BITS], top[OF_ELEMENT] = bits, element
    top[MUTES] = called & names.MUTED > 0 or (bits & tags.INLINE > 0 and called & names.NOT_SHOWN > 0)
    state[MUTED] += top[MUTES]
    if bits & (tags.LINK | tags.SCRIPT | tags.MATH | tags.ANNOTATION):
        _begin_inline(page, bits, called, top)


@compiled
def _begin_inline(page: Page, bits: int, called: int, top: I32) -> None:
    """Enter a link, a superscript or subscript, or a formula, whose TeX stands for all else in it."""
    state = page.state
    if bits & tags.LINK:
        state[LINK_DEPTH] += 1
        state[NUM_LINKS] += 1
    elif bits & tags.SCRIPT and not state[MUTED] and not state[LEFT_OUT]:
        _write_pending_space(page)
        top[MARK], top[LINKS_BEFORE] = state[OUT], state[NUM_LINKS]
        page.text[state[OUT]] = SUPERSCRIPT_BEGINS if bits & tags.SUPERSCRIPT else SUBSCRIPT_BEGINS
        state[OUT] += 1
    elif bits & tags.MATH:
        _write_pending_space(page)
        state[MATHS] += 1
        top[MARK] = state[OUT]
        top[MUTES] -= state[MUTED]
        state[MUTED] = 0
    elif bits & tags.ANNOTATION and state[MATHS] and not state[LEFT_OUT]:
        if called & names.TEX:
            state[OUT] = max(_math(page)[MARK], state[BEGAN])
        else:
            top[MUTES] += 1
            state[MUTED] += 1


@compiled
def _math(page: Page) -> I32:
    """Return the open tag of the formula that the pass is in."""
    depth = page.state[DEPTH]
    while depth and not page.stack[depth, BITS] & tags.MATH:
        depth -= 1
    page.state[MATH_DEPTH] = depth
    return page.stack[depth]


@compiled
def _write_pending_space(page: Page) -> None:
    state = page.state
    if state[SPACE] and state[OUT] > state[BEGAN]:
        page.text[state[OUT]] = 32
        state[OUT] += 1
        state[TEXT] += 1
        state[LINKS] += state[LINK_DEPTH] > 0
    state[SPACE] = 0


@compiled
def _add_element(page: Page, bits: int, called: int, parent: int) -> int:
    """Return the number of a new element."""
    state, elements = page.state, page.elements
    number = state[NUM_ELEMENTS]
    state[NUM_ELEMENTS] += 1
    element = elements[number]
    if not (bits & tags.SLUGGED or called & names.SLUGGED):
        called |= called >> names.OF_ID
    element[PARENT], element[TAG], element[NAMES] = parent, bits, called & names.OF_CLASS
    element[ROW_OF], element[CELL_OF] = elements[parent, ROW_OF], elements[parent, CELL_OF]
    if bits & tags.TABLE:
        elements[element[ROW_OF], IS_LAYOUT] = 1
        element[ROW_OF], element[CELL_OF] = 0, 0
    elif bits & tags.ROW:
        element[ROW_OF], element[CELL_OF] = number, 0
    elif bits & tags.CELL:
        element[CELL_OF] = number
        element[CELL_NUMBER] = elements[element[ROW_OF], NUM_CELLS]
        elements[element[ROW_OF], NUM_CELLS] += 1
    return number


@compiled
def _close(page: Page) -> None:
    """Leave an element."""
    state = page.state
    top = page.stack[state[DEPTH]]
    bits = top[BITS]
    if not bits & tags.INLINE:
        _flush(page)
        state[PRE] -= bits & tags.PREFORMATTED > 0
    elif bits & tags.BREAK:
        _end_line_of_code(page)
    elif bits & (tags.LINK | tags.SCRIPT | tags.MATH | tags.ANNOTATION):
        _end_inline(page, bits, top)
    state[MUTED] -= top[MUTES]
    if state[LEFT_OUT] == state[DEPTH]:
        state[LEFT_OUT] = 0
    state[DEPTH] = max(0, state[DEPTH] - 1)


@compiled
def _end_inline(page: Page, bits: int, top: I32) -> None:
    """Leave a link, a formula, or a superscript or subscript: one that holds a link is a reference and goes."""
    state = page.state
    if bits & tags.LINK:
        state[LINK_DEPTH] -= 1
    elif bits & tags.MATH:
        state[MATHS] -= 1
    elif bits & tags.ANNOTATION:
        if state[MATHS] and not state[LEFT_OUT] and not state[MUTED]:
            _math(page)
            state[LEFT_OUT] = state[MATH_DEPTH]
    elif top[MARK] >= state[BEGAN] and not state[MUTED] and not state[LEFT_OUT]:
        if state[NUM_LINKS] > top[LINKS_BEFORE]:
            state[OUT] = top[MARK]
        else:
            page.text[state[OUT]] = SUPERSCRIPT_ENDS if bits & tags.SUPERSCRIPT else SUBSCRIPT_ENDS
            state[OUT] += 1
