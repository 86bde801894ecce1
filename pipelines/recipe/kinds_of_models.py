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


def kind_of_model(recipe: Any, model: str) -> ModelKind | None:
    """Return what a model is, by itself or as the first of its ancestors that says so; None where the recipe has other faults.

    What others made counts as causal: every way to adopt a model sees that it is.
    """
    attention: Attention | None = None
    for _ in recipe.models:
        entry = recipe.models.get(model)
        if entry is None:
            return None
        method: Method = specs("methods")[entry.method]
        attention = attention or method.attention(entry)
        if not entry.parents:
            return ModelKind(attention or "causal", method.reads_images)
        model = entry.parents[0]
    return None  # a circle, which is a fault of its own


def inherited_modules(recipe: Any, model: str) -> tuple[Architecture, ...]:
    """Return the families whose modules may take a model's first parent further: those that the nearest of its first ancestors chose.

    The family of what others made stands in their files: any causal one that has a module may be it.
    """
    for _ in recipe.models:
        entry = recipe.models[model]
        if not entry.parents:
            break
        model = entry.parents[0]
        if made_by := tuple(spec for spec in choices(recipe.models[model]) if isinstance(spec, Architecture)):
            return made_by
    return tuple(spec for _, spec in sorted(specs("architectures").items()) if spec.own is not None and "causal" in spec.attentions)


def continues_texts(recipe: Any, model: str) -> bool:
    """Return whether a model of a recipe answers a text with another."""
    kind = kind_of_model(recipe, model)
    return kind is not None and kind.attention in CONTINUES_TEXTS


def applies(recipe: Any, eval_: str, model: str) -> bool:
    """Return whether an eval of a recipe makes sense of a model of it."""
    task: Task = specs("tasks")[recipe.evals[eval_].task]
    kind = kind_of_model(recipe, model)
    return kind is not None and kind.attention in task.attentions and (kind.reads_images or not task.reads_images)
