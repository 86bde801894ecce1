"""Whose tokenizer packs a recipe's mixtures, and whose its models have."""

from typing import Any

from kernels.specs.families import specs
from kernels.specs.tokenizers import TokenizerOfModel


def is_of_model(tokenizer: Any) -> bool:
    """Return whether an entry of a tokenizer takes that of a model."""
    return isinstance(specs("tokenizers")[tokenizer.method], TokenizerOfModel)


def packer(recipe: Any, mixture: str) -> Any:
    """Return the entry of the tokenizer that packs a mixture, None where there is no such mixture, or it names no tokenizer that there is."""
    entry = recipe.mixtures.get(mixture)
    if entry is None:
        return None
    return recipe.tokenizer if entry.tokenizer is None else recipe.tokenizers.get(entry.tokenizer)


def packer_of_model(recipe: Any, entry: Any) -> Any:
    """Return the entry of the tokenizer that packs a model's mixture, None where it has no mixture, or that names none."""
    return packer(recipe, entry.data) if isinstance(entry.data, str) else None


def owner(recipe: Any, tokenizer: Any) -> Any:
    """Return whose tokenizer an entry is: itself, or of which other entry it takes one; None where the recipe has other faults."""
    return tokenizer_of(recipe, tokenizer.model) if is_of_model(tokenizer) else tokenizer


def tokenizer_of(recipe: Any, model: str) -> Any:
    """Return whose tokenizer a model has: the entry of a tokenizer, or of the model that came with one; None where the recipe has other faults."""
    for _ in recipe.models:
        entry = recipe.models.get(model)
        if entry is None:
            return None
        packed_by = packer_of_model(recipe, entry)
        if entry.parents:
            model = entry.parents[0]
        elif packed_by is None:
            return entry
        elif not is_of_model(packed_by):
            return packed_by
        else:
            model = packed_by.model
    return None
