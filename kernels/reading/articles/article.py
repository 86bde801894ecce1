"""The article of a page by three judges of its text blocks, and how far they agree: where they do, a careful extractor is not needed.

The first judge takes the element whose blocks outweigh its boilerplate the most, blocks weighed by length and share of links (after
Kohlschütter et al. 2010, https://doi.org/10.1145/1718487.1718542) and by the names that pages give to their parts; it writes the text. The second
takes all running text outside of what is named boilerplate; the third the element with the most paragraphs and commas, as readability scripts do.
"""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from kernels.reading.articles.blocks import Block, Element, Page, read_page

MIN_AGREEMENT = 0.85
"""At least this much of the text must be common to the judges; chosen on half of the article extraction benchmark, where .84 to .9 do equally."""
MIN_RUNNING_CHARS = 60
MAX_RUNNING_LINKS = 0.4
MIN_PARAGRAPH_CHARS = 25
MAX_PARAGRAPH_LINKS = 0.5
BOILERPLATE_WEIGHT = -5.0
MAX_BOILERPLATE_SHARE = 0.5
"""An element with more of the page's running text than this is no boilerplate, whatever its name."""
MIN_NAMED_SHARE = 0.8
"""An element that is named as the article is it if it weighs this much of the heaviest."""
ENDS = frozenset(".!?…\"”’')。:")
SECTIONS = frozenset(("div", "section", "ul", "ol", "table", "article", "td", "tr", "tbody", "dl", "header"))
BOILERPLATE_TAGS = frozenset(("nav", "footer", "aside", "form", "figure", "figcaption", "title", "menu", "dialog"))
BOILERPLATE_NAMES = re.compile(
    r"comment|disqus|related|recommend|share|sharing|social|sidebar|newsletter|subscri|promo|\bads?\b|advert|sponsor|footer|breadcrumb|byline"
    r"|caption|credit|cookie|consent|popup|modal|\bnav|menu|widget|most-?(?:read|popular)|popular|trending|tags\b|author|copyright|signup|sign-up"
    r"|meta\b|timestamp|dateline|login|more-?(?:on|from|stories)|read-?(?:more|next)|toolbar|hidden|banner|taboola|outbrain|gallery|rating"
)
ARTICLE_NAMES = re.compile(r"article-?body|\bcontent\b|post-?content|entry-?content|story-?body|articlebody")


class Article(NamedTuple):
    """What was found: the text, one block a line, the page's title, and the share of the text (0 to 1) that the judges agree on."""

    text: str
    title: str | None
    agreement: float


def find_article(html: str, *, include_tables: bool) -> Article:
    """Return the article of a page. Without text the agreement is 0."""
    page = read_page(html)
    discarded = _discarded(page, include_tables=include_tables)
    chosen = _heaviest(page, discarded)
    running = [place for place, block in enumerate(page.blocks) if _is_running(block) and not discarded[block.element]]
    agreement = min(_common(page, chosen, other) for other in (running, _most_paragraphs(page)))
    return Article("\n".join(page.blocks[place].text for place in chosen), page.title, agreement)


def _is_running(block: Block) -> bool:
    return len(block.text) >= MIN_RUNNING_CHARS and block.num_link_chars <= MAX_RUNNING_LINKS * len(block.text)


def _common(page: Page, first: list[int], second: list[int]) -> float:
    """Return the Dice coefficient of two choices of blocks, in characters."""

    def size(places: Iterable[int]) -> int:
        return sum(len(page.blocks[place].text) for place in places)

    return 2 * size(set(first) & set(second)) / max(1, size(first) + size(second))


def _sum_up(elements: list[Element], weights: list[float]) -> None:
    """Add to each element what is in it."""
    for place in range(len(weights) - 1, 0, -1):
        weights[elements[place].parent] += weights[place]


def _within(elements: list[Element], root: int, left_out: Callable[[int], bool] = lambda place: False) -> list[bool]:
    """Return for each element whether it is in another, or is it, and neither it nor what it is in there is left out."""
    inside = [place == root for place in range(len(elements))]
    for place in range(root + 1, len(elements)):
        inside[place] = inside[elements[place].parent] and not left_out(place)
    return inside


