"""What a template or a parser function says in its sentence: words, nothing, or a mark that it is lost.

A template that is known to say something is rendered; one that is known to say nothing goes; every other is marked as lost, so that what it
stood in can be left out and counted. None is guessed: of 130 names that are called with one plain value in a slice of the English Wikipedia, 20
show that value and nothing else.
"""

from collections.abc import Callable, Iterator

from kernels.reading.parsing.wikitext.marks import NOTHING, lost
from kernels.reading.parsing.wikitext.templates import dates, languages, signs, spans, speech, words
from kernels.reading.parsing.wikitext.templates.arguments import Arguments, Wiki, parse_call
from kernels.reading.parsing.wikitext.templates.functions import functions
from kernels.reading.parsing.wikitext.templates.quantities import astronomy, chemistry, mathematics, measures, numbers, spelling
from kernels.reading.parsing.wikitext.templates.silent import is_silent
from kernels.reading.parsing.wikitext.templates.subjects import citations, laws, money, people, places, prices, roads, ships, sports
from kernels.reading.parsing.wikitext.templates.wikis import chinese, french, german, spanish, vietnamese

Renderer = Callable[[Arguments], str | None]

_IN_ENGLISH = (dates, spans, places, citations, laws, people, prices, roads, sports)
"""What would write English words, dates and names into a text of another language."""
_IN_ANY = (ships, money, languages, chemistry, mathematics, astronomy, numbers, spelling, signs, words, speech, measures)
_RENDERERS: dict[str, list[Renderer]] = {}
for _module in (*_IN_ANY, *_IN_ENGLISH):
    for _name, _renderer in _module.RENDERERS.items():
        _RENDERERS.setdefault(_name, []).append(_renderer)
_ENGLISH = frozenset(name for module in _IN_ENGLISH for name in module.RENDERERS)
_WIKIS = {
    "de": german.TEMPLATES, "fr": french.TEMPLATES, "es": spanish.TEMPLATES, "vi": vietnamese.TEMPLATES, "zh": chinese.TEMPLATES,
}  # fmt: skip
"""Templates of Wikipedias in other languages."""
_NO_WORDS = frozenset(("!-", "defaultsort", "displaytitle", "notoc", "toc", "nogallery", "noindex", "index", "pagelanguage", "namespace"))


def render(content: str, wiki: Wiki) -> str:
    """Return what stands between the braces of a template as text, `NOTHING`, or the mark of a template that is lost."""
    call = parse_call(content, wiki)
    if not call.name:
        return NOTHING
    said = functions.function(content, wiki) if ":" in call.name else _own_words(call)
    if said is None:
        said = next((words for renderer in _renderers(call.name, is_english=wiki.is_english) if (words := renderer(call)) is not None), None)
    if said is not None:
        return said
    return NOTHING if is_silent(call.name) or call.name in _NO_WORDS or _is_silent_here(call) else lost(call.written)


def _own_words(call: Arguments) -> str | None:
    """Return what a template of the wiki's own language, a variable or a sign says."""
    own = _WIKIS.get(call.wiki.language)
    renderer = own.renderer(call.name) if own else None
    said = renderer(call) if renderer else None
    return next((words for words in (said, functions.variable(call.name, call.wiki), signs.sign(call)) if words is not None), None)


def _is_silent_here(call: Arguments) -> bool:
    own = _WIKIS.get(call.wiki.language)
    return own is not None and own.is_silent(call.name)


def _renderers(name: str, *, is_english: bool) -> Iterator[Renderer]:
    """Yield what can tell a template of some name; in a wiki of another language nothing that would tell it in English."""
    if not is_english and (name in _ENGLISH or places.find(name)):
        return
    yield from _RENDERERS.get(name, ())
    for find in (languages.find, places.find, ships.find, speech.find):
        if (renderer := find(name)) is not None:
            yield renderer


def render_parameter(content: str) -> str:
    """Return what stands between three braces: in an article the default of a parameter that is never given."""
    name, has_default, default = content.partition("|")
    return default if has_default else lost(name)
