"""Supervised fine-tuning on conversations through TRL's SFTTrainer: the loss is on the last answer only (Ouyang et al. 2022, arXiv 2203.02155)."""

from typing import Any

from kernels import checkpoints
from kernels.documents import Turn
from kernels.specs import ModelJob, ModelMethod
from kernels.training.trl_job import TrlConfig, arguments, conversations, finish, fits, follow, train


class SftConfig(TrlConfig):
    """Supervised fine-tuning."""


def run(job: ModelJob) -> dict[str, float]:
    """Fine-tune the parent.

    Raises:
        ValueError: no conversation ends in an answer and fits ``max_length``.
    """
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    config: SftConfig = job.config
    parent = checkpoints.load(job.parents["parent"], job.device)
    examples: list[dict[str, list[Turn]]] = []
    found = conversations(job)
    for turns in found:
        told = [turn for turn in turns if turn["role"] != "rejected"]
        if told and told[-1]["role"] == "assistant" and fits(parent.tokenizer, told, config.max_length):
            examples.append({"prompt": told[:-1], "completion": told[-1:]})
    if not examples:
        raise ValueError(f"sft: none of {len(found)} conversations ends in an answer within {config.max_length} tokens; raise max_length or mend the data")
    trainer: Any = SFTTrainer(
        model=parent.model.train(),
        args=SFTConfig(**arguments(job, config), completion_only_loss=True, packing=False),
        train_dataset=Dataset.from_list(examples),
        processing_class=parent.tokenizer,
        callbacks=[follow(job, config)],
    )
    records = train(job, config, trainer)
    counts = {"num_conversations": float(len(examples)), "num_left_out": float(len(found) - len(examples))}
    return {**finish(job, trainer, parent.tokenizer, records), **counts}


SPEC = ModelMethod(name="sft", version=1, config=SftConfig, roles=("parent",), data="conversations", run=run)
