"""What each HTML element is to a page's text, as bits of one number, in a table that compiled loops look up by a hash of the tag."""

import numpy as np
from numpy.typing import NDArray

INLINE, LINK, BREAK, PREFORMATTED, CELL, ROW, ITEM, HEADING = (1 << bit for bit in range(8))
PARAGRAPH, SECTION, BOILERPLATE, SUPERSCRIPT, TABLE, ARTICLE, HEADLINE, ROOT = (1 << bit for bit in range(8, 16))
MATH, ANNOTATION, CAPTION, SUBSCRIPT, SLUGGED, MAIN, STRONG, OPAQUE = (1 << bit for bit in range(16, 24))
SCRIPT = SUPERSCRIPT | SUBSCRIPT


_TAGS: tuple[tuple[int, str], ...] = (
    (INLINE, "abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark q s samp small span strike strong time tt u"),
    (INLINE, "picture source var wbr ruby rb rt rp nobr bookmark o:p input meta link g-emoji"),
    (INLINE | LINK, "a"),
    (INLINE | SUPERSCRIPT, "sup"),
    (INLINE | SUBSCRIPT, "sub"),
    (INLINE | MATH, "math"),
    (INLINE | ANNOTATION, "annotation"),
    (BREAK, "br"),
    (PREFORMATTED, "pre listing xmp"),
    (CELL | SECTION, "td th"),
    (ROW | SECTION, "tr"),
    (TABLE | SECTION, "table"),
    (SECTION | SLUGGED, "section"),
    (SECTION, "div tbody thead tfoot ul ol dl header center address fieldset legend hgroup details summary hr"),
    (ITEM | SLUGGED, "li dt dd"),
    (HEADING | SLUGGED, "h2 h3 h4 h5 h6"),
    (HEADING | HEADLINE | SLUGGED, "h1"),
    (PARAGRAPH | SLUGGED, "p blockquote"),
    (ARTICLE | SECTION, "article"),
    (ROOT, "html body"),
    (ROOT | MAIN, "main"),
    (INLINE | OPAQUE, "head script style noscript svg template iframe textarea select button object video audio canvas embed map"),
    (BOILERPLATE, "aside form title menu dialog"),
    (BOILERPLATE | STRONG, "nav footer"),
    (BOILERPLATE | CAPTION, "figure figcaption"),
)
TABLE_SIZE = 512


def hash_of(tag: bytes) -> int:
    """Return the hash of a tag that the loops compute."""
    value = 0
    for byte in tag:
        value = (value * 257 + byte) & 0x7FFFFFFF
    return value


def tag_table() -> NDArray[np.int64]:
    """Return the table [TABLE_SIZE, 2] of hash and bits, open addressing; 0 where it is free."""
    table = np.zeros((TABLE_SIZE, 2), np.int64)
    for bits, tags in _TAGS:
        for tag in tags.split():
            value = hash_of(tag.encode())
            slot = value % TABLE_SIZE
            while table[slot, 0]:
                slot = (slot + 1) % TABLE_SIZE
            table[slot] = value, bits
    return table
