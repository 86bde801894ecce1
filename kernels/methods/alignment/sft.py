"""Supervised fine-tuning on conversations: the loss is on the last answer only (Ouyang et al. 2022, arXiv 2203.02155)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

from kernels.models.formats.chats import chat_encoder
from kernels.specs.methods import Method, MethodJob
from kernels.specs.needs import Examples, Parent
from kernels.specs.turns import Turn
from kernels.tokens.chats import ChatEncoder, UnrenderedError
from kernels.training.execution.compilation import keep_freed_memory
from kernels.training.execution.seeding import seed_everything
from kernels.training.feeding.conversations import Text, rows_of, text_of
from kernels.training.learner import Learner
from kernels.training.logs.losses import LOSS_FELL
from kernels.training.outline import parts_of
from kernels.training.tuning.config import ATTENTIONS, TuningConfig, reads
from kernels.training.tuning.runs import (
    Material,
    Split,
    conversations,
    feed_of,
    identity,
    lay_out,
    load_parent,
    shape_of,
    split,
    train,
    validation_parts,
)
from kernels.training.validation import PreparedValidation

PARENT, CONVERSATIONS = Parent("parent"), Examples("conversations")


class SftConfig(TuningConfig):
    """Supervised fine-tuning."""


class Usable(NamedTuple):
    """What is learned from, and how many conversations are not, by reason."""

    texts: list[Text]
    num_too_long: int
    num_without_answer: int
    num_unrendered: int


def examples(encoder: ChatEncoder, found: Iterable[Sequence[Turn]], max_length: int) -> Usable:
    """Return the conversations of some that can be learned from, as tokens: those whose last answer is to be learned and that fit."""
    texts: list[Text] = []
    counts = Counter[str]()
    for turns in found:
        try:
            example = encoder.answered(turns)
        except UnrenderedError:
            counts["unrendered"] += 1
            continue
        if example is None or not any(example.mask[1:]):
            counts["without_answer"] += 1
        elif len(example.ids) > max_length:
            counts["too_long"] += 1
        else:
            texts.append(text_of(example))
    return Usable(texts, counts["too_long"], counts["without_answer"], counts["unrendered"])


def run(job: MethodJob) -> dict[str, float]:
    """Fine-tune the parent; the chosen answer of a preference pair is an answer like any other.

    Returns:
        First and final loss (nats a token of the answers), and how many conversations were learned from, were held out, were too long, do not end
        in an answer to something, or cannot be said by the parent's chat template.

    Raises:
        ValueError: no conversation ends in an answer and fits ``max_length``, or the parent cannot read or learn from them.
        FloatingPointError: the training diverged.
    """
    keep_freed_memory()
    config: SftConfig = job.config
    seed_everything(config.seed)
    parent = load_parent(job.paths[PARENT], job.device)
    made = _examples_of(job, chat_encoder(parent.tokenizer))
    train_texts, held_out = sides = split(made.texts, lambda text: text, config.validation_fraction)
    shape = shape_of(parent, made.texts, config.max_length)
    material = Material("conversations", train_texts, len(train_texts), shape, partial(rows_of, train_texts))
    training = identity(config, parent, made.texts)  # while the model is whole
    told = lay_out(job, config, parent, material)
    learner = Learner(parent.trainable, told.setting, told.team)
    feed, shape = feed_of(config, told, material)
    validation = PreparedValidation(validation_parts(config, told, len(held_out), lambda numbers: rows_of(held_out, numbers, shape)), None)
    parts = parts_of(job, config, told, learner, feed, validation, parent.tokenizer)
    return {**train(job, parts, training, parent), **_counts(made, sides)}


def _examples_of(job: MethodJob, encoder: ChatEncoder) -> Usable:
    """Return what the job's conversations give to learn from. Raises ValueError: nothing."""
    config: SftConfig = job.config
    found = conversations(job.paths[CONVERSATIONS])
    made = examples(encoder, found, config.max_length)
    if not made.texts:
        raise ValueError(
            f"sft: none of {len(found)} conversations ends in an answer within {config.max_length} tokens; raise max_length or mend the data "
            f"({made.num_without_answer} have no answer, {made.num_unrendered} cannot be said by the parent's chat template)"
        )
    return made


def _counts(made: Usable, sides: Split[Text]) -> dict[str, float]:
    return {
        "num_conversations": float(len(sides.train)),
        "num_held_out": float(len(sides.validation)),
        "num_too_long": float(made.num_too_long),
        "num_without_answer": float(made.num_without_answer),
        "num_unrendered": float(made.num_unrendered),
    }


SPEC = Method(
    name="sft", version=5, config=SftConfig, needs=(PARENT, CONVERSATIONS), run=run, checks=(LOSS_FELL,), attentions=ATTENTIONS, reads=reads
)
