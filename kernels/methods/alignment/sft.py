"""Supervised fine-tuning on conversations through TRL's SFTTrainer: the loss is on the last answer only (Ouyang et al. 2022, arXiv 2203.02155)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from kernels.models.formats.chats import chat_encoder
from kernels.models.formats.checkpoints import load_to_train
from kernels.specs.methods import Method, MethodJob
from kernels.specs.needs import Examples
from kernels.specs.turns import Turn
from kernels.tokens.chats import ChatEncoder, Learned, UnrenderedError
from kernels.training.backends.trl import PARENT, TrlConfig, arguments, conversations, finish, reads, train
from kernels.training.logs.losses import LOSS_FELL

CONVERSATIONS = Examples("conversations")


class SftConfig(TrlConfig):
    """Supervised fine-tuning."""


class Usable(NamedTuple):
    """What is learned from, and how many conversations are not, by reason."""

    learned: list[Learned]
    num_too_long: int
    num_without_answer: int
    num_unrendered: int


def examples(encoder: ChatEncoder, found: Iterable[Sequence[Turn]], max_length: int) -> Usable:
    """Return the conversations of some that can be learned from, as tokens: those whose last answer is to be learned and that fit."""
    learned: list[Learned] = []
    counts = Counter[str]()
    for turns in found:
        try:
            example = encoder.answered(turns)
        except UnrenderedError:
            counts["unrendered"] += 1
            continue
        if example is None:
            counts["without_answer"] += 1
        elif len(example.ids) > max_length:
            counts["too_long"] += 1
        else:
            learned.append(example)
    return Usable(learned, counts["too_long"], counts["without_answer"], counts["unrendered"])


def run(job: MethodJob) -> dict[str, float]:
    """Fine-tune the parent; the chosen answer of a preference pair is an answer like any other.

    TRL is given tokens, so that no part of it looks for control tokens in what people wrote.

    Returns:
        First and final loss (nats a token of the answers), and how many conversations were learned from, were too long, do not end in an
        answer to something, or cannot be said by the parent's chat template.

    Raises:
        ValueError: no conversation ends in an answer and fits ``max_length``.
    """
    from datasets import Dataset  # pyright: ignore[reportMissingTypeStubs]
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    config: SftConfig = job.config
    parent = load_to_train(job.paths[PARENT], job.device)
    found = conversations(job.paths[CONVERSATIONS])
    made = examples(chat_encoder(parent.tokenizer), found, config.max_length)
    if not made.learned:
        raise ValueError(
            f"sft: none of {len(found)} conversations ends in an answer within {config.max_length} tokens; raise max_length or mend the data "
            f"({made.num_without_answer} have no answer, {made.num_unrendered} cannot be said by the parent's chat template)"
        )
    rows = [{"input_ids": example.ids, "completion_mask": example.mask} for example in made.learned]
    trainer: Any = SFTTrainer(
        model=parent.model,
        args=SFTConfig(**arguments(job, config), completion_only_loss=True, packing=False),
        train_dataset=Dataset.from_list(rows),  # pyright: ignore[reportUnknownMemberType]
        processing_class=parent.tokenizer,
    )
    records = train(job, config, trainer)
    counts = {
        "num_conversations": float(len(made.learned)),
        "num_too_long": float(made.num_too_long),
        "num_without_answer": float(made.num_without_answer),
        "num_unrendered": float(made.num_unrendered),
    }
    return {**finish(job, trainer, parent.tokenizer, records), **counts}


SPEC = Method(name="sft", version=2, config=SftConfig, needs=(PARENT, CONVERSATIONS), run=run, checks=(LOSS_FELL,), reads=reads)
