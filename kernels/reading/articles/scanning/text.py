"""The text of a page as it is written: white space, entities, and where a block or a line of code ends; compiled."""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

from kernels.reading.articles.compiled import compiled
from kernels.reading.articles.scanning.characters import size_of, space_bytes
from kernels.reading.articles.scanning.page import (
    BEGAN,
    DEPTH,
    ELEMENT,
    END,
    KIND,
    LEFT_OUT,
    LESS,
    LINK_DEPTH,
    LINKED,
    LINKS,
    MATHS,
    MUTED,
    NUM_BLOCKS,
    OF_ELEMENT,
    OUT,
    PRE,
    SIZE,
    SPACE,
    START,
    TAG,
    TEXT,
    U8,
    Page,
)  # fmt: skip

MORE, AMPERSAND, SEMICOLON, CARRIAGE_RETURN = 62, 38, 59, 13


@compiled
def write_text(data: U8, place: int, end: int, page: Page) -> int:
    """Write text up to the next tag; return where that begins."""
    state = page.state
    if state[MUTED] or state[LEFT_OUT]:
        while place < end and data[place] != LESS:
            place += 1
        return place
    linked = state[LINK_DEPTH] > 0
    while place < end and data[place] != LESS:
        byte = data[place]
        if byte < 128 and byte != AMPERSAND and (byte > 32 or (byte == 32 and not state[PRE])):
            place = _write_ascii(data, place, end, page, linked)
            continue
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
            write_pending_space(page)
        page.text[state[OUT]] = byte
        state[OUT] += 1
        size = size_of(data, place)
        state[TEXT] += size
        state[LINKS] += size * linked
        place += width
    return place


@compiled
def _write_ascii(data: U8, place: int, end: int, page: Page, linked: bool) -> int:
    """Write ASCII characters and the single spaces between them, up to preformatted white space, an entity, a tag or another script."""
    state, text = page.state, page.text
    out, began, size, space, is_pre = state[OUT], state[BEGAN], 0, state[SPACE], state[PRE] > 0
    while place < end:
        byte = data[place]
        if byte > 127 or byte in (AMPERSAND, LESS) or byte < 9 or (byte <= 32 and is_pre):
            break
        if byte <= 32:
            if 13 < byte < 28:
                break
            space = 1
        else:
            if space and out > began:
                text[out] = 32
                out += 1
                size += 1
            space = 0
            text[out] = byte
            out += 1
            size += 1
        place += 1
    state[OUT], state[SPACE] = out, space
    state[TEXT] += size
    state[LINKS] += size * linked
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
def write_pending_space(page: Page) -> None:
    """Write the white space that was noted, unless it would begin the block."""
    state = page.state
    if state[SPACE] and state[OUT] > state[BEGAN]:
        page.text[state[OUT]] = 32
        state[OUT] += 1
        state[TEXT] += 1
        state[LINKS] += state[LINK_DEPTH] > 0
    state[SPACE] = 0


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
def end_block(page: Page) -> None:
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
def break_line(page: Page) -> None:
    """Begin a new block, or a new line of preformatted text."""
    state = page.state
    if state[MATHS]:
        return
    if not state[PRE]:
        end_block(page)
    elif not state[MUTED]:
        page.text[state[OUT]] = 10
        state[OUT] += 1


@compiled
def end_line_of_code(page: Page) -> None:
    """Break the line of preformatted text unless a new one has just begun."""
    state = page.state
    if state[PRE] and state[OUT] > state[BEGAN] and page.text[state[OUT] - 1] != 10:
        break_line(page)
