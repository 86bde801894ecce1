"""Trainings as a recipe asks for them, told before they run: which model, of what shape, on how many tokens."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from assets.models.names import model_asset
from assets.tokens.names import tokenizer_asset
from kernels.models.architectures.llama import LlamaConfig, counts
from kernels.specs.architectures import Counts
from kernels.specs.families import specs
from kernels.specs.needs import Mixture
from kernels.tokens.mixture_config import MixtureConfig
from kernels.tokens.tokenizer_files import JSON, vocabulary_of
from kernels.training.costs import Work
from kernels.training.memory import Step
from pipelines.recipe.schema import RecipeBase, kernel_config
from resources.storage.lake import Lake
from resources.storage.manifest import Cell


class Training(NamedTuple):
    """One model that is trained: its work, or why it cannot be told."""

    model: str
    work: Work | None
    why_not: str


def trainings(entries: RecipeBase, lake: Lake) -> Iterator[Training]:
    """Yield the models of a recipe that its methods train, in the recipe's order."""
    for name, entry in entries.models.items():
        config = kernel_config("methods", entry.method, entry)
        if "num_steps" not in type(config).model_fields:
            continue
        needs_mixture = any(isinstance(need, Mixture) for need in specs("methods")[entry.method].needs)
        if not needs_mixture:
            yield Training(name, None, f"{entry.method} reads documents, whose lengths are known when it reads them")
            continue
        found = _counts(entries, lake, name)
        yield Training(name, None, found) if isinstance(found, str) else Training(name, work_of(config, entries.mixtures[entry.data], found), "")


def work_of(config: Any, mixture: MixtureConfig, held: Counts) -> Work:
    """Return the work of a training by next-token prediction, given its config, its mixture's, and what the model holds.

    Every validation counts as if the mixture had as many rows for it as the config asks for.
    """
    num_validations = -(-config.num_steps // config.validate_every)
    step = Step(config.batch_size, mixture.sequence_length, config.precision)
    return Work(held, config.num_steps, config.batch_size, step, num_validations * config.max_validation_sequences, is_compiled=False)


def _counts(entries: RecipeBase, lake: Lake, model: str) -> Counts | str:
    """Return what a model holds and does; in words why that cannot be told, where it cannot."""
    root = model
    while not hasattr(entries.models[root], "architecture"):
        if not entries.models[root].parents:
            return _counts_of_made(entries.name, lake, root)
        root = entries.models[root].parents[0]
    entry = entries.models[root]
    config = kernel_config("methods", entry.method, entry)
    architecture: Any = getattr(config, "architecture")  # noqa: B009  # a field of this method's config alone
    spec = specs("architectures")[architecture.kind]
    if spec.counts is None:
        return f"the architecture {spec.name} does not tell what it holds"
    vocab_size = _vocab_size(entries, lake, entries.mixtures[entry.data].tokenizer)
    return vocab_size if isinstance(vocab_size, str) else spec.counts(architecture, vocab_size)


def _counts_of_made(recipe: str, lake: Lake, model: str) -> Counts | str:
    """Return what a model from elsewhere holds and does, once it is there; in words why that cannot be told, where it cannot."""
    cell = Cell(recipe, model_asset(model), None)
    if lake.manifest(cell) is None:
        return f"{model} comes from elsewhere and is not there yet, and its shape comes with it"
    made: dict[str, Any] = json.loads((lake.folder(cell) / "config.json").read_text())
    kind = made.get("model_type")
    if kind != "llama":
        return f"{model} is of the kind {kind!r}, which does not tell what it holds"
    shape = LlamaConfig(
        kind="llama",
        hidden_size=made["hidden_size"],
        num_layers=made["num_hidden_layers"],
        num_heads=made["num_attention_heads"],
        num_kv_heads=made["num_key_value_heads"],
        intermediate_size=made["intermediate_size"],
        max_position_embeddings=made["max_position_embeddings"],
        tie_embeddings=made["tie_word_embeddings"],
    )
    return counts(shape, made["vocab_size"])


def _vocab_size(entries: RecipeBase, lake: Lake, tokenizer: str | None) -> int | str:
    """Return how many tokens a tokenizer has: as it was made, else as the recipe asks; in words why that is not known, where it is not."""
    only = next(iter(entries.tokenizers)) if tokenizer is None and entries.tokenizer is None else tokenizer
    cell = Cell(entries.name, tokenizer_asset(only), None)
    if lake.manifest(cell) is not None:
        folder = lake.folder(cell)
        if (folder / JSON).is_file():
            return len(vocabulary_of(folder))
    entry: Any = entries.tokenizer if only is None else entries.tokenizers[only]
    asked = getattr(kernel_config("tokenizers", entry.method, entry), "vocab_size", None)
    return asked if isinstance(asked, int) else f"{tokenizer_asset(only)} is not made, and the recipe does not say how many tokens it has"
