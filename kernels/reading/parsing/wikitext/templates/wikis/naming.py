"""What the Wikipedia of a language declares of its templates, and how it is written down."""

from collections.abc import Callable
from typing import NamedTuple

from kernels.reading.parsing.wikitext.templates.arguments import Arguments

Renderer = Callable[[Arguments], str | None]


def _nothing(_: str) -> Renderer | None:
    return None


class Templates(NamedTuple):
    """The templates of one language, by their names in lower case: what tells them, which say nothing, and what more of those begin with."""

    renderers: dict[str, Renderer]
    silent: frozenset[str]
    silent_beginnings: tuple[str, ...]
    find: Callable[[str], Renderer | None] = _nothing
    """Returns what tells a template whose name is made by a rule."""

    def renderer(self, name: str) -> Renderer | None:
        """Return what tells a template, if anything does."""
        return self.renderers.get(name) or self.find(name)

    def is_silent(self, name: str) -> bool:
        """Return whether a template says nothing in a sentence."""
        return name in self.silent or name.startswith(self.silent_beginnings)


def names(text: str) -> list[str]:
    """Return names that stand in a row with commas between them."""
    return [" ".join(name.split()) for name in text.split(",")]


def between(left: str, right: str) -> Renderer:
    """Return what puts signs around a value."""
    return lambda call: f"{left}{call.first}{right}" if call.first else None


def always(words: str) -> Renderer:
    """Return what says the same whatever it is called with."""
    return lambda _: words


def before(word: str) -> Renderer:
    """Return what puts a word before a value, or says the word alone."""
    return lambda call: f"{word} {call.first}" if call.first else word


def number_with_unit(call: Arguments) -> str | None:
    """{{unité|25|km}}, {{unité|25|m|2}}, {{unité|3|m||s|-1}}: a number, units and their powers."""
    if not call.first:
        return None
    parts = [call.value(1)]
    for unit, power in zip(call.values[1::2], [*call.values[2::2], ""], strict=False):
        if unit:
            parts.append(f"{unit}^{power}" if power and power != "1" else unit)
    exponent = call.get("e")
    return " ".join([f"{parts[0]}\u00d710^{exponent}" if exponent else parts[0], *parts[1:]])
