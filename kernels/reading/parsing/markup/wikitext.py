"""Wikitext as plain text: brackets are matched from the inside out, which costs a small part of a full parse.

Templates, tables, references, files and categories go, links leave their label, formulas stay as LaTeX between dollar signs. Syntax:
https://www.mediawiki.org/wiki/Help:Formatting.
"""

import html
import re
from collections.abc import Callable, Iterator

from kernels.reading.parsing.text import tidy

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_VERBATIM = re.compile(r"<(nowiki|math|source|syntaxhighlight|pre)\b[^<>]*(?<!/)>([^<]*+(?:<(?!/?\1\b)[^<]*+)*+)</\1\s*>", re.IGNORECASE)
_EMPTY_TAG = re.compile(r"<(?:ref|nowiki|references|section)\b[^<>]*/>", re.IGNORECASE)
_REFERENCE = re.compile(r"<ref\b[^<>]*>[^<]*+(?:<(?!/?ref\b)[^<]*+)*+</ref\s*>", re.IGNORECASE)
_DROPPED_TAG = re.compile(
    r"<(gallery|timeline|imagemap|score|table|references|hiero|graph)\b[^<>]*>[^<]*+(?:<(?!/?\1\b)[^<]*+)*+</\1\s*>", re.IGNORECASE
)
_BREAK = re.compile(r"<br\b[^<>]*>", re.IGNORECASE)
_POWER = re.compile(r"<sup>\s*(?=[-+\u2212\u2013\d])", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:abbr|b|bdi|big|blockquote|center|cite|code|dd|del|div|dl|dt|em|font|h[1-6]|hr|i|includeonly|ins|kbd|li|mark|noinclude|nowiki|ol"
    r"|onlyinclude|p|poem|pre|q|ref|references|rb|rp|rt|ruby|s|samp|small|span|strike|strong|sub|sup|templatestyles|tt|u|ul|var|wbr)\b[^<>]*>",
    re.IGNORECASE,
)
_INNERMOST = re.compile(r"\{\{((?:[^{}\[\]]++|\{(?!\{)|\}(?!\})|\[(?!\[)|\](?!\]))*+)\}\}|\[\[([^\[\]{}]*+)\]\]")
_TEMPLATE = re.compile(r"\{\{((?:[^{}]++|\{(?!\{)|\}(?!\}))*+)\}\}")
_TABLE = re.compile(r"\{\|(?:[^{|]++|\{(?!\|)|\|(?!\}))*+\|\}")
_LINK = re.compile(r"\[\[((?:[^\[\]]++|\[(?!\[)|\](?!\]))*+)\]\]")
_UNBALANCED = re.compile(r"\{\{[^\n]*|\}\}|\[\[|\]\]")
_ADDRESS = re.compile(r"\[(?:https?:|ftp:|mailto:|//)[^\s\[\]]*+[^\S\n]*+((?:[^\[\]\n]++|\[[^\[\]\n]*+\])*+)\]")
_INTERLANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z]+)*\s*:")
_HEADING = re.compile(r"(={1,6})\s*(.+?)\s*\1$")
_LIST = re.compile(r"([*#:;]+)\s*(.*)")
_ORPHAN = re.compile(r"^[.,;:](?=\s|$)\s*")
_PARAMETER = re.compile(r"\s*+[\w -]+=")
_PLACEHOLDER = re.compile("(\ue000\\d+\ue001)")
MAX_NESTING = 40
"""Brackets within brackets, as deep as MediaWiki itself expands templates ($wgMaxTemplateDepth, 40); what lies deeper goes as unbalanced."""
MAX_INDENT = 12
"""Lists within lists that are still shown by indentation."""
_REPAIRS = [
    (re.compile(r" [^\S\n]+|[^\S\n ][^\S\n]*"), " "),
    (re.compile(r"([(\[])[\s,;:]+"), r"\1"),
    (re.compile(r"(?<![\s,;])[\s,;]++([)\]])"), r"\1"),
    (re.compile(r" ?\(\)| ?\[\]"), ""),
    (re.compile(r":\s*[,;](?=\s)"), ":"),
    (re.compile(r" +(?=[,.](?:\s|$))"), ""),
]
_FIRST = {"nihongo", "quote", "vanchor", "'s", "angbr", "as of", "nobold", "nts", "tooltip", "flag", "key press", "keypress", "sup", "sub"}
_LAST = {"lang", "transl", "nowrap", "small", "smaller", "sc", "abbr", "resize"}
_DATES = {"birth date", "birth date and age", "death date", "death date and age", "dts", "start date", "end date", "film date"}
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
_BETWEEN = {"to", "and", "by", "x", "-", "\u2013", "+/-"}
_SIGNS = {
    "'s": "'s",
    "nbsp": " ",
    "spaces": " ",
    "\u00b7": " \u00b7",
    "snd": " \u2013 ",
    "spaced ndash": " \u2013 ",
    "ndash": "\u2013",
    "mdash": "\u2014",
    "mdashb": " \u2014 ",
}


