"""Direct preference optimisation through TRL's DPOTrainer (Rafailov et al. 2023, arXiv 2305.18290). The reference is the parent."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pydantic import Field

from kernels.documents.conversations import without_rejected
from kernels.models.formats import checkpoints
from kernels.models.formats.chats import chat_encoder
from kernels.models.formats.checkpoints import load_to_train
from kernels.specs.methods import Method, MethodJob
from kernels.specs.needs import Examples
from kernels.specs.turns import Turn
from kernels.tokens.chats import ChatEncoder, Compared, UnrenderedError
from kernels.training.backends.trl import PARENT, TrlConfig, arguments, conversations, finish, reads, train
from kernels.training.logs.losses import LOSS_FELL

AVERAGED_SHARE = 10
"""Rewards of the summary are means over the last tenth of the steps: those of one batch are noise."""

PAIRS = Examples("pairs")


class DpoConfig(TrlConfig):
    """Preference optimisation."""

    beta: float = Field(gt=0)
    """How strongly the model is held to the reference."""


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

    compared: list[Compared]
    num_too_long: int
    num_unrendered: int


def examples(encoder: ChatEncoder, pairs: Iterable[Pair], max_length: int) -> Usable:
    """Return the pairs of some that can be learned from, as tokens: those of which both answers fit."""
    compared: list[Compared] = []
    counts = Counter[str]()
    for pair in pairs:
        try:
            example = encoder.compared(*pair)
        except UnrenderedError:
            counts["unrendered"] += 1
            continue
        if len(example.prompt) + max(len(example.chosen), len(example.rejected)) > max_length:
            counts["too_long"] += 1
        else:
            compared.append(example)
    return Usable(compared, counts["too_long"], counts["unrendered"])


def run(job: MethodJob) -> dict[str, float]:
    """Align the parent on preference pairs. TRL is given tokens, so that no part of it looks for control tokens in what people wrote.

    Returns:
        First and final loss (nats), mean margin of the implicit rewards and share of pairs ranked right over the last tenth of the steps,
        and how many pairs were learned from, were too long or cannot be said by the parent's chat template, and how many conversations are
        no pairs.

    Raises:
        ValueError: no conversation carries a rejected answer and fits ``max_length``.
    """
    from trl.trainer.dpo_config import DPOConfig

    config: DpoConfig = job.config
    parent = load_to_train(job.paths[PARENT], job.device)
    found = [preference_pairs(turns) for turns in conversations(job.paths[PAIRS])]
    made = examples(chat_encoder(parent.tokenizer), [pair for pairs in found for pair in pairs], config.max_length)
    num_without_pair = sum(not pairs for pairs in found)
    if not made.compared:
        raise ValueError(
            f"dpo: {len(found) - num_without_pair} of {len(found)} conversations are preference pairs and none fits {config.max_length} tokens; "
            "give conversations whose last turns are 'assistant' and 'rejected', or raise max_length"
        )
    trainer = _trainer(
        model=parent.model,
        ref_model=checkpoints.load(job.paths[PARENT], job.device).model,
        args=DPOConfig(**arguments(job, config), beta=config.beta),
        examples=made.compared,
        processing_class=parent.tokenizer,
    )
    records = train(job, config, trainer)
    last = records[-max(1, len(records) // AVERAGED_SHARE) :]
    rewards = {name: sum(row[f"rewards/{name}"] for row in last) / len(last) for name in ("margins", "accuracies")}
    counts = {
        "num_pairs": float(len(made.compared)),
        "num_too_long": float(made.num_too_long),
        "num_unrendered": float(made.num_unrendered),
        "num_without_pair": float(num_without_pair),
    }
    return {**finish(job, trainer, parent.tokenizer, records), **rewards, **counts}


def _trainer(*, examples: Sequence[Compared], **settings: Any) -> Any:
    """Return a DPO trainer on examples that are tokens already, for which TRL's own has no switch."""
    from datasets import Dataset  # pyright: ignore[reportMissingTypeStubs]
    from trl.trainer.dpo_trainer import DPOTrainer

    class TokenTrainer(DPOTrainer):
        """See `_trainer`."""

        def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
            return dataset

    rows = [{"prompt_ids": each.prompt, "chosen_ids": each.chosen, "rejected_ids": each.rejected} for each in examples]
    return TokenTrainer(**settings, train_dataset=Dataset.from_list(rows))  # pyright: ignore[reportUnknownMemberType]


SPEC = Method(name="dpo", version=2, config=DpoConfig, needs=(PARENT, PAIRS), run=run, checks=(LOSS_FELL,), reads=reads)
