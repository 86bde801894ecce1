"""Trainings as a recipe asks for them, told before they run: which model, of what shape, on how many tokens."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

from assets.models.names import model_asset
from assets.tokens.names import mixture_asset, tokenizer_asset
from kernels.models.architectures.llama import LlamaConfig, counts
from kernels.specs.architectures import Counts
from kernels.specs.families import specs
from kernels.specs.needs import Mixture
from kernels.tokens.mixture_config import MixtureConfig
from kernels.tokens.mixture_index import read_index
from kernels.tokens.tokenizer_files import JSON, vocabulary_of
from kernels.training.compilation import compiles
from kernels.training.config import TrainingConfig
from kernels.training.costs import Work
from kernels.training.derived import Budget, derive_batch_size
from kernels.training.horizon import Extent, find_horizon, tokens_asked
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
        if not isinstance(found, str):
            found = work_of(cast(TrainingConfig, config), entries.mixtures[entry.data], found, _num_rows(entries, lake, entry.data))
        yield Training(name, None, found) if isinstance(found, str) else Training(name, found, "")


def work_of(config: TrainingConfig, mixture: MixtureConfig, held: Counts, num_rows: int | None) -> Work | str:
    """Return the work of a training, in words why it cannot be told, where it cannot.

    Every validation counts as if the mixture had as many rows for it as the config asks for; batches that grow count in their sum, and the first of
    them in memory.

    Args:
        config: of the training.
        mixture: what it reads.
        held: what the model holds and does.
        num_rows: of the mixture, None before it is made.
    """
    if config.num_epochs is not None and num_rows is None:
        return "num_epochs are of rows that the mixture has once it is made"
    length = mixture.sequence_length
    flops = held.flops_per_token(length)
    extent = Extent(held.num_matmul_parameters, num_rows or 1, length, int(flops))
    batch_size = config.batch_size
    if batch_size == "auto":
        budget = Budget(extent.num_parameters, tokens_asked(config, extent) or 0, flops)
        batch_size = int(derive_batch_size("step_law", budget, length).value)
    horizon = find_horizon(config, extent, config.all_batch_stages(batch_size))
    num_tokens = horizon.num_tokens * horizon.last_step // horizon.num_steps
    num_validations = -(-horizon.last_step // config.validate_every)
    step = Step(config.micro_batch_size or batch_size, length, config.precision, config.activation_checkpointing)
    is_compiled, _ = compiles(config.compile, flops * horizon.num_tokens, "cpu")
    return Work(held, horizon.last_step, num_tokens, step, num_validations * config.max_validation_sequences, is_compiled)


def _num_rows(entries: RecipeBase, lake: Lake, mixture: str) -> int | None:
    """Return how many rows a mixture has, None before it is made."""
    cell = Cell(entries.name, mixture_asset(mixture), None)
    if lake.manifest(cell) is None:
        return None
    return sum(rows.num_rows for rows in read_index(lake.folder(cell)).sources.values())


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
