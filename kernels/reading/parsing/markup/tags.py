"""The tags of simple HTML, one after the other, in time that grows with the text and no faster.

For bodies that a site's own editor wrote. A value in quotes may hold a sign of less, but not one that could begin a tag: so no place is looked at
by more than one tag that does not end.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from kernels.reading.parsing.markup.references import unescape

_QUOTED = r"\"(?:[^\"<]++|<(?![A-Za-z/!]))*+\"|'(?:[^'<]++|<(?![A-Za-z/!]))*+'"
_TAG = re.compile(rf"<!--.*?(?:-->|\Z)|<(/?)([A-Za-z][A-Za-z0-9-]*+)(?:((?:[^<>\"']++|{_QUOTED})*+)>|([^<>]*+)>)", re.DOTALL)
_ATTRIBUTE = re.compile(r"(?:^|\s)([A-Za-z-]++)\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'>]++))")


class Tag(NamedTuple):
    """A tag in lower case, whether it closes an element, and its attributes as they are written."""

    name: str
    is_end: bool
    rest: str

    def attribute(self, name: str) -> str:
        """Return the value of an attribute, empty where it is not given."""
        for key, *values in _ATTRIBUTE.findall(self.rest):
            if key.lower() == name:
                return unescape(next((value for value in values if value), ""))
        return ""


def tags_and_text(source: str) -> Iterator[Tag | str]:
    """Yield the tags of HTML and the text between them, as it is written; comments go."""
    place = 0
    for found in _TAG.finditer(source):
        if found.start() > place:
            yield source[place : found.start()]
        place = found.end()
        if found[2]:
            yield Tag(found[2].lower(), bool(found[1]), found[3] if found[3] is not None else found[4])
    if place < len(source):
        yield source[place:]
