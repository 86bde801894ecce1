"""What a template or a parser function says in its sentence: words, nothing, or a mark that it is lost.

A template that is known to say something is rendered; one that is known to say nothing goes; every other is marked as lost, so that what it
stood in can be left out and counted. Parser functions: https://www.mediawiki.org/wiki/Help:Extension:ParserFunctions.
"""

from collections.abc import Callable, Iterator

from kernels.reading.parsing.wikitext.marks import NOTHING, lost
from kernels.reading.parsing.wikitext.templates import citations, dates, languages, money, places, ships, signs, speech, words
from kernels.reading.parsing.wikitext.templates.arguments import Arguments, Wiki, parse_call
from kernels.reading.parsing.wikitext.templates.quantities import chemistry, measures, numbers
from kernels.reading.parsing.wikitext.templates.silent import is_silent

Renderer = Callable[[Arguments], str | None]

_MODULES = (ships, money, places, citations, languages, dates, chemistry, numbers, signs, words, speech, measures)
_RENDERERS: dict[str, Renderer] = {name: renderer for module in _MODULES for name, renderer in module.RENDERERS.items()}
_ENGLISH = frozenset((*dates.RENDERERS, *places.RENDERERS, *citations.RENDERERS))
"""What would write English words, dates and names into a text of another language."""
_CASES: dict[str, Callable[[str], str]] = {
    "lc": str.lower,
    "uc": str.upper,
    "lcfirst": lambda text: text[:1].lower() + text[1:],
    "ucfirst": lambda text: text[:1].upper() + text[1:],
    "nowiki": lambda text: text,
    "anchorencode": lambda text: text,
}
_PAGE_NAMES = frozenset(("pagename", "fullpagename", "basepagename", "subpagename", "pagenamee"))
_NO_WORDS = frozenset(("!-", "defaultsort", "displaytitle", "notoc", "toc", "nogallery", "noindex", "index", "pagelanguage"))


def render(content: str, wiki: Wiki) -> str:
    """Return what stands between the braces of a template as text, `NOTHING`, or the mark of a template that is lost."""
    call = parse_call(content, wiki)
    if not call.name:
        return NOTHING
    said = _function(call) if ":" in call.name else signs.sign(call)
    if said is None:
        said = next((words for renderer in _renderers(call.name, is_english=wiki.is_english) if (words := renderer(call)) is not None), None)
    if said is None and call.name in _PAGE_NAMES:
        said = wiki.title or None
    if said is not None:
        return said
    return NOTHING if is_silent(call.name) or call.name in _NO_WORDS else lost(call.written)


def _renderers(name: str, *, is_english: bool) -> Iterator[Renderer]:
    """Yield what can tell a template of some name; in a wiki of another language nothing that would tell it in English."""
    if not is_english and (name in _ENGLISH or places.find(name)):
        return
    for renderer in (_RENDERERS.get(name), languages.find(name), places.find(name), speech.find(name)):
        if renderer is not None:
            yield renderer


def render_parameter(content: str) -> str:
    """Return what stands between three braces: in an article the default of a parameter that is never given."""
    name, has_default, default = content.partition("|")
    return default if has_default else lost(name)


def _function(call: Arguments) -> str | None:
    """Return what a parser function says, None where the name is none or the function needs more than the page."""
    name, _, subject = call.name.partition(":")
    subject = call.written.partition(":")[2].strip()
    name = name.strip()
    if name == "formatnum":
        return numbers.FUNCTIONS["formatnum"](call._replace(name=f"formatnum:{subject}"))
    if name in _CASES:
        return _CASES[name](subject)
    if name == "plural" and call.values:
        return call.value(1) if subject in ("1", "-1") else call.value(2) or call.value(1)
    if name == "#if":
        return call.value(1) if subject else call.value(2)
    if name == "#ifeq":
        return call.value(2) if subject == call.value(1) else call.value(3)
    if name == "#tag":
        return NOTHING if subject in ("ref", "gallery", "templatestyles", "references") else call.value(1) or None
    return None
