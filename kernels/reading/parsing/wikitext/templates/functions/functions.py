"""What a parser function says: conditions, arithmetic, case, numbers. What needs more than the page is not told.

Conditions look at what is already resolved, so that a template that cannot be told in a condition makes the function one that cannot be told;
in a branch that is not taken it does no harm. https://www.mediawiki.org/wiki/Help:Extension:ParserFunctions.
"""

from collections.abc import Callable

from kernels.reading.parsing.wikitext.marks import EQUALS, LOST, NOTHING
from kernels.reading.parsing.wikitext.templates.arguments import Wiki
from kernels.reading.parsing.wikitext.templates.functions import moments
from kernels.reading.parsing.wikitext.templates.functions.expressions import evaluated, number_text
from kernels.reading.parsing.wikitext.templates.languages import language_name
from kernels.reading.parsing.wikitext.templates.quantities.numbers import formatted, number

MAX_PAD = 500
"""Characters that a value is filled up to at most, as in MediaWiki."""

_PAGE_NAMES = frozenset(("pagename", "fullpagename", "basepagename", "subpagename", "rootpagename", "pagenamee"))
_NO_TEXT = frozenset(("ref", "gallery", "templatestyles", "references", "section", "indicator", "mapframe", "maplink", "score", "timeline"))
_CASES: dict[str, Callable[[str], str]] = {
    "lc": str.lower,
    "uc": str.upper,
    "lcfirst": lambda text: text[:1].lower() + text[1:],
    "ucfirst": lambda text: text[:1].upper() + text[1:],
    "nowiki": str,
    "anchorencode": str,
}

Function = Callable[[list[str], Wiki], str | None]


def variable(name: str, wiki: Wiki) -> str | None:
    """Return what a variable of the page shows, None where the name is none or its value is not known."""
    if name in _PAGE_NAMES:
        return wiki.title or None
    return moments.variable(name, wiki)


def function(content: str, wiki: Wiki) -> str | None:
    """Return what a parser function says, None where the name is none or the function needs more than the page."""
    name, _, rest = content.partition(":")
    parameters = [parameter.strip() for parameter in rest.split("|")]
    found = _FUNCTIONS.get(name.replace(NOTHING, "").strip().lower())
    return found(parameters, wiki) if found else None


def _is_same(left: str, right: str) -> bool:
    """Return whether two values are equal: as numbers where both are, else as text."""
    if left == right:
        return True
    first, second = number(left), number(right)
    return first is not None and first == second


def _value(parameters: list[str], place: int) -> str:
    return parameters[place] if place < len(parameters) else ""


def _if(parameters: list[str], _: Wiki) -> str | None:
    subject = parameters[0]
    return None if LOST in subject else _value(parameters, 1 if subject.strip(NOTHING) else 2)


def _if_equal(parameters: list[str], _: Wiki) -> str | None:
    left, right = parameters[0], _value(parameters, 1)
    return None if LOST in left + right else _value(parameters, 2 if _is_same(left, right) else 3)


def _if_error(parameters: list[str], _: Wiki) -> str | None:
    return None if LOST in parameters[0] else parameters[2] if len(parameters) > 2 else parameters[0]


def _if_expression(parameters: list[str], _: Wiki) -> str | None:
    value = evaluated(parameters[0]) if parameters[0] else 0.0
    return None if value is None else _value(parameters, 1 if value else 2)


def _expression(parameters: list[str], _: Wiki) -> str | None:
    value = evaluated(parameters[0])
    return None if value is None else number_text(value)


def _switch(parameters: list[str], _: Wiki) -> str | None:
    """{{#switch:b|a=one|b|c=two|#default=three}}: cases without a value take that of the next one that has a value."""
    subject, *cases = parameters
    default: str | None = ""
    is_found = False
    if LOST in subject:
        return None
    for place, case in enumerate(cases):
        key, equals, value = (part.strip() for part in case.partition("="))
        if not equals and place == len(cases) - 1:
            return value if is_found else key
        is_found = is_found or _is_same(subject, key.replace(EQUALS, "="))
        if equals and is_found:
            return value
        if equals and key == "#default":
            default = value
    return default


def _plural(parameters: list[str], _: Wiki) -> str | None:
    count = number(parameters[0])
    if count is None or len(parameters) < 2:
        return None
    return parameters[1] if abs(count) == 1 else _value(parameters, 2) or parameters[1]


def _format_number(parameters: list[str], wiki: Wiki) -> str | None:
    text = parameters[0].replace(NOTHING, "")
    if not text:
        return None
    return text.replace(",", "") if _value(parameters, 1).upper() in ("R", "NOSEP") else formatted(text, wiki)


def _padded(parameters: list[str], *, is_left: bool) -> str | None:
    text, width, fill = parameters[0], _value(parameters, 1), _value(parameters, 2) or "0"
    if not width.isdecimal() or int(width[:4]) > MAX_PAD:
        return None
    missing = max(0, int(width) - len(text))
    filling = (fill * (missing // len(fill) + 1))[:missing]
    return filling + text if is_left else text + filling


def _padded_left(parameters: list[str], _: Wiki) -> str | None:
    return _padded(parameters, is_left=True)


def _padded_right(parameters: list[str], _: Wiki) -> str | None:
    return _padded(parameters, is_left=False)


def _tag(parameters: list[str], _: Wiki) -> str | None:
    return NOTHING if parameters[0].lower() in _NO_TEXT else _value(parameters, 1) or None


def _language(parameters: list[str], wiki: Wiki) -> str | None:
    """{{#language:de|en}}; without a second code the language's own name for itself, which is not told."""
    is_told = wiki.is_english and _value(parameters, 1).lower() == "en"
    return (language_name(parameters[0]) or None) if is_told else None


def _cased(change: Callable[[str], str]) -> Function:
    return lambda parameters, _: change(parameters[0])


_FUNCTIONS: dict[str, Function] = {
    "#if": _if,
    "#ifeq": _if_equal,
    "#iferror": _if_error,
    "#ifexpr": _if_expression,
    "#expr": _expression,
    "#switch": _switch,
    "#tag": _tag,
    "#language": _language,
    "#time": moments.time,
    "#timel": moments.time,
    "#dateformat": moments.date_format,
    "#formatdate": moments.date_format,
    "plural": _plural,
    "formatnum": _format_number,
    "padleft": _padded_left,
    "padright": _padded_right,
} | {name: _cased(change) for name, change in _CASES.items()}
