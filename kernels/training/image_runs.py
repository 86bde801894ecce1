"""A training on images and text from a job's data to a checkpoint: the parts of runs.py, with examples of images in place of a mixture."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from kernels.models.formats import fast
from kernels.models.formats.chats import image_chats
from kernels.models.formats.generation import end_with_answers
from kernels.models.formats.image_processors import write_processor
from kernels.reading.images.conversations import TRAIN, VALIDATION
from kernels.specs.methods import MethodJob
from kernels.specs.sources import Reject
from kernels.training.config import TrainingConfig
from kernels.training.costs.flops import count_flops
from kernels.training.course.horizon import Extent
from kernels.training.execution.compilation import keep_freed_memory
from kernels.training.feeding.epochs import in_parts, looked_at
from kernels.training.feeding.image_examples import ImageSet, Limits, image_feed, in_words, prepare, rows_of
from kernels.training.feeding.image_questions import Asked, asked_elsewhere
from kernels.training.learner import Learner
from kernels.training.outline import outline, parts_of
from kernels.training.runs import digest_of_start, run
from kernels.training.trainer import Parts
from kernels.training.validation import PreparedValidation

LEFT_OUT = "left_out.parquet"
"""In a checkpoint's folder: which records were not learned from, and why."""
SPLITS = (TRAIN, VALIDATION)


class Sets(NamedTuple):
    """What is learned from and what is validated on."""

    train: ImageSet
    validation: ImageSet

    @property
    def row_length(self) -> int:
        """Positions of a row that holds any example of both."""
        return max(self.train.row_length, self.validation.row_length)


def train(job: MethodJob, config: TrainingConfig, data: Path, trainable: fast.Trainable, tokenizer: Any) -> dict[str, float]:
    """Train a model on a folder of images and conversations, or on from the state that a killed run left; write the checkpoint.

    Returns:
        Its summary.

    Raises:
        ValueError: the folder holds nothing to learn from (says why).
        FloatingPointError: the training diverged.
    """
    keep_freed_memory()
    vision = trainable.shape.vision_config
    limits = Limits(vision.image_size, trainable.shape.text_config.max_position_embeddings)
    encoder = image_chats(tokenizer, (vision.image_size // vision.patch_size) ** 2)
    held_out = {TRAIN: asked_elsewhere(data, TRAIN, limits.image_size), VALIDATION: set[Asked]()}
    sets = Sets(*(prepare(data, split, encoder, limits, job.scratch / f"{split}-{job.rank.number}.npy", held_out[split]) for split in SPLITS))
    left_out: dict[str, list[Reject]] = dict(zip(SPLITS, (each.rejects for each in sets), strict=True))
    for split, rejects in left_out.items():
        if rejects:
            job.say(f"{split}: {len(rejects)} records are left out: {in_words(rejects)} ({LEFT_OUT} of the checkpoint lists them)")
    training = identity(config, sets, trainable)  # while the model is whole
    found = run(job, assemble(job, config, sets, trainable, tokenizer), training, trainable, tokenizer)
    if job.is_first:
        write_processor(trainable.shape, tokenizer, job.out)
        end_with_answers(job.out, tokenizer)
        write_left_out(left_out, job.out)
    counts = {f"num_{split}_left_out": float(len(rejects)) for split, rejects in left_out.items()}
    return {**found, **counts, "num_examples": float(len(sets.train.examples)), "num_images": float(len(sets.train.pixels))}


def assemble(job: MethodJob, config: TrainingConfig, sets: Sets, trainable: fast.Trainable, tokenizer: Any) -> Parts:
    """Return all that a training is made of, looked at before the first step; ``job.say`` is told what a reader should know."""
    length, padding = sets.row_length, tokenizer.pad_token_id
    counted = count_flops(trainable, length, num_images=1)
    per_token = counted.flops_per_row // length
    extent = Extent(counted.num_matmul_parameters, len(sets.train.examples), length, per_token, counted.num_output_parameters)
    told = outline(job, config, extent, counted._replace(flops_per_token=_flops_of_read(trainable, sets.train)))
    feed = image_feed(sets.train, told.plan, padding, config.seed, config.micro_batch_size, told.team.share)
    validated = looked_at(len(sets.validation.examples), config.max_validation_sequences)
    rows = config.micro_batch_size or told.rates.batch_size
    validation = PreparedValidation(in_parts(validated, rows, lambda part: rows_of(sets.validation, part, length, padding)), None)
    return parts_of(job, config, told, Learner(trainable, told.setting, told.team), feed, validation, tokenizer)


def _flops_of_read(trainable: fast.Trainable, data: ImageSet) -> int:
    """Return the FLOPs of a token that is read, padding left out: of an example of average length, its image among them."""
    return count_flops(trainable, max(1, round(data.num_tokens / len(data.examples))), num_images=1).flops_per_token


def write_left_out(rejects: dict[str, list[Reject]], folder: Path) -> None:
    """Write which records of which split were not learned from, and why."""
    rows = [{"split": split, **each._asdict()} for split, given in rejects.items() for each in given]
    schema = pa.schema([(name, pa.string()) for name in ("split", *Reject._fields)])
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / LEFT_OUT, compression="zstd")  # pyright: ignore[reportUnknownMemberType]


def identity(config: TrainingConfig, sets: Iterable[ImageSet], trainable: fast.Trainable) -> str:
    """Return a name of config, first weights and data: the same exactly where a state may be taken up."""
    digest = digest_of_start(config, trainable)
    for each in sets:
        digest.update(repr(each.examples).encode())
        for image in each.pixels:
            digest.update(image.tobytes())
    return digest.hexdigest()
