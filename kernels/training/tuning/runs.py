"""A training on conversations, from a parent to a checkpoint: what kernels/training/runs.py does, on packed conversations in place of a mixture."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import pyarrow.parquet as pq
import xxhash
from numpy.typing import NDArray

from kernels.documents.conversations import turns_of
from kernels.models.formats import checkpoints, fast
from kernels.models.formats.chats import chat_encoder
from kernels.models.formats.generation import ask_as_before, end_with_answers
from kernels.specs.methods import MethodJob
from kernels.specs.turns import Turn
from kernels.training.costs.flops import count_flops
from kernels.training.course.horizon import Extent
from kernels.training.feeding.batches import Examples
from kernels.training.feeding.conversations import RowShape, Text, row_length
from kernels.training.feeding.epochs import ExampleFeed, Rows, in_parts, looked_at
from kernels.training.outline import Outline, outline
from kernels.training.runs import digest_of_start, run
from kernels.training.trainer import Parts
from kernels.training.tuning.config import ATTENTIONS, TuningConfig

LEAST_HELD_OUT = 8
"""Conversations: the loss of fewer says little, and where there are few all are learned from."""
STEPS_LOOKED_AT = 32
"""Whose rows are counted, where all steps are to have as many."""
_ENDLESS = (
    "its chat template ends an answer by no control token, so that whoever asks the model cannot tell where an answer ends; "
    "take a model whose template ends it by one, such as the end of text"
)

_Example = TypeVar("_Example")


class Parent(NamedTuple):
    """A model that is taken further."""

    folder: Path
    trainable: fast.Trainable
    tokenizer: Any
    longest: int | None
    """Tokens that it may read; None where nothing bounds them."""


class Split(NamedTuple, Generic[_Example]):
    """What is learned from and what is validated on."""

    train: list[_Example]
    validation: list[_Example]


class Material(NamedTuple):
    """What is learned from, as the parts of a training ask for it."""

    kind: str
    """Names the order that examples are read in."""
    texts: Sequence[Text]
    """That are learned from, of all examples."""
    num_examples: int
    shape: RowShape
    rows: Callable[[NDArray[np.int64], RowShape], Examples]
    """Of examples by number."""


def conversations(examples: Path) -> list[list[Turn]]:
    """Return the conversations of a Parquet file of documents, in order; a document that is none has no turns."""
    column = pq.read_table(examples, partitioning=None, columns=["turns"])["turns"]  # pyright: ignore[reportUnknownMemberType]
    return [turns or [] for turns in turns_of(column)]


def load_parent(folder: Path, device: str) -> Parent:
    """Return a model to be taken further. Raises ValueError: it is quantized, or reads no text on and on."""
    found = checkpoints.load_to_train(folder, device)
    window = getattr(found.model.config, "sliding_window", None)
    bounds = [bound for bound in (checkpoints.max_positions(found.model), window) if bound is not None]
    trainable = fast.taken(found.model)
    if trainable.attention not in ATTENTIONS:
        raise ValueError(
            f"{folder}: the model is {trainable.attention}, and answers are learned by decoders that are causal or of prefixes; take one"
        )
    return Parent(folder, trainable, found.tokenizer, min(bounds, default=None))


def split(examples: Sequence[_Example], text_of: Callable[[_Example], Text], fraction: float) -> Split[_Example]:
    """Return examples with a share held out: all those of a prompt are on one side, by its hash, so that the split lasts when others come."""
    held = [xxhash.xxh3_64_intdigest(text_of(example).prompt) < int(fraction * 2**64) for example in examples]
    if not LEAST_HELD_OUT <= sum(held) < len(held):
        return Split(list(examples), [])
    return Split(*([example for example, is_held in zip(examples, held, strict=True) if is_held == side] for side in (False, True)))


def shape_of(parent: Parent, texts: Iterable[Text], max_length: int) -> RowShape:
    """Return what rows of some conversations are like. Raises ValueError: one of them is longer than the model reads."""
    texts = list(texts)
    longest = max(len(text.ids_n) for text in texts)
    if parent.longest is not None and longest > parent.longest:
        raise ValueError(
            f"{parent.folder}: a conversation has {longest} tokens, and the model attends to {parent.longest}; lower max_length, now {max_length}"
        )
    return RowShape(row_length(texts), parent.tokenizer.pad_token_id, is_prefix=parent.trainable.attention == "prefix")


def lay_out(job: MethodJob, config: TuningConfig, parent: Parent, material: Material) -> Outline:
    """Return how long a training is and how it computes; ``job.say`` is told what a reader should know."""
    if chat_encoder(parent.tokenizer).end_of_answer is None:
        job.say(f"{parent.folder}: {_ENDLESS}")
    num_tokens = sum(text.num_read for text in material.texts)
    flops = count_flops(parent.trainable, max(1, round(num_tokens / len(material.texts))))
    mean_length = -(-num_tokens // material.num_examples)
    extent = Extent(flops.num_matmul_parameters, material.num_examples, mean_length, flops.flops_per_token)
    return outline(job, config, extent, flops)


def feed_of(config: TuningConfig, told: Outline, material: Material) -> tuple[ExampleFeed, RowShape]:
    """Return the steps of a training and the shape of their rows; what is compiled is to have as many rows each time, but for a rare step."""

    def feed(shape: RowShape) -> ExampleFeed:
        def rows(numbers: NDArray[np.int64]) -> Examples:
            return material.rows(numbers, shape)

        return ExampleFeed(material.kind, material.num_examples, rows, told.plan, config.seed, config.micro_batch_size, told.team.share)

    if not told.setting.compiled:
        return feed(material.shape), material.shape
    looked_at = map(feed(material.shape).batch, range(min(STEPS_LOOKED_AT, told.horizon.last_step)))
    shape = material.shape._replace(least_rows=max(len(part.inputs_BT) for batch in looked_at for part in batch.parts))
    return feed(shape), shape


def validation_parts(config: TuningConfig, told: Outline, num_examples: int, rows: Rows) -> list[Examples]:
    """Return the examples that are validated on as a model reads them."""
    return in_parts(looked_at(num_examples, config.max_validation_sequences), config.micro_batch_size or told.rates.batch_size, rows)


def train(job: MethodJob, parts: Parts, training: str, parent: Parent) -> dict[str, float]:
    """Take the steps that are left, write the checkpoint and return its summary. Raises FloatingPointError: the training diverged."""
    found = run(job, parts, training, parent.trainable, parent.tokenizer)
    if job.is_first:
        ask_as_before(parent.folder, job.out)
        end_with_answers(job.out, parent.tokenizer)
    return found


def identity(config: TuningConfig, parent: Parent, texts: Iterable[Text]) -> str:
    """Return a name of config, parent and data: the same exactly where a state may be taken up."""
    digest = digest_of_start(config, parent.trainable)
    for text in texts:
        for array in text:
            digest.update(array.tobytes())
    return digest.hexdigest()
