"""Superscripts and subscripts of a page, as `kernels.reading.parsing.markup.scripts` writes them.

The loops of `kernels.reading.articles.scanning.scan` mark them by control characters in text; those of a tree are elements.
"""

import re
from typing import Any

from kernels.reading.parsing.markup.scripts import subscript, superscript

_MARKED = re.compile(r"\x01([^\x01-\x04]*+)\x02|\x03([^\x01-\x04]*+)\x04")
_STRAY = re.compile(r"[\x01-\x04]")
_CONTEXT_CHARS = 12
MAX_NESTING = 8
"""Scripts within scripts that are still told apart; the marks of deeper ones go."""


def resolve_marks(text: str) -> str:
    """Return text with its marked scripts written plainly, from the inside out."""
    if "\x01" not in text and "\x03" not in text:
        return text
    for _ in range(MAX_NESTING):
        text, count = _MARKED.subn(_plain, text)
        if not count:
            break
    return _STRAY.sub("", text)


def _plain(match: re.Match[str]) -> str:
    before = _STRAY.sub("", match.string[max(0, match.start() - _CONTEXT_CHARS) : match.start()])
    if match[1] is None:
        return subscript(match[2], before)
    return superscript(match[1], before, match.string[match.end() : match.end() + 2].replace("\x03", "<sub"))


def resolve_tree(tree: Any) -> None:
    """Replace the ``sup`` and ``sub`` elements of an ``lxml`` tree by text; one that holds a link is a reference and goes."""
    for element in _scripts(tree):
        parent = element.getparent()
        if parent is None:
            continue
        content = "".join(element.itertext())
        before, after = _text_before(element, parent), element.tail or ""
        if element.tag == "sub":
            plain = subscript(content, before)
        else:
            plain = "" if element.find(".//a") is not None else superscript(content, before, _text_after(element))
        previous = element.getprevious()
        if previous is None:
            parent.text = (parent.text or "") + plain + after
        else:
            previous.tail = (previous.tail or "") + plain + after
        element.tail = None
        parent.remove(element)


def _scripts(tree: Any) -> list[Any]:
    """Return superscripts, then subscripts, each from the inside out: a fraction is told by the subscript behind its upper half."""
    return [*reversed(list(tree.iter("sup"))), *reversed(list(tree.iter("sub")))]


def _text_before(element: Any, parent: Any) -> str:
    """Return the end of the text before an element in the same parent."""
    previous = element.getprevious()
    if previous is None:
        return (parent.text or "")[-_CONTEXT_CHARS:]
    text = previous.tail or ""
    if not text and isinstance(previous.tag, str):
        text = "".join(previous.itertext())
    return text[-_CONTEXT_CHARS:]


def _text_after(element: Any) -> str:
    """Return the beginning of what follows an element, a subscript as its tag."""
    following, after = element.getnext(), element.tail or ""
    return f"{after}<sub" if len(after) < 2 and following is not None and following.tag == "sub" else after[:2]
