"""Trainings as a recipe asks for them, told before they run: which model, of what shape, on how many tokens."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

from assets.models.names import model_asset
from assets.tokens.names import mixture_asset, tokenizer_asset
from kernels.models.formats.checkpoints import shape_of_folder
from kernels.models.formats.fast import counts_of
from kernels.specs.architectures import Counts
from kernels.specs.families import chosen, specs
from kernels.specs.needs import Mixture, Package
from kernels.specs.objectives import Objective
from kernels.tokens.mixtures.index import read_index
from kernels.tokens.tokenizer_files import JSON, vocabulary_of
from kernels.training.config import TrainingConfig
from kernels.training.costs.memory import Device, Held, Step
from kernels.training.costs.work import Work
from kernels.training.course.derived import Budget, derive_batch_size
from kernels.training.course.horizon import Extent, find_horizon, tokens_asked
from kernels.training.course.stages import reading_at, rows_by_length
from kernels.training.execution.compilation import compiles
from kernels.training.learner import num_passed
from kernels.training.optimization.averaging import num_averages
from pipelines.recipe.schema import RecipeBase, kernel_config
from resources.storage.lake import Lake
from resources.storage.manifest import Cell


class Training(NamedTuple):
    """One model that is trained: its work, or why it cannot be told."""

    model: str
    work: Work | None
    why_not: str
    shape: Any = None
    """Of the model, a config as Transformers has them, where its work can be told."""


def trainings(entries: RecipeBase, lake: Lake, device: Device) -> Iterator[Training]:
    """Yield the models of a recipe that its methods train, in the recipe's order, as a device would train them."""
    for name, entry in entries.models.items():
        config = kernel_config("methods", entry.method, entry)
        if "num_steps" not in type(config).model_fields:
            continue
        needs = {type(need) for need in specs("methods")[entry.method].needs}
        if Mixture not in needs:
            what = "images with texts" if Package in needs else "documents"
            yield Training(name, None, f"{entry.method} reads {what}, whose lengths are known when it reads them")
            continue
        shape: Any = _shape(entries, lake, name)
        found = shape
        if not isinstance(found, str):
            found = counts_of(shape) or f"{name} is of the kind {shape.model_type!r}, or has a part, that no family tells of"
        if not isinstance(found, str):
            found = work_of(cast(TrainingConfig, config), _reads(entries, lake, entry.data, config), found, device)
        yield Training(name, None, found) if isinstance(found, str) else Training(name, found, "", shape)


class Reads(NamedTuple):
    """What a training reads of a mixture."""

    row_length: int
    """Tokens of the mixture's rows."""
    num_rows: int | None
    """None before the mixture is made."""
    of_pieces: Mapping[int, tuple[int, int]]
    """Positions that a piece of a row comes to as the objective has it read, by its length: of the one stack or an encoder, and of a decoder apart.
    Whole rows are pieces of their own length."""
    predicted_share: float = 1.0
    """Of a row's positions, those that something is predicted from, at most."""

    @property
    def lengths(self) -> tuple[int, int]:
        """Positions that a whole row comes to."""
        return self.of_pieces[self.row_length]


def _reads(entries: RecipeBase, lake: Lake, mixture: str, config: Any) -> Reads:
    """Return what a training reads; before the mixture is made, as if each of its rows held one document."""
    length = entries.mixtures[mixture].sequence_length
    objective: Objective = chosen("objectives", config.objective)
    cell = Cell(entries.name, mixture_asset(mixture), None)
    num_rows, max_documents = None, 1
    if lake.manifest(cell) is not None:
        index = read_index(lake.folder(cell))
        num_rows, max_documents = sum(rows.num_rows for rows in index.sources.values()), index.max_documents
    pieces = {stage.length for stage in config.length_stages} | {length}
    of_pieces = {piece: objective.lengths(config.objective, piece, max_documents) for piece in sorted(pieces)}
    return Reads(length, num_rows, of_pieces, objective.predicted_share(config.objective))


def work_of(config: TrainingConfig, reads: Reads, held: Counts, device: Device) -> Work | str:
    """Return the work of a training, in words why it cannot be told, where it cannot.

    Every validation counts as if the mixture had as many rows for it as the config asks for; batches that grow count in their sum, and the
    largest of them in memory.

    Args:
        config: of the training.
        reads: what it reads.
        held: what the model holds and does.
        device: that it is trained on.
    """
    if config.num_epochs is not None and reads.num_rows is None:
        return "num_epochs are of rows that the mixture has once it is made"
    if (held.decoder is None) != (reads.lengths[1] == 0):
        return "its objective is for another kind of model than it is made from"
    length = reads.row_length
    of_pieces = {piece: int(held.flops_per_row(*lengths) / piece) for piece, lengths in reads.of_pieces.items()}
    extent = Extent(held.num_matmul_parameters, reads.num_rows or 1, length, of_pieces[length], 0, config.length_stages, of_pieces)
    flops = float(extent.mean_flops_per_token)
    batch_size = config.batch_size
    if batch_size == "auto":
        budget = Budget(extent.num_parameters, tokens_asked(config, extent) or 0, flops)
        batch_size = int(derive_batch_size("step_law", budget, length).value)
    stages = config.all_batch_stages(batch_size)
    horizon = find_horizon(config, extent, stages)
    plan = extent.plan(horizon.num_steps, stages)
    read = rows_by_length(plan, horizon.last_step)
    num_rows = sum(read.values())
    pieces = tuple((rows * (length // piece), reads.of_pieces[piece]) for piece, rows in read.items())
    largest = max(reading_at(stage.first_step, plan).batch_size for stage in plan.stages if stage.first_step < horizon.last_step)
    num_inputs, num_decoder = reads.lengths
    step = Step(config.micro_batch_size or largest, num_inputs, config.precision, config.activation_checkpointing, device, num_decoder)
    num_validations = -(-horizon.last_step // config.validate_every)
    is_compiled, _ = compiles(config.compile, flops * horizon.num_tokens, device)
    num_validation_rows = num_validations * config.max_validation_sequences
    beside = Held(config.optimizer, num_averages(config.averaging))
    predicting = step.num_rows * (num_decoder or num_inputs)
    output_share = num_passed(int(reads.predicted_share * predicting), predicting) / predicting
    return Work(held, horizon.last_step, num_rows, num_rows * length, pieces, step, num_validation_rows, is_compiled, largest, output_share, beside)


def _shape(entries: RecipeBase, lake: Lake, model: str) -> Any | str:
    """Return the shape of a model; in words why it cannot be told, where it cannot."""
    root = model
    while not hasattr(entries.models[root], "architecture"):
        if not entries.models[root].parents:
            return _shape_of_made(entries.name, lake, root)
        root = entries.models[root].parents[0]
    entry = entries.models[root]
    config = kernel_config("methods", entry.method, entry)
    architecture: Any = getattr(config, "architecture")  # noqa: B009  # a field of this method's config alone
    spec = specs("architectures")[architecture.kind]
    vocab_size = _vocab_size(entries, lake, entries.mixtures[entry.data].tokenizer)
    if isinstance(vocab_size, str):
        return vocab_size
    return spec.build(architecture, vocab_size=vocab_size, eos_token_id=0, pad_token_id=0)


def _shape_of_made(recipe: str, lake: Lake, model: str) -> Any | str:
    """Return the shape of a model from elsewhere, once it is there; in words why it cannot be told, where it cannot."""
    cell = Cell(recipe, model_asset(model), None)
    if lake.manifest(cell) is None:
        return f"{model} comes from elsewhere and is not there yet, and its shape comes with it"
    return shape_of_folder(lake.folder(cell))


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
