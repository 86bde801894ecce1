"""The recipe that compares architectures compares like with like."""

from collections.abc import Iterable
from functools import cache
from typing import Any

import torch

from kernels.models.formats import own
from kernels.models.formats.auto_classes import auto_class
from kernels.specs.families import specs
from pipelines.recipe.kinds_of_models import applies, kind_of_model
from pipelines.recipe.schema import load_recipe
from tests.locations import PROJECT


@cache
def recipe() -> Any:
    return load_recipe(PROJECT / "pipelines" / "recipes" / "architectures.yaml").entries


def num_parameters(entry: Any) -> int:
    own.classes()
    tokenizer = recipe().tokenizers[recipe().mixtures[entry.data].tokenizer]
    shape = specs("architectures")[entry.architecture.kind].build(entry.architecture, vocab_size=tokenizer.vocab_size, eos_token_id=0, pad_token_id=3)
    with torch.device("meta"):
        model = auto_class(shape).from_config(shape)
    return sum(parameter.numel() for parameter in model.parameters())


def test_its_models_have_about_two_million_parameters_each() -> None:
    sizes = {name: num_parameters(entry) for name, entry in recipe().models.items()}
    assert all(1_900_000 < size < 2_350_000 for size in sizes.values()), sizes


def attentions(names: Iterable[str]) -> set[str]:
    """Return who may look at whom in models of the recipe."""
    return {kind.attention for name in names if (kind := kind_of_model(recipe(), name)) is not None}


def test_every_family_that_reads_texts_is_among_them() -> None:
    families = {kind for kind, spec in specs("architectures").items() if not spec.reads_images}
    assert {entry.architecture.kind for entry in recipe().models.values()} == families >= {"llama", "prefix_decoder", "mamba2", "modernbert", "t5"}


def test_they_are_of_every_kind_and_read_as_many_tokens_of_the_same_shares_and_hold_the_same_documents_out() -> None:
    models, mixtures = recipe().models, recipe().mixtures
    assert attentions(models) == {"causal", "prefix", "bidirectional", "encoder_decoder"}
    assert len({entry.num_steps * entry.batch_size * mixtures[entry.data].sequence_length for entry in models.values()}) == 1
    assert len({mixture.model_copy(update={"tokenizer": None}).model_dump_json() for mixture in mixtures.values()}) == 1


def test_all_are_asked_for_the_hidden_word_and_decoders_alone_for_bits_per_byte() -> None:
    assert all(applies(recipe(), "hidden_word", name) for name in recipe().models)
    asked = [name for name in recipe().models if applies(recipe(), "heldout", name)]
    assert attentions(asked) == {"causal", "prefix"}
