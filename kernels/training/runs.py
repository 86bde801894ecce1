"""A training from a job's data to a checkpoint: everything that the loop is made of, put together.

Every method that learns from a packed mixture calls `train`.
"""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

from kernels.models.formats import fast
from kernels.specs.config import Config
from kernels.specs.families import chosen
from kernels.specs.methods import MethodJob
from kernels.specs.objectives import Objective, mismatch
from kernels.tokens.mixtures.index import INDEX_FILE, MixtureIndex, read_index
from kernels.tokens.token_bytes import token_bytes
from kernels.tokens.tokenizer_files import JSON, control_tokens
from kernels.training.config import TrainingConfig
from kernels.training.costs.flops import Flops, count_flops
from kernels.training.costs.peak import measure_peak
from kernels.training.course.horizon import Extent
from kernels.training.course.stages import check_lengths
from kernels.training.execution.compilation import keep_freed_memory
from kernels.training.feeding.batches import Transform
from kernels.training.feeding.feed import Feed
from kernels.training.learner import Learner
from kernels.training.logs.event_files import write_events
from kernels.training.logs.losses import write_losses
from kernels.training.logs.tensors import write_statistics
from kernels.training.outline import outline, parts_of
from kernels.training.preflight import peak_memory_bytes
from kernels.training.trainer import Outcome, Parts, Place, Trainer
from kernels.training.validation import Validation


class Data(NamedTuple):
    """What a model learns from."""

    mixture: Path
    tokenizer: Path
    objective: Config
    """Of the family ``objectives``."""


def train(job: MethodJob, config: TrainingConfig, data: Data, trainable: fast.Trainable, tokenizer: Any) -> dict[str, float]:
    """Train a model over a mixture, or on from the state that a killed run left in ``job.scratch``; write the checkpoint and return its summary.

    Raises:
        ValueError: mixture, tokenizer, objective and model do not go together (says how).
        FloatingPointError: the training diverged.
    """
    keep_freed_memory()
    training = identity(config, data, trainable)  # while the model is whole
    return run(job, assemble(job, config, data, trainable, tokenizer), training, trainable, tokenizer)


def run(job: MethodJob, parts: Parts, training: str, trainable: fast.Trainable, tokenizer: Any) -> dict[str, float]:
    """Take the steps that are left of the training of some name, write the checkpoint and return its summary.

    Raises:
        FloatingPointError: the training diverged.
    """
    outcome = Trainer(parts, Place(job.scratch, job.report, job.say, training)).run()
    spread, team = parts.learner.spread, parts.learner.team
    state = spread.whole_state()
    if team.is_first:
        fast.write(trainable, job.out, state)
        tokenizer.save_pretrained(job.out)
        write_losses(outcome.records, job.out)
        if parts.config.tensor_statistics_every is not None:
            write_statistics(outcome.statistics, job.out)
        write_events(outcome.records, job.out, outcome.statistics)
    found = summary(parts, outcome)
    spread.leave()
    team.leave()
    return found


