"""Direct preference optimisation through TRL's DPOTrainer (Rafailov et al. 2023, arXiv 2305.18290). The reference is the parent."""

from typing import Any, NamedTuple

from pydantic import Field

from kernels.documents.conversations import Turn
from kernels.models.formats import checkpoints
from kernels.specs.methods import Method, MethodJob
from kernels.specs.needs import Examples
from kernels.training.backends.trl import PARENT, TrlConfig, arguments, conversations, finish, fits, parent_to_train, reads, train
from kernels.training.losses import LOSS_FELL

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


def preference_pair(turns: list[Turn]) -> Pair | None:
    """Return the pair that a conversation ends in, None where it does not."""
    if [turn["role"] for turn in turns[-2:]] != ["assistant", "rejected"] or len(turns) < 3:
        return None
    return Pair(turns[:-2], turns[-2], Turn(role="assistant", content=turns[-1]["content"]))


def run(job: MethodJob) -> dict[str, float]:
    """Align the parent on preference pairs.

    Returns:
        First and final loss (nats), mean margin of the implicit rewards and share of pairs ranked right over the last tenth of the steps,
        and how many pairs were learned from, were too long, and how many conversations are no pairs.

    Raises:
        ValueError: no conversation carries a rejected answer and fits ``max_length``.
    """
    from datasets import Dataset  # pyright: ignore[reportMissingTypeStubs]
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer

    config: DpoConfig = job.config
    parent = parent_to_train(job)
    found = conversations(job.paths[PAIRS])
    pairs = [pair for pair in map(preference_pair, found) if pair]
    kept = [pair for pair in pairs if all(fits(parent.tokenizer, [*pair.prompt, answer], config.max_length) for answer in pair[1:])]
    if not kept:
        raise ValueError(
            f"dpo: {len(pairs)} of {len(found)} conversations are preference pairs and none fits {config.max_length} tokens; "
            "give conversations whose last turns are 'assistant' and 'rejected', or raise max_length"
        )
    examples = [{"prompt": pair.prompt, "chosen": [pair.chosen], "rejected": [pair.rejected]} for pair in kept]
    trainer: Any = DPOTrainer(
        model=parent.model,
        ref_model=checkpoints.load(job.paths[PARENT], job.device).model,
        args=DPOConfig(**arguments(job, config), beta=config.beta),
        train_dataset=Dataset.from_list(examples),  # pyright: ignore[reportUnknownMemberType]
        processing_class=parent.tokenizer,
    )
    records = train(job, config, trainer)
    last = records[-max(1, len(records) // AVERAGED_SHARE) :]
    rewards = {name: sum(row[f"rewards/{name}"] for row in last) / len(last) for name in ("margins", "accuracies")}
    counts = {"num_pairs": float(len(kept)), "num_too_long": float(len(pairs) - len(kept)), "num_without_pair": float(len(found) - len(pairs))}
    return {**finish(job, trainer, parent.tokenizer, records), **rewards, **counts}


SPEC = Method(name="dpo", version=1, config=DpoConfig, needs=(PARENT, PAIRS), run=run, checks=(LOSS_FELL,), reads=reads)
