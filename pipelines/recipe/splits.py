"""Which documents mixtures share: those that one comes after, the partitions it reads, and whether what one holds out is held out for a model.

Each mixture draws its held-out documents by seed and share; one that comes after others holds out what they do, and leaves out what they trained on.
"""

from collections.abc import Collection, Iterator
from typing import Any

from kernels.tokens.mixtures.config import ValidationShare


def earlier_of(recipe: Any, mixture: str) -> tuple[str, ...]:
    """Return the mixtures that one comes after, the nearest first; up to the first that there is not, or that stands there already."""
    found: list[str] = []
    name = recipe.mixtures[mixture].after
    while name in recipe.mixtures and name not in found:
        found.append(name)
        name = recipe.mixtures[name].after
    return tuple(found)


def partitions_of(recipe: Any, mixture: str) -> dict[str, int | None]:
    """Return the sources that a mixture reads, by name, and of each how many partitions at most (None: all).

    Where documents are replayed, those that the mixtures before it read are among them.
    """
    entry = recipe.mixtures[mixture]
    found: dict[str, int | None] = {}
    for read in (entry, *(recipe.mixtures[name] for name in earlier_of(recipe, mixture) if entry.replay)):
        for source in read.sources:
            most, before = read.first_partitions.get(source), found.get(source, 0)
            found[source] = None if most is None or before is None else max(most, before)
    return dict(sorted(found.items()))


def not_held_out(recipe: Any, mixture: str, model: str) -> str | None:
    """Return the mixture by which a model may have been trained on documents that another holds out, itself or by an ancestor; None without any.

    Documents are drawn by a hash of their ids: of two mixtures with one seed the larger share holds out all that the smaller one does.
    """
    asked, before = recipe.mixtures[mixture], {mixture, *earlier_of(recipe, mixture)}
    for name in _trained_on(recipe, model):
        read = recipe.mixtures[name]
        if name in before or mixture in earlier_of(recipe, name):
            continue
        if set(read.sources) & set(asked.sources) and (read.seed != asked.seed or read.validation_fraction < asked.validation_fraction):
            return name
    return None


def held_out_of(recipe: Any, sources: Collection[str]) -> dict[str, tuple[ValidationShare, ...]]:
    """Return what mixtures may hold out of some sources, by source: of each mixture that reads it, the seed and share by which it draws."""
    found: dict[str, tuple[ValidationShare, ...]] = {}
    for source in sorted(sources):
        draws = {(entry.seed, entry.validation_fraction) for entry in recipe.mixtures.values() if source in entry.sources}
        if shares := tuple(ValidationShare(seed=seed, validation_fraction=share) for seed, share in sorted(draws) if share):
            found[source] = shares
    return found


def _trained_on(recipe: Any, model: str) -> Iterator[str]:
    """Yield the mixtures that a model, its first parent, the parent of that and so on are trained on, and those of which they may replay."""
    for _ in recipe.models:
        entry = recipe.models.get(model)
        if entry is None:
            return
        if isinstance(entry.data, str) and entry.data in recipe.mixtures:
            yield from (entry.data, *earlier_of(recipe, entry.data))
        if not entry.parents:
            return
        model = entry.parents[0]