def assemble(job: MethodJob, config: TrainingConfig, data: Data, trainable: fast.Trainable, tokenizer: Any) -> Parts:
    """Return all that a training is made of, looked at before the first step; ``job.say`` is told what a reader should know.

    Raises:
        ValueError: mixture, tokenizer, objective and model do not go together (says how).
    """
    index = read_index(data.mixture)
    transform = _transform(data, trainable, index)
    counted = count_flops(trainable, *transform.lengths)
    num_rows, row_flops = sum(rows.num_rows for rows in index.sources.values()), counted.flops_per_row // index.sequence_length
    check_lengths("length_stages", config.length_stages, index.sequence_length)
    of_pieces = _flops_of_pieces(data, config, trainable, index)
    extent = Extent(
        counted.num_matmul_parameters,
        num_rows,
        index.sequence_length,
        row_flops,
        counted.num_output_parameters,
        config.length_stages,
        {length: flops.flops_per_row // length for length, flops in of_pieces.items()},
    )
    told = outline(job, config, extent, counted)
    told = told._replace(flops_of_pieces={length: flops.flops_per_token for length, flops in of_pieces.items()})
    feed = Feed(data.mixture, told.plan, transform, config.seed, config.micro_batch_size, told.team.share)
    of_token = token_bytes((data.tokenizer / JSON).read_text(encoding="utf-8")) if transform.objective.loss_is_of_text else None
    rows = config.micro_batch_size or told.rates.batch_size
    validation = Validation(data.mixture, transform, config.seed, config.max_validation_sequences, rows, of_token)
    return parts_of(job, config, told, Learner(trainable, told.setting, told.team), feed, validation, tokenizer)


def _transform(data: Data, trainable: fast.Trainable, index: MixtureIndex) -> Transform:
    """Return how rows become examples. Raises ValueError: model or vocabulary cannot serve the objective."""
    objective: Objective = chosen("objectives", data.objective)
    if told := mismatch(data.objective, "the model", {trainable.attention}, is_named=True):
        raise ValueError(told)
    control = control_tokens(data.tokenizer)
    if lacks := objective.lacks(data.objective, control):
        raise ValueError(f"{data.tokenizer}: {lacks}")
    return Transform(objective, data.objective, control, objective.lengths(data.objective, index.sequence_length, index.max_documents))


def _flops_of_pieces(data: Data, config: TrainingConfig, trainable: fast.Trainable, index: MixtureIndex) -> dict[int, Flops]:
    """Return the work of a model by the length of the pieces that rows are read in."""
    objective: Objective = chosen("objectives", data.objective)
    lengths = {stage.length: objective.lengths(data.objective, stage.length, index.max_documents) for stage in config.length_stages}
    return {piece: count_flops(trainable, *found) for piece, found in lengths.items()}


def summary(parts: Parts, outcome: Outcome) -> dict[str, float]:
    """Return what is to be known of a training beside its losses."""
    records, speed, setting, team = outcome.records, outcome.speed, parts.learner.setting, parts.learner.team
    peak_memory = team.largest(peak_memory_bytes(setting.device))  # before products are timed once more
    (peak_flops,) = team.sums([measure_peak(setting.device, parts.config.precision)])
    speed.peak_flops = max(speed.peak_flops, peak_flops)  # it was busy with something else, perhaps
    taken = speed.seconds + speed.told_seconds
    read = [(int(record["num_tokens"] or 0), parts.flops_per_token(int(record["step"] or 1) - 1)) for record in records]
    found = {
        "num_train_tokens": float(sum(num_tokens for num_tokens, _ in read)),
        "num_parameters": float(parts.learner.spread.num_parameters),
        "num_matmul_parameters": float(parts.flops.num_matmul_parameters),
        "flops_per_token": sum(num_tokens * flops for num_tokens, flops in read) / max(1, sum(num_tokens for num_tokens, _ in read)),
        "first_loss": float(records[0]["loss"] or 0),
        "final_loss": float(records[-1]["loss"] or 0),
        "num_skipped_steps": sum(float(record["skipped"] or 0) for record in records),
        "peak_memory_mb": peak_memory / 1e6,
    }
    if speed.num_tokens:
        found |= {**speed.mean(), "waiting_share": outcome.waited_seconds / taken, "telling_share": speed.told_seconds / taken}
    if parts.config.keep == "best":
        found["kept_step"] = float(outcome.kept_step)
    for name in ("validation_loss", "validation_bits_per_byte"):
        if (of_kept := records[outcome.kept_step - 1].get(name)) is not None:
            found[name] = float(of_kept)
    return found


def digest_of_start(config: TrainingConfig, trainable: fast.Trainable) -> "hashlib.blake2b":
    """Return the digest of a config and of the weights that its training begins at, for what is learned from to be added."""
    digest = hashlib.blake2b(repr(config).encode(), digest_size=16)
    for name, tensor in trainable.module.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().data)
    return digest


def identity(config: TrainingConfig, data: Data, trainable: fast.Trainable) -> str:
    """Return a name of config, first weights and data, rows and all: the same exactly where a state may be taken up."""
    digest = digest_of_start(config, trainable)
    digest.update(repr(data.objective).encode())
    for path in (data.mixture / INDEX_FILE, data.tokenizer / JSON):
        digest.update(path.read_bytes())
    return digest.hexdigest()