def plain_text(wikitext: str, hidden: set[str], drop_sections: tuple[str, ...]) -> str:
    """Return the plain text of wikitext; ``hidden`` holds the lower-case namespaces that links to are left out."""
    verbatim: list[str] = []

    def keep(match: re.Match[str]) -> str:
        verbatim.append(_verbatim(match[1].lower(), match[2]))
        return f"\ue000{len(verbatim) - 1}\ue001"

    def resolve(match: re.Match[str]) -> str:
        return _expand(match[1]) if match[1] is not None else _label(match[2], hidden)

    text = _COMMENT.sub("", tidy(wikitext).replace("\ue000", "").replace("\ue001", ""))
    text = _EMPTY_TAG.sub("", _VERBATIM.sub(keep, text))
    text = _repeat(_DROPPED_TAG, lambda match: "", _repeat(_REFERENCE, lambda match: "", text))
    text = _POWER.sub("^", _BREAK.sub("\n", text))
    text = _repeat(_INNERMOST, resolve, text)
    text = _repeat(_TEMPLATE, lambda match: _expand(match[1]), text)  # what unbalanced brackets inside kept back
    text = _repeat(_TABLE, lambda match: "", text)
    text = _repeat(_LINK, lambda match: _label(match[1], hidden), text)
    text = _TAG.sub("", _ADDRESS.sub(r"\1", _UNBALANCED.sub("", text)))
    text = _unescape(re.sub(r"__[A-Z]{3,}__|'{2,}", "", text))
    for pattern, replacement in _REPAIRS:
        text = pattern.sub(replacement, text)
    text = "\n".join(_outline(text.split("\n"), {title.casefold() for title in drop_sections}))
    return tidy(re.sub("\ue000(\\d+)\ue001", lambda match: verbatim[int(match[1])], text))


def _verbatim(tag: str, content: str) -> str:
    """Return what is not wikitext: a formula between dollar signs, a listing between fences, anything else as it stands."""
    content = html.unescape(content)
    if tag == "math":
        return f"${' '.join(content.split())}$"
    return content if tag == "nowiki" else f"\n```\n{content.strip()}\n```\n"


def _repeat(pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str], text: str) -> str:
    """Replace from the inside out until nothing is left to replace, or `MAX_NESTING` levels are gone."""
    for _ in range(MAX_NESTING):
        text, count = pattern.subn(replace, text)
        if not count:
            break
    return text


def _unescape(text: str) -> str:
    """Resolve character references, none of which may spell the place of something kept verbatim."""
    parts = _PLACEHOLDER.split(text)
    parts[::2] = [html.unescape(part).replace("\ue000", "").replace("\ue001", "") for part in parts[::2]]
    return "".join(parts)


def _expand(template: str) -> str:
    """Return the words of the few templates that stand for words in a sentence, and nothing for all others."""
    name, *parameters = template.split("|")
    name = name.strip().lower()
    values = [value.strip() for value in parameters if not _PARAMETER.match(value)]
    if name == "quote":
        values += [value.partition("=")[2].strip() for value in parameters if value.lstrip().startswith("text=")]
    if name in _SIGNS and not values:
        return _SIGNS[name]
    if not values:
        return ""
    if name in ("convert", "cvt"):
        count = 4 if len(values) > 3 and values[1] in _BETWEEN else 2
        return " ".join(values[:count]).replace(" e6", " million ").replace(" e9", " billion ").replace(" e3", " thousand ")
    if name == "as of":
        return f"{'as' if any('lc=' in value for value in parameters) else 'As'} of {values[0]}"
    if name in _DATES:
        return _date(values)
    if name in ("frac", "sfrac"):
        return " ".join(filter(None, (values[-3] if len(values) > 2 else "", f"{values[-2] if len(values) > 1 else 1}/{values[-1]}")))
    if name == "val":
        return "".join([values[0], *(value for value in values[1:2] if value.startswith("("))])
    if name in _LAST:
        return values[-1]
    return values[0] if name in _FIRST or name.startswith("lang-") else "".join(values) if name == "chem" else ""


def _date(values: list[str]) -> str:
    """Return year, month and day, as far as they are given in numbers, as an English date."""
    year, month, day = (value if value.isdecimal() and len(value) < 5 else "" for value in [*values, "", "", ""][:3])
    if not month or not 1 <= int(month) <= 12:
        return year
    return f"{_MONTHS[int(month) - 1]} {f'{int(day)}, ' if day else ''}{year}".strip()


def _label(link: str, hidden: set[str]) -> str:
    """Return the words of an internal link."""
    target, has_label, label = link.partition("|")
    target = target.strip()
    if target.partition(":")[0].strip().lower() in hidden or _INTERLANGUAGE.match(target):
        return ""
    return label if has_label else target.removeprefix(":").removeprefix("#")


def _outline(lines: list[str], dropped: set[str]) -> Iterator[str]:
    """Yield lines in Markdown, without dropped sections and without headings that nothing follows."""
    sections: list[tuple[int, list[str]]] = [(0, [])]
    for line in lines:
        line = line.strip()
        if heading := _HEADING.match(line):
            sections.append((len(heading[1]), [heading[2]]))
        elif not line.startswith(("|", "{|", "}}", "----")):
            sections[-1][1].append(_list_item(line))
    kept: list[tuple[int, list[str]]] = []
    skipped = 7
    for level, body in sections:
        skipped = 7 if level <= skipped else skipped
        if level and level < skipped and body[0].casefold() in dropped:
            skipped = level
        if level < skipped:
            kept.append((level, body))
    below = 0
    shown: list[list[str]] = []
    for level, body in reversed(kept):
        if level and below <= level and not any(body[1:]):
            continue
        below = level
        shown.append([f"\n{'#' * level} {body[0]}\n", *body[1:]] if level else body)
    for body in reversed(shown):
        yield from body


def _list_item(line: str) -> str:
    item = _LIST.match(line)
    if not item:
        return line
    if item[1][-1] in ":;" or not item[2]:
        return item[2]
    words = _ORPHAN.sub("", item[2])
    return f"{'  ' * (min(len(item[1]), MAX_INDENT) - 1)}- {words}" if words else ""
