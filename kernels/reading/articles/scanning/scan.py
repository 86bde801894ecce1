"""One pass over the serialised tree of a page: its elements with their names, and its text as blocks; compiled.

The input is well-formed markup in UTF-8, as `kernels.reading.articles.markup` makes it. A block is a run of text between tags that begin a new
line; white space is single, but preformatted text keeps its own.
"""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

from kernels.reading.articles.compiled import compiled
from kernels.reading.articles.scanning import names, tags
from kernels.reading.articles.scanning.attributes import attributes, bits_of
from kernels.reading.articles.scanning.names import Names
from kernels.reading.articles.scanning.page import (
    BEGAN,
    BITS,
    CELL_NUMBER,
    CELL_OF,
    DEPTH,
    I32,
    I64,
    IS_LAYOUT,
    LEFT_OUT,
    LESS,
    LINK_DEPTH,
    LINKS_BEFORE,
    MARK,
    MATH_DEPTH,
    MATHS,
    MUTED,
    MUTES,
    NAMES,
    NUM_CELLS,
    NUM_ELEMENTS,
    NUM_LINKS,
    OF_ELEMENT,
    OUT,
    PARENT,
    PRE,
    ROW_OF,
    SUBSCRIPT_BEGINS,
    SUBSCRIPT_ENDS,
    SUPERSCRIPT_BEGINS,
    SUPERSCRIPT_ENDS,
    TAG,
    U8,
    Page,
)  # fmt: skip
from kernels.reading.articles.scanning.text import break_line, end_block, end_line_of_code, write_pending_space, write_text

SLASH, MORE, EXCLAMATION, QUESTION = 47, 62, 33, 63


@compiled
def scan(data: U8, page: Page, table: I64, words: Names) -> None:
    """Fill a page from its markup."""
    state = page.state
    state[NUM_ELEMENTS] = 1
    place, end = 0, len(data)
    while place < end:
        if data[place] != LESS:
            place = write_text(data, place, end, page)
        elif place + 1 < end and data[place + 1] == SLASH:
            while place < end and data[place] != MORE:
                place += 1
            place += 1
            _close(page)
        elif place + 1 < end and (data[place + 1] == EXCLAMATION or data[place + 1] == QUESTION):
            while place < end and data[place] != MORE:
                place += 1
            place += 1
        else:
            place = _open(data, place + 1, end, page, table, words)
    end_block(page)


@compiled
def _open(data: U8, place: int, end: int, page: Page, table: I64, words: Names) -> int:
    """Read an opening tag; return where it ends."""
    value = 0
    while place < end and data[place] != MORE and data[place] != SLASH and data[place] > 32:
        value = (value * 257 + data[place]) & 0x7FFFFFFF
        place += 1
    bits = bits_of(table, value)
    called, place, alternative_start, alternative_end = attributes(data, place, end, words)
    if data[min(place, end - 1)] == SLASH:
        while place < end and data[place] != MORE:
            place += 1
        _stand_alone(page, bits)
        return place + 1
    _push(page, bits, called)
    if bits & tags.OPAQUE and not page.state[LEFT_OUT]:
        page.state[LEFT_OUT] = page.state[DEPTH]
    elif bits & tags.MATH and alternative_end > alternative_start and not page.state[LEFT_OUT]:
        write_text(data, alternative_start, alternative_end, page)
        page.state[LEFT_OUT] = page.state[DEPTH]
    return place + 1


@compiled
def _stand_alone(page: Page, bits: int) -> None:
    """Act on a tag without content."""
    state = page.state
    if state[LEFT_OUT]:
        return
    if not bits & tags.INLINE:
        break_line(page)
    if bits & tags.CELL:
        element = page.stack[state[DEPTH], OF_ELEMENT]
        page.elements[page.elements[element, ROW_OF], NUM_CELLS] += 1


@compiled
def _push(page: Page, bits: int, called: int) -> None:
    """Enter an element; taken as inline is one of an unknown name in a line of text, and what is in preformatted text, a formula or no text."""
    state, stack = page.state, page.stack
    element = stack[state[DEPTH], OF_ELEMENT]
    if state[LEFT_OUT] or (not bits and page.elements[element, TAG] & (tags.PARAGRAPH | tags.HEADING | tags.ITEM)):
        bits = tags.INLINE
    if not bits & tags.INLINE and (state[PRE] or state[MATHS]):
        end_line_of_code(page)
        bits = tags.INLINE | tags.BREAK
    if not bits & tags.INLINE:
        end_block(page)
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
        write_pending_space(page)
        top[MARK], top[LINKS_BEFORE] = state[OUT], state[NUM_LINKS]
        page.text[state[OUT]] = SUPERSCRIPT_BEGINS if bits & tags.SUPERSCRIPT else SUBSCRIPT_BEGINS
        state[OUT] += 1
    elif bits & tags.MATH:
        write_pending_space(page)
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
        end_block(page)
        state[PRE] -= bits & tags.PREFORMATTED > 0
    elif bits & tags.BREAK:
        end_line_of_code(page)
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
