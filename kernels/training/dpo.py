"""Direct preference optimisation through TRL's DPOTrainer (Rafailov et al. 2023, arXiv 2305.18290). The reference is the parent."""

from typing import Any

from pydantic import Field

from kernels import checkpoints
from kernels.documents import Turn
from kernels.specs import ModelJob, ModelMethod
from kernels.training.trl_job import TrlConfig, arguments, conversations, finish, fits, follow, train


class DpoConfig(TrlConfig):
    """Preference optimisation."""

    beta: float = Field(gt=0)
    """How strongly the model is held to the reference."""


def run(job: ModelJob) -> dict[str, float]:
    """Align the parent on preference pairs.

    Raises:
        ValueError: no conversation carries a rejected answer and fits ``max_length``.
    """
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    config: DpoConfig = job.config
    parent = checkpoints.load(job.parents["parent"], job.device)
    reference = checkpoints.load(job.parents["parent"], job.device)
    pairs: list[dict[str, list[Turn]]] = []
    found = [turns for turns in conversations(job) if turns and turns[-1]["role"] == "rejected"]
    for turns in found:
        *prompt, chosen, rejected = turns
        refused = Turn(role="assistant", content=rejected["content"])
        if all(fits(parent.tokenizer, [*prompt, answer], config.max_length) for answer in (chosen, refused)):
            pairs.append({"prompt": prompt, "chosen": [chosen], "rejected": [refused]})
    if not pairs:
        raise ValueError(f"dpo: none of {len(found)} preference pairs fits {config.max_length} tokens; give conversations with a 'rejected' answer")
    trainer: Any = DPOTrainer(
        model=parent.model.train(),
        ref_model=reference.model,
        args=DPOConfig(**arguments(job, config), beta=config.beta),
        train_dataset=Dataset.from_list(pairs),
        processing_class=parent.tokenizer,
        callbacks=[follow(job, config)],
    )
    records = train(job, config, trainer)
    margins = {name.removeprefix("rewards/"): records[-1][name] for name in ("rewards/margins", "rewards/accuracies") if name in records[-1]}
    return {**finish(job, trainer, parent.tokenizer, records), **margins, "num_pairs": float(len(pairs)), "num_left_out": float(len(found) - len(pairs))}


SPEC = ModelMethod(name="dpo", version=1, config=DpoConfig, roles=("parent",), data="conversations", run=run)
