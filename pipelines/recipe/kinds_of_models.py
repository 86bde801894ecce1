"""What a recipe says of a model before it is made: which evals it can be asked, and by which modules it is trained further."""

from typing import Any, NamedTuple

from kernels.specs.architectures import Architecture
from kernels.specs.families import choices, specs
from kernels.specs.methods import Method
from kernels.specs.objectives import Attention
from kernels.specs.tasks import CONTINUES_TEXTS, Task


class ModelKind(NamedTuple):
    """What decides which tasks make sense of a model."""

    attention: Attention
    """Who may look at whom in it."""
    reads_images: bool
    tells_likelihoods: bool = True
    """Not a model of an API whose tokenizer the recipe does not give."""


def kind_of_model(recipe: Any, model: str) -> ModelKind | None:
    """Return what a model is, by itself or as the first of its ancestors that says so; None where the recipe has other faults.

    What others made counts as causal: every way to adopt a model sees that it is.
    """
    line = _line(recipe, model)
    if line is None:
        return None
    attention: Attention | None = None
    reads_images, tells_likelihoods = False, True
    for entry in line:
        method: Method = specs("methods")[entry.method]
        attention = attention or method.attention(entry)
        reads_images = method.reads_images
        tells_likelihoods = method.has_weights or entry.data is not None
    return ModelKind(attention or "causal", reads_images, tells_likelihoods)


def inherited_modules(recipe: Any, model: str) -> tuple[Architecture, ...]:
    """Return the families whose modules may take a model's first parent further: those that the nearest of its first ancestors chose.

    The family of what others made stands in their files: any causal one that has a module may be it.
    """
    for ancestor in (_line(recipe, model) or [])[1:]:
        if made_by := tuple(spec for spec in choices(ancestor) if isinstance(spec, Architecture)):
            return made_by
    return tuple(spec for _, spec in sorted(specs("architectures").items()) if spec.own is not None and "causal" in spec.attentions)


def _line(recipe: Any, model: str) -> list[Any] | None:
    """Return the entries of a model, its first parent, the first parent of that and so on; None where one lacks or they go in a circle."""
    line: list[Any] = []
    for _ in recipe.models:
        entry = recipe.models.get(model)
        if entry is None:
            return None
        line.append(entry)
        if not entry.parents:
            return line
        model = entry.parents[0]
    return None


def continues_texts(recipe: Any, model: str) -> bool:
    """Return whether a model of a recipe answers a text with another."""
    kind = kind_of_model(recipe, model)
    return kind is not None and kind.attention in CONTINUES_TEXTS


def applies(recipe: Any, eval_: str, model: str) -> bool:
    """Return whether an eval of a recipe makes sense of a model of it."""
    task: Task = specs("tasks")[recipe.evals[eval_].task]
    kind = kind_of_model(recipe, model)
    if kind is None or kind.attention not in task.attentions:
        return False
    return (kind.reads_images or not task.reads_images) and (kind.tells_likelihoods or not task.asks_likelihoods)
