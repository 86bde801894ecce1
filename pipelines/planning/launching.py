"""A model of a recipe laid out for a trainer that runs elsewhere: what it begins at and reads, as it stands in the lake."""

from pathlib import Path
from typing import Any, NamedTuple, cast

from assets.models.names import model_asset
from assets.tokens.names import mixture_asset, tokenizer_asset
from kernels.methods.pretraining.from_scratch import fresh_model, load_tokenizer
from kernels.models.architectures.llama import stack_of
from kernels.models.formats.checkpoints import load_to_train
from kernels.models.formats.fast import Trainable, taken
from kernels.specs.families import specs
from kernels.specs.names import nearest
from kernels.specs.needs import Mixture
from kernels.tokens.mixtures.index import read_index
from kernels.training.config import TrainingConfig
from kernels.training.costs.flops import count_flops
from kernels.training.course.horizon import Extent
from kernels.training.elsewhere.launch import Asked
from kernels.training.feeding.feed import open_split
from kernels.training.outline import rates_of
from pipelines.recipe.schema import RecipeBase, kernel_config
from resources.storage.lake import Lake
from resources.storage.manifest import Cell


class Prepared(NamedTuple):
    """A training, and all that its start is made of."""

    asked: Asked
    trainable: Trainable
    tokenizer: Any
    mixture: Path


def prepared(entries: RecipeBase, lake: Lake, model: str) -> Prepared:
    """Return a model's training as it would begin.

    Raises:
        ValueError: the recipe has no such model, its method reads no mixture, what it is made from is not made, or it is no Llama.
    """
    if model not in entries.models:
        raise ValueError(f"no model is named {model!r}; {nearest(model, list(entries.models))}")
    entry = entries.models[model]
    if not any(isinstance(need, Mixture) for need in specs("methods")[entry.method].needs):
        raise ValueError(f"{model}: {entry.method} reads no mixture, and other trainers are given one; name a model that is pretrained")
    config = cast(TrainingConfig, kernel_config("methods", entry.method, entry))
    name = entries.mixtures[entry.data].tokenizer
    only = next(iter(entries.tokenizers)) if name is None and entries.tokenizer is None else name
    mixture, tokens = _folder(entries, lake, mixture_asset(entry.data)), _folder(entries, lake, tokenizer_asset(only))
    if entry.parents:
        parent = load_to_train(_folder(entries, lake, model_asset(entry.parents[0])), "cpu")
        trainable, tokenizer = taken(parent.model), parent.tokenizer
    else:
        tokenizer = load_tokenizer(tokens)
        trainable = fresh_model(config, tokenizer)
    stack = stack_of(trainable.shape)
    if stack is None:
        raise ValueError(f"{model}: is a {trainable.shape.model_type}, and other trainers are given Llamas; take architecture llama")
    return Prepared(_asked(entry, config, trainable, stack, mixture), trainable, tokenizer, mixture)


def _asked(entry: Any, config: TrainingConfig, trainable: Trainable, stack: Any, mixture: Path) -> Asked:
    index = read_index(mixture)
    length, num_rows = index.sequence_length, sum(rows.num_rows for rows in index.sources.values())
    counted = count_flops(trainable, length)
    extent = Extent(counted.num_matmul_parameters, num_rows, length, counted.flops_per_row // length, counted.num_output_parameters)
    rates, horizon = rates_of(config, extent)
    held = len(open_split(mixture, "validation").tokens)
    objective: Any = getattr(config, "objective")  # noqa: B009  # a field of the methods that read a mixture
    return Asked(stack, config, objective.kind, rates, horizon, length, held, entry.run, entry.run.nodes)


def _folder(entries: RecipeBase, lake: Lake, asset: str) -> Path:
    cell = Cell(entries.name, asset, None)
    if lake.manifest(cell) is None:
        raise ValueError(f"{asset} is not made yet; mill up {asset}")
    return lake.folder(cell)
