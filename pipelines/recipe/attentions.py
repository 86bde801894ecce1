"""Which evals a recipe's models can be asked: what a task asks for, against what the recipe says of a model before it is made."""

from typing import Any

from kernels.specs.families import specs
from kernels.specs.objectives import Attention
from kernels.specs.tasks import Task


def attention_of(recipe: Any, model: str) -> Attention | None:
    """Return who may look at whom in a model, by itself or as its first ancestor that says so; None where the recipe has other faults.

    What others made counts as causal: what it is says its package alone, and an eval that it cannot be asked fails there.
    """
    for _ in recipe.models:
        entry = recipe.models.get(model)
        if entry is None:
            return None
        found = specs("methods")[entry.method].attention(entry)
        if found is not None or not entry.parents:
            return found or "causal"
        model = entry.parents[0]
    return None  # a circle, which is a fault of its own


def applies(recipe: Any, eval_: str, model: str) -> bool:
    """Return whether an eval of a recipe makes sense of a model of it."""
    task: Task = specs("tasks")[recipe.evals[eval_].task]
    return attention_of(recipe, model) in task.attentions
