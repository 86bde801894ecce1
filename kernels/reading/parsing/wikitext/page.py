"""A page of wikitext as plain text with Markdown headings and lists.

Brackets are resolved in one pass from the inside out (`brackets`), links leave their label, formulas stay as LaTeX between dollar signs;
templates say what they say in the Wikipedia of their language (`templates`), as of the day on which the page was
written, and a sentence with one that is not known is left out and counted. References, files, categories and tables go.
Syntax: https://www.mediawiki.org/wiki/Help:Formatting.
"""

import re
from functools import partial
from typing import NamedTuple

from kernels.reading.parsing.markup.references import unescape
from kernels.reading.parsing.markup.scripts import resolve_scripts
from kernels.reading.parsing.text import tidy
from kernels.reading.parsing.wikitext.brackets import Resolvers, resolve_brackets
from kernels.reading.parsing.wikitext.links import label, resolve_addresses
from kernels.reading.parsing.wikitext.marks import KEPT, KEPT_END, NOTHING, UNCLOSED, lost, shown, unmarked
from kernels.reading.parsing.wikitext.outline import outline
from kernels.reading.parsing.wikitext.sentences import resolve_asides, without_speechless
from kernels.reading.parsing.wikitext.templates.arguments import Wiki
from kernels.reading.parsing.wikitext.templates.rendering import render, render_parameter
from kernels.reading.parsing.wikitext.tidying import without_quotes, without_scraps
from kernels.reading.parsing.wikitext.variants import resolve_variants

_BREAK = re.compile(r"<br\b[^<>]*+>|</?(?:p|div|center|ul|ol|dl|dd|dt|h[1-6]|hr)\b[^<>]*+>", re.IGNORECASE)
_PARAGRAPH = re.compile(r"</?(?:blockquote|poem)\b[^<>]*+>", re.IGNORECASE)
_ITEM = re.compile(r"<li\b[^<>]*+>", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:abbr|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|includeonly|ins|kbd|langconvert|li|mark|noinclude|nowiki|onlyinclude|phonos|q|rb|ref|references|rp|rt"
    r"|rtc|ruby|s|samp|small|span|strike|strong|table|td|th|time|tr|tt|u|var|wbr)\b[^<>]*+>",
    re.IGNORECASE,
)
_SWITCH = re.compile(r"__[A-Z]{3,}__")
_UNCLOSED = re.compile(rf"{UNCLOSED}[^\n]*+(?:\n[ \t]*+\|[^\n]*+)*+")
_STRAY = re.compile(r"\{\{[^\n]*+|\}\}|\[\[|\]\]")
_PLACE = re.compile(f"{KEPT}(\\d+){KEPT_END}")
_PLAIN_FORMULA = re.compile(r"[A-Za-z0-9()]+")
_FENCED = frozenset(("pre", "source", "syntaxhighlight"))


class PlainText(NamedTuple):
    """A page's text; the first lost template of each sentence that is left out; and the number of tables that are."""

    text: str
    lost: list[str]
    num_tables: int


def read_page(wikitext: str, wiki: Wiki, drop_sections: tuple[str, ...]) -> PlainText:
    """Return wikitext as plain text without the sections of some titles."""
    kept: list[str] = []

    def keep(name: str, tag: str, content: str) -> str:
        said = _tag(name, tag, content)
        if said is None:
            return NOTHING
        kept.append(said)
        return f"{KEPT}{len(kept) - 1}{KEPT_END}"

    resolvers = Resolvers(partial(render, wiki=wiki), render_parameter, partial(label, wiki=wiki), keep)
    text, num_tables = resolve_brackets(tidy(unmarked(wikitext)), resolvers)
    text = _UNCLOSED.sub(_unclosed, resolve_variants(text, wiki.language))
    text = _TAG.sub("", _ITEM.sub("\n* ", _PARAGRAPH.sub("\n\n", _BREAK.sub("\n", text))))
    text = resolve_scripts(text)
    text = resolve_addresses(_STRAY.sub("", text))
    text = without_speechless(unescape(_SWITCH.sub("", text)))
    text = "\n".join(resolve_asides(without_quotes(line)) for line in text.split("\n"))
    lines, names = outline(without_scraps(text).split("\n"), {title.casefold() for title in drop_sections})
    text = _PLACE.sub(lambda place: kept[int(place[1])], shown("\n".join(lines)))
    return PlainText(tidy(unmarked(text)), names, num_tables)


def plain_text(wikitext: str, hidden: set[str], drop_sections: tuple[str, ...], language: str = "en") -> str:
    """Return the plain text of wikitext; ``hidden`` holds the lower-case namespaces that links to are left out."""
    return read_page(wikitext, Wiki(frozenset(hidden), language), drop_sections).text


def _unclosed(found: re.Match[str]) -> str:
    """Return what stands for a template that is never closed, which ends with its line: a sentence is lost, but not where the line begins with it."""
    is_first = found.start() == 0 or found.string[found.start() - 1] == "\n"
    return NOTHING if is_first else f"{lost('not closed')}."


def _tag(name: str, tag: str, content: str) -> str | None:
    """Return what stands in a tag whose content is no wikitext: a formula, a listing, words as they are; None for what is no text."""
    if name == "nowiki":
        return unescape(content)
    if name == "math" and content.strip():
        return f"${' '.join(unescape(content).split())}$"
    if name in ("chem", "ce") and content.strip():
        formula = " ".join(unescape(content).split())
        return formula if _PLAIN_FORMULA.fullmatch(formula) else f"$\\ce{{{formula}}}$"
    if name in _FENCED and content.strip():
        listing = unescape(content).strip("\n").rstrip()
        is_inline = name != "pre" and re.search(r"\binline\b", tag, re.IGNORECASE) is not None
        return f"`{listing.strip()}`" if is_inline else f"\n```\n{listing}\n```\n"
    return None
