"""Direct preference optimisation (Rafailov et al. 2023, arXiv 2305.18290). The reference is the parent."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow.parquet as pq
from pydantic import Field, model_validator

from kernels.documents.conversations import without_rejected
from kernels.models.formats.chats import chat_encoder
from kernels.specs.config import fault_of_key
from kernels.specs.methods import Method, MethodJob
from kernels.specs.needs import Examples, Parent
from kernels.specs.turns import Turn
from kernels.tokens.chats import ChatEncoder, UnrenderedError
from kernels.training.execution.compilation import keep_freed_memory
from kernels.training.execution.seeding import seed_everything
from kernels.training.feeding.conversations import Pair as TextPair
from kernels.training.feeding.conversations import pair_of, rows_of_pairs
from kernels.training.logs.losses import LOSS_FELL, LOSSES
from kernels.training.outline import parts_of
from kernels.training.trainer import Parts
from kernels.training.tuning.config import ATTENTIONS, TuningConfig, reads
from kernels.training.tuning.preferences import PreferenceLearner, PreferenceValidation, References, ask_references, keep_references, kept_references
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
from kernels.training.tuning.runs import Parent as ParentModel

AVERAGED_SHARE = 10
"""Rewards of the summary are means over the last tenth of the steps: those of one batch are noise."""

PARENT, PAIRS = Parent("parent"), Examples("pairs")


class DpoConfig(TuningConfig):
    """Preference optimisation."""

    beta: float = Field(gt=0)
    """How strongly the model is held to the reference."""

    @model_validator(mode="after")
    def _has_no_loss_of_tokens(self) -> Self:
        if self.z_loss:
            raise fault_of_key("z_loss", "the loss is on preferences, not on each token; leave the key out")
        return self


class Pair(NamedTuple):
    """Two answers to one prompt."""

    prompt: list[Turn]
    chosen: Turn
    rejected: Turn


def preference_pairs(turns: Sequence[Turn]) -> list[Pair]:
    """Return the pairs that a conversation ends in, one for each rejected answer that says something else than the chosen one."""
    said = without_rejected(turns)
    if len(said) < 2 or said[-1].role != "assistant":
        return []
    chosen = said[-1]
    rejected = [turn for turn in turns if turn.role == "rejected" and turn[1:4] != chosen[1:4]]
    return [Pair(said[:-1], chosen, turn) for turn in rejected]


class Usable(NamedTuple):
    """What is learned from, and how many pairs are not, by reason."""

    pairs: list[TextPair]
    num_too_long: int
    num_unrendered: int
    num_alike: int
    """Whose answers are the same tokens once the template has written them: nothing can be learned of them, and they count as ranked wrong."""


def examples(encoder: ChatEncoder, pairs: Iterable[Pair], max_length: int) -> Usable:
    """Return the pairs of some that can be learned from, as tokens: those of which both answers fit and differ."""
    found: list[TextPair] = []
    counts = Counter[str]()
    for pair in pairs:
        try:
            example = encoder.compared(*pair)
        except UnrenderedError:
            counts["unrendered"] += 1
            continue
        if len(example.prompt) + max(len(example.chosen), len(example.rejected)) > max_length:
            counts["too_long"] += 1
        elif example.chosen == example.rejected:
            counts["alike"] += 1
        else:
            found.append(pair_of(example))
    return Usable(found, counts["too_long"], counts["unrendered"], counts["alike"])


def run(job: MethodJob) -> dict[str, float]:
    """Align the parent on preference pairs.

    Returns:
        First and final loss (nats a pair), mean margin of the implicit rewards and share of pairs ranked right over the last tenth of the steps,
        and how many pairs were learned from, were held out, were too long, cannot be said by the parent's chat template or are of two answers that
        are the same tokens, and how many conversations are no pairs.

    Raises:
        ValueError: no conversation carries a rejected answer and fits ``max_length``, or the parent cannot read or learn from them.
        FloatingPointError: the training diverged.
    """
    keep_freed_memory()
    config: DpoConfig = job.config
    seed_everything(config.seed)
    parent = load_parent(job.paths[PARENT], job.device)
    found = [preference_pairs(turns) for turns in conversations(job.paths[PAIRS])]
    made = examples(chat_encoder(parent.tokenizer), [pair for pairs in found for pair in pairs], config.max_length)
    num_without_pair = sum(not pairs for pairs in found)
    if not made.pairs:
        raise ValueError(
            f"dpo: {len(found) - num_without_pair} of {len(found)} conversations are preference pairs and none fits {config.max_length} tokens; "
            "give conversations whose last turns are 'assistant' and 'rejected', or raise max_length"
        )
    sides = split(made.pairs, lambda pair: pair[0], config.validation_fraction)
    training = identity(config, parent, [text for pair in made.pairs for text in pair])
    summary = train(job, assemble(job, config, parent, sides, training), training, parent)
    counts = {
        "num_pairs": float(len(sides.train)),
        "num_held_out": float(len(sides.validation)),
        "num_too_long": float(made.num_too_long),
        "num_unrendered": float(made.num_unrendered),
        "num_alike": float(made.num_alike),
        "num_without_pair": float(num_without_pair),
    }
    return {**summary, **(_last_rewards(job) if job.is_first else {}), **counts}


def assemble(job: MethodJob, config: DpoConfig, parent: ParentModel, sides: Split[TextPair], training: str) -> Parts:
    """Return all that a training of some name is made of; the parent says first what it thinks of every pair, unless it did before a kill."""
    texts = [text for pair in sides.train for text in pair]
    shape = shape_of(parent, [*texts, *(text for pair in sides.validation for text in pair)], config.max_length)
    references = kept_references(job.scratch, training)
    asked = references or References(*(np.full((len(side), 2), np.nan, np.float32) for side in sides))
    material = Material("pairs", texts, len(sides.train), shape, partial(rows_of_pairs, sides.train, asked.train_N2))
    told = lay_out(job, config, parent, material)
    learner = PreferenceLearner(parent.trainable, told.setting, config.beta, told.team)
    feed, shape = feed_of(config, told, material)

    def validated() -> Any:
        rows = len(sides.validation)
        return validation_parts(config, told, rows, lambda numbers: rows_of_pairs(sides.validation, asked.validation_M2, numbers, shape))

    if references is None:
        ask_references(learner, feed, told.horizon.last_step, validated(), asked)
        if told.team.is_first:
            keep_references(asked, job.scratch, training)
    return parts_of(job, config, told, learner, feed, PreferenceValidation(validated(), None), parent.tokenizer)


def _last_rewards(job: MethodJob) -> dict[str, float]:
    """Return the means of the last tenth of the steps."""
    names = ("margins", "accuracies")
    table = pq.read_table(job.out / LOSSES, partitioning=None, columns=[f"rewards/{name}" for name in names])  # pyright: ignore[reportUnknownMemberType]
    last = table.slice(table.num_rows - max(1, table.num_rows // AVERAGED_SHARE)).to_pydict()
    return {name: float(np.mean(last[f"rewards/{name}"])) for name in names}


SPEC = Method(name="dpo", version=5, config=DpoConfig, needs=(PARENT, PAIRS), run=run, checks=(LOSS_FELL,), attentions=ATTENTIONS, reads=reads)
