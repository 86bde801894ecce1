"""Items as a model is asked them: a template filled in, with examples before it, as text or as turns of a chat."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from kernels.evals.datasets.items import Item
from kernels.evals.templates.template import BLANK, LETTERS, Template, rendered
from kernels.specs.turns import Turn


class Prompt(NamedTuple):
    """One item put by one template."""

    text: str
    """What the answer follows, examples before it; with `BLANK` where options go in cloze form."""
    turns: tuple[Turn, ...]
    """The same as turns of a chat; none where it is asked as text."""
    options: tuple[tuple[str, ...], ...]
    """What may follow or fill the blank: the words that stand for each option."""
    num_shots_cut: int
    """Examples that found no room."""

    @property
    def shown(self) -> str:
        """The prompt as the row of its item shows it."""
        text = "\n".join(f"[{turn.role}] {turn.content}" for turn in self.turns) or self.text
        return text.replace(BLANK, "____")


def values_of(item: Item) -> dict[str, Any]:
    """Return what templates may name of an item."""
    return {**item.fields, "options": list(item.options), "letters": LETTERS, "blank": BLANK}


def words_of(item: Item, template: Template) -> tuple[tuple[str, ...], ...]:
    """Return the words that stand for each option of an item."""
    shown: list[tuple[str, ...]] = []
    for number, option in enumerate(item.options):
        values = {**values_of(item), "option": option, "letter": LETTERS[number % len(LETTERS)], "number": number + 1}
        shown.append(template.words.get(option) or (rendered(template.option, values),))
    return tuple(shown)


def put(item: Item, template: Template, shots: Sequence[Item], *, chat: bool, has_room: Callable[[Prompt], bool]) -> Prompt:
    """Return an item as it is asked, with as many of the examples, from the first on, as ``has_room`` admits."""
    options = words_of(item, template)
    for kept in range(len(shots), 0, -1):
        prompt = Prompt(*_with_shots(item, template, shots[:kept], chat), options, len(shots) - kept)
        if has_room(prompt):
            return prompt
    return Prompt(*_with_shots(item, template, (), chat), options, len(shots))


def _with_shots(item: Item, template: Template, shots: Sequence[Item], chat: bool) -> tuple[str, tuple[Turn, ...]]:
    asked = rendered(template.prompt, values_of(item))
    description = rendered(template.description, values_of(item))
    examples = [(rendered(template.prompt, values_of(shot)), answer_of(shot, template)) for shot in shots]
    if chat:
        system = "\n\n".join(each for each in (template.system, description.strip()) if each)
        turns = [Turn("system", system)] if system else []
        for question, answer in examples:
            turns += [Turn("user", question), Turn("assistant", answer)]
        return asked, (*turns, Turn("user", asked))
    shown = [question.replace(BLANK, answer) if BLANK in question else f"{question}{template.delimiter}{answer}" for question, answer in examples]
    return description + "".join(f"{text}{template.separator}" for text in shown) + asked, ()


def answer_of(item: Item, template: Template) -> str:
    """Return what an example shows as its answer."""
    right = words_of(item, template)[item.expected[0]][0] if item.expected else item.right
    return rendered(template.answer, {**values_of(item), "answer": right})


def content_free(item: Item, text: str) -> dict[str, Any]:
    """Return the fields of an item with ``text`` in the place of all that they say (Zhao et al. 2021, arXiv 2102.09690)."""
    return {name: text if isinstance(value, str) else value for name, value in item.fields.items()}


def log_sum(values: Sequence[float]) -> float:
    """Return the logarithm of a sum of probabilities, given their logarithms."""
    highest = max(values)
    return highest + math.log(math.fsum(math.exp(value - highest) for value in values)) if math.isfinite(highest) else highest
