"""Whether the held-out documents of an eval are held out for its models too: each mixture draws its own by seed and share."""

from collections.abc import Iterator
from typing import Any


def not_held_out(recipe: Any, mixture: str, model: str) -> str | None:
    """Return the mixture by which a model may have been trained on documents that another holds out, itself or by an ancestor; None without any.

    Documents are drawn by a hash of their ids: of two mixtures with one seed the larger share holds out all that the smaller one does.
    """
    asked = recipe.mixtures[mixture]
    for name in _trained_on(recipe, model):
        read = recipe.mixtures[name]
        shares = set(read.sources) & set(asked.sources)
        if name != mixture and shares and (read.seed != asked.seed or read.validation_fraction < asked.validation_fraction):
            return name
    return None


def _trained_on(recipe: Any, model: str) -> Iterator[str]:
    """Yield the mixtures that a model, its first parent, the parent of that and so on are trained on."""
    for _ in recipe.models:
        entry = recipe.models.get(model)
        if entry is None:
            return
        if isinstance(entry.data, str) and entry.data in recipe.mixtures:
            yield entry.data
        if not entry.parents:
            return
        model = entry.parents[0]
