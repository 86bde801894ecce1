"""What is wrong with a recipe's mixtures: sources and tokenizers that are not there, and mixtures that cannot come after others."""

from collections.abc import Iterator
from typing import Any

from pipelines.recipe.faults.dangling import Fault, known
from pipelines.recipe.splits import earlier_of
from pipelines.recipe.tokenizers import owner, packer


def mixture_faults(recipe: Any) -> Iterator[Fault]:
    """Yield what is wrong, with where it stands."""
    for name, entry in recipe.mixtures.items():
        here = ("mixtures", name)
        for source in entry.weights:
            yield from known((*here, "weights", source), "source", source, recipe.sources)
        for index, stage in enumerate(entry.stages):
            for source in stage.weights:
                yield from known((*here, "stages", index, "weights", source), "source", source, recipe.sources)
        yield from _names_a_tokenizer(recipe, name, entry)
        if entry.after is not None:
            yield from _after(recipe, name, entry)


def _names_a_tokenizer(recipe: Any, mixture: str, entry: Any) -> Iterator[Fault]:
    here = ("mixtures", mixture, "tokenizer")
    if entry.tokenizer is not None:
        yield from known(here, "tokenizer", entry.tokenizer, recipe.tokenizers)
    elif recipe.tokenizers:
        yield here[:2], f"say by which tokenizer it is packed, with the key 'tokenizer': {', '.join(recipe.tokenizers)}"
    elif recipe.tokenizer is None:
        yield here[:2], "a mixture needs a tokenizer; add the key 'tokenizer' to the recipe"


def _after(recipe: Any, mixture: str, entry: Any) -> Iterator[Fault]:
    """Yield what is wrong with a mixture that comes after another."""
    here = ("mixtures", mixture)
    yield from known((*here, "after"), "mixture", entry.after, recipe.mixtures)
    earlier = earlier_of(recipe, mixture)
    if mixture in earlier:
        yield (*here, "after"), f"the mixture {mixture!r} comes after itself; cut the circle"
        return
    own, other = packer(recipe, mixture), packer(recipe, entry.after)
    if own is not None and other is not None and owner(recipe, own) is not owner(recipe, other):
        told = f"{entry.after!r} is packed by another tokenizer, and a model has one"
        yield (*here, "after"), f"{told}; pack both by the same, with the key 'tokenizer'"
    if isinstance(entry.replay, dict):
        before = {source for name in earlier for source in recipe.mixtures[name].sources}
        for source in entry.replay:
            yield from known((*here, "replay", source), f"source that {entry.after!r} trains on", source, sorted(before))
    for source in entry.sources:
        yield from _has_something_new(recipe, mixture, source)


def _has_something_new(recipe: Any, mixture: str, source: str) -> Iterator[Fault]:
    """Yield a source of which a mixture before takes all that a mixture reads, however it grows, or of which it reads less than that one."""
    entry = recipe.mixtures[mixture]
    own = entry.first_partitions.get(source)
    for name in earlier_of(recipe, mixture):
        before = recipe.mixtures[name]
        most = before.first_partitions.get(source)
        if source not in before.sources or (most is not None and (own is None or own > most)):
            continue
        if before.quota(source) is None:
            told = f"{name!r} trains on all of {source!r} that this mixture reads, now and when more of it comes, so that none of it is new"
            remedy = f"let {name!r} stay as it is by first_partitions: {{{source}: how many there are now}}, or take {source!r} out of the weights"
            yield ("mixtures", mixture, "weights", source), f"{told}; {remedy}"
        elif most != own:
            told = f"it reads fewer partitions of {source!r} than {name!r}, which it comes after"
            yield ("mixtures", mixture, "first_partitions", source), f"{told}; raise the number or leave it out"
