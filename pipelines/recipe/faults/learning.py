"""What is wrong with what a recipe's models are to learn: attention that a parent has not, and control tokens that a vocabulary has not."""

from collections.abc import Iterator
from typing import Any

from kernels.specs.families import chosen, specs
from kernels.specs.methods import Method
from kernels.specs.objectives import Objective, mismatch
from kernels.tokens.special_tokens import control_tokens_to_be
from kernels.tokens.tokenizers.vocabulary import VocabularyConfig
from pipelines.recipe.faults.dangling import Fault
from pipelines.recipe.kinds_of_models import kind_of_model
from pipelines.recipe.tokenizers import owner, packer_of_model


def learning_faults(recipe: Any, model: str, entry: Any) -> Iterator[Fault]:
    """Yield what is wrong with a model's entry, with where it stands."""
    yield from _parent(recipe, model, entry)
    if (config := getattr(entry, "objective", None)) is not None:
        objective: Objective = chosen("objectives", config)
        lack = _lack(recipe, entry, objective, config)
        if lack is not None:
            yield ("models", model, "objective"), f"{objective.name}: {lack}"


def _parent(recipe: Any, model: str, entry: Any) -> Iterator[Fault]:
    """Yield a parent whose tokens look at others than the method, or its objective, asks for."""
    kind = kind_of_model(recipe, entry.parents[0]) if entry.parents else None
    if kind is None:
        return
    method: Method = specs("methods")[entry.method]
    if method.attentions is not None and kind.attention not in method.attentions:
        told = f"{entry.parents[0]!r} is {kind.attention}, and {method.name!r} takes {' or '.join(sorted(method.attentions))} models further"
        yield ("models", model, "from", 0), f"{told}; name one of them"
    config = getattr(entry, "objective", None)
    if config is not None:
        told = mismatch(config, repr(entry.parents[0]), {kind.attention}, is_named="objective" in entry.model_fields_set)
        if told is not None:
            yield ("models", model, "objective"), told


def _lack(recipe: Any, entry: Any, objective: Objective, config: Any) -> str | None:
    """Return what the tokenizer of a model's mixture lacks for an objective, as far as the recipe says what it will have."""
    packed_by = packer_of_model(recipe, entry)
    made = None if packed_by is None else owner(recipe, packed_by)
    if not isinstance(made, VocabularyConfig):
        return None
    return objective.lacks(config, control_tokens_to_be(made.special_tokens, made.vocab_size))
