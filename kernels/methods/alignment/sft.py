"""Supervised fine-tuning on conversations through TRL's SFTTrainer: the loss is on the last answer only (Ouyang et al. 2022, arXiv 2203.02155)."""

from typing import Any

from kernels.documents.conversations import Turn
from kernels.specs.methods import Method, MethodJob
from kernels.specs.needs import Examples
from kernels.training.backends.trl import PARENT, TrlConfig, arguments, conversations, finish, fits, parent_to_train, reads, train
from kernels.training.losses import LOSS_FELL

CONVERSATIONS = Examples("conversations")


class SftConfig(TrlConfig):
    """Supervised fine-tuning."""


def run(job: MethodJob) -> dict[str, float]:
    """Fine-tune the parent; the chosen answer of a preference pair is an answer like any other.

    Returns:
        First and final loss (nats a token of the answers), and how many conversations were learned from, were too long, or do not end
        in an answer to something.

    Raises:
        ValueError: no conversation ends in an answer and fits ``max_length``.
    """
    from datasets import Dataset  # pyright: ignore[reportMissingTypeStubs]
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    config: SftConfig = job.config
    parent = parent_to_train(job)
    found = [[turn for turn in turns if turn["role"] != "rejected"] for turns in conversations(job.paths[CONVERSATIONS])]
    answered = [turns for turns in found if len(turns) > 1 and turns[-1]["role"] == "assistant"]
    kept = [turns for turns in answered if fits(parent.tokenizer, turns, config.max_length)]
    if not kept:
        raise ValueError(
            f"sft: none of {len(found)} conversations ends in an answer within {config.max_length} tokens; raise max_length or mend the data"
        )
    examples: list[dict[str, list[Turn]]] = [{"prompt": turns[:-1], "completion": turns[-1:]} for turns in kept]
    trainer: Any = SFTTrainer(
        model=parent.model,
        args=SFTConfig(**arguments(job, config), completion_only_loss=True, packing=False),
        train_dataset=Dataset.from_list(examples),  # pyright: ignore[reportUnknownMemberType]
        processing_class=parent.tokenizer,
    )
    records = train(job, config, trainer)
    counts = {
        "num_conversations": float(len(kept)),
        "num_too_long": float(len(answered) - len(kept)),
        "num_without_answer": float(len(found) - len(answered)),
    }
    return {**finish(job, trainer, parent.tokenizer, records), **counts}


SPEC = Method(name="sft", version=1, config=SftConfig, needs=(PARENT, CONVERSATIONS), run=run, checks=(LOSS_FELL,), reads=reads)