def _discarded(page: Page, *, include_tables: bool) -> list[bool]:
    """Return for each element whether it is in a part that is named as no article, or is a table where those are not wanted.

    A name is not believed of an element that holds much of the page's running text, unless it says that readers wrote it.
    """
    elements = page.elements
    running = [0.0] * len(elements)
    for block in page.blocks:
        if _is_running(block):
            running[block.element] += len(block.text) - block.num_link_chars
    _sum_up(elements, running)
    discarded = [False] * len(elements)
    for place, (parent, tag, names) in enumerate(elements[1:], 1):
        if discarded[parent]:
            discarded[place] = True
        elif tag in BOILERPLATE_TAGS or (tag == "table" and not include_tables) or _is_named_boilerplate(tag, names):
            discarded[place] = running[place] < MAX_BOILERPLATE_SHARE * running[0] or "comment" in names
    return discarded


def _is_named_boilerplate(tag: str, names: str) -> bool:
    if not names or tag in ("body", "html", "main"):
        return False
    return bool(BOILERPLATE_NAMES.search(names)) and not ARTICLE_NAMES.search(names)


def _heaviest(page: Page, discarded: list[bool]) -> list[int]:
    """Return the blocks of the heaviest element, from its first full paragraph to its last."""
    elements = page.elements
    weights = [0.0] * len(elements)
    for block in page.blocks:
        if discarded[block.element]:
            continue
        if _is_running(block):
            weights[block.element] += len(block.text) - block.num_link_chars
        elif elements[block.element].tag != "p":
            weights[block.element] += BOILERPLATE_WEIGHT
    _sum_up(elements, weights)
    root = _narrowed(elements, weights)
    inside = _within(elements, root, lambda place: weights[place] < 0 and elements[place].tag in SECTIONS)
    chosen = [
        place
        for place, block in enumerate(page.blocks)
        if inside[block.element] and not discarded[block.element] and _is_text(elements[block.element].tag, block)
    ]
    full = [number for number, place in enumerate(chosen) if _is_full(elements, page.blocks[place])]
    return chosen[full[0] : full[-1] + 1] if full else []


def _narrowed(elements: list[Element], weights: list[float]) -> int:
    """Return the heaviest element, or the one within it that its page names as the article, if most of the text is there."""
    best = max(range(len(weights)), key=lambda place: (weights[place], place))
    named = [
        place
        for place, inside in enumerate(_within(elements, best))
        if inside and place != best and weights[place] >= MIN_NAMED_SHARE * weights[best] and _is_named_article(elements[place])
    ]
    return named[-1] if named else best


def _is_named_article(element: Element) -> bool:
    return element.tag == "article" or bool(ARTICLE_NAMES.search(element.names))


def _is_text(tag: str, block: Block) -> bool:
    """Return whether a block within the article is of it: no headline, which stands as the title, and no list of links."""
    text = block.text
    if tag == "h1":
        return False
    if block.num_link_chars > 0.9 * len(text):
        return tag == "p" and len(text) > 20 and text[-1] in ".!?"
    return block.num_link_chars <= 0.7 * len(text) or len(text) > 100


def _is_full(elements: list[Element], block: Block) -> bool:
    return len(block.text) >= MIN_RUNNING_CHARS or (elements[block.element].tag in ("p", "li") and block.text[-1] in ENDS)


def _most_paragraphs(page: Page) -> list[int]:
    """Return the paragraphs of the element whose children, and half its grandchildren, hold the most of them."""
    elements = page.elements
    paragraphs = [
        place
        for place, block in enumerate(page.blocks)
        if len(block.text) >= MIN_PARAGRAPH_CHARS and block.num_link_chars <= MAX_PARAGRAPH_LINKS * len(block.text)
    ]
    scores = [0.0] * len(elements)
    for place in paragraphs:
        block = page.blocks[place]
        score = 1 + min(len(block.text) / 100, 3) + block.text.count(",")
        parent = elements[block.element].parent
        scores[parent] += score
        scores[elements[parent].parent] += score / 2
    inside = _within(elements, max(range(len(scores)), key=scores.__getitem__))
    return [place for place in paragraphs if inside[page.blocks[place].element]]
