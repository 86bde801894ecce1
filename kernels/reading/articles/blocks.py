"""A page as a flat list of text blocks: runs of text between the tags that start a new line.

libxml2 reads the HTML, mends it and cuts what is nested deeper than it allows, so that no page costs more than its length.
"""

import re
from collections.abc import Iterable
from importlib import import_module
from typing import Any, NamedTuple

OPAQUE = (
    "head", "script", "style", "noscript", "svg", "template", "iframe", "textarea", "select", "button", "object", "video", "audio", "math", "canvas",
    "embed", "map",
)  # fmt: skip
"""Elements whose content is no text of the page."""
INLINE = (
    "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img", "ins", "kbd", "label", "mark", "q",
    "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
)  # fmt: skip
"""Elements that flow with the text around them; a link does too, but its text is counted."""
_NOT_SHOWN = re.compile(r"display:\s{0,3}none|visibility:\s{0,3}hidden", re.IGNORECASE)


class Element(NamedTuple):
    """An element that holds blocks or other elements: the place of its parent, its tag, and its class, id, role and itemprop in lower case."""

    parent: int
    tag: str
    names: str


class Block(NamedTuple):
    """A run of text: the place of its element, the text with single spaces, and how many characters of it are links."""

    element: int
    text: str
    num_link_chars: int


class Page(NamedTuple):
    """The page's own title; elements in document order, each after its parent (the root is its own); and the blocks of text in them."""

    title: str | None
    elements: list[Element]
    blocks: list[Block]


def page_title(tree: Any) -> str | None:
    """Return the title of an ``lxml`` tree with single spaces, None where there is none."""
    return " ".join((tree.findtext(".//title") or "").split()) or None


def read_page(html: str) -> Page:
    """Return the elements and blocks of a page; none where there is no HTML."""
    etree: Any = import_module("lxml.etree")
    # Not lxml.html's parser, which looks up a class for every element.
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, collect_ids=False)
    try:
        tree = etree.fromstring(html.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:
        tree = None
    if tree is None:
        return Page(None, [Element(0, "root", "")], [])
    title = page_title(tree)
    etree.strip_elements(tree, *OPAQUE, with_tail=False)
    etree.strip_tags(tree, *INLINE)
    return Page(title, *_flatten(etree.iterwalk(tree, events=("start", "end"))))


def _flatten(walk: Iterable[Any]) -> tuple[list[Element], list[Block]]:
    elements, blocks = [Element(0, "root", "")], list[Block]()
    open_elements, texts = [0], list[str]()
    num_link_chars = num_open_links = 0
    for event, node in walk:
        is_start = event == "start"
        if node.tag == "a":
            num_open_links += 1 if is_start else -1
        else:
            if texts and (text := " ".join("".join(texts).split())):
                blocks.append(Block(open_elements[-1], text, min(num_link_chars, len(text))))
            texts.clear()
            num_link_chars = 0
            if node.tag != "br":
                if is_start:
                    elements.append(Element(open_elements[-1], node.tag, _names(node.attrib)))
                    open_elements.append(len(elements) - 1)
                else:
                    open_elements.pop()
        if text := node.text if is_start else node.tail:
            texts.append(text)
            if num_open_links:
                num_link_chars += len(text.strip())
    return elements, blocks


def _names(attributes: Any) -> str:
    """Return what a page calls an element, and ``hidden`` where it is not shown."""
    if not attributes:
        return ""
    get = attributes.get
    names = f"{get('class', '')} {get('id', '')} {get('role', '')} {get('itemprop', '')}".lower()
    is_hidden = "hidden" in attributes or get("aria-hidden") == "true" or _NOT_SHOWN.search(get("style", ""))
    return f"{names} hidden" if is_hidden else names
