"""TRL's trainers on tokens in a given order: what ours are held against in tests and benchmarks."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kernels.training.feeding.conversations import Pair, Text


class Settings(NamedTuple):
    """What both are told. AdamW without weight decay, no warm-up, gradients clipped at norm 1, the rate falls linearly to zero."""

    folder: Path
    num_steps: int
    batch_size: int
    learning_rate: float
    bfloat16: bool = False


def arguments(settings: Settings) -> dict[str, Any]:
    """Return the keyword arguments that SFTConfig and DPOConfig share."""
    return {
        "output_dir": str(settings.folder),
        "max_steps": settings.num_steps,
        "per_device_train_batch_size": settings.batch_size,
        "learning_rate": settings.learning_rate,
        "warmup_steps": 0,
        "lr_scheduler_type": "linear",
        "optim": "adamw_torch_fused",
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "max_length": None,
        "bf16": settings.bfloat16,
        "use_cpu": True,
        "logging_strategy": "steps",
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "activation_checkpointing": False,
        "remove_unused_columns": False,
    }


def sft_trainer(model: Any, tokenizer: Any, texts: Sequence[Text], settings: Settings) -> Any:
    """Return TRL's trainer on conversations, which it reads in their order."""
    from datasets import Dataset
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    rows = [{"input_ids": text.ids_n.tolist(), "completion_mask": text.is_learned_n.astype(int).tolist()} for text in texts]
    config = SFTConfig(**arguments(settings), completion_only_loss=True, packing=False)
    return _in_order(SFTTrainer)(model=model, args=config, train_dataset=Dataset.from_list(rows), processing_class=tokenizer)


def dpo_trainer(model: Any, reference: Any, tokenizer: Any, pairs: Sequence[Pair], beta: float, settings: Settings) -> Any:
    """Return TRL's trainer on preference pairs, which it reads in their order."""
    from datasets import Dataset
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer

    class OfTokens(_in_order(DPOTrainer)):
        """TRL has no switch that has it take tokens as they are."""

        def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
            return dataset

    rows = [
        {
            "prompt_ids": chosen.ids_n[~chosen.is_learned_n].tolist(),
            "chosen_ids": chosen.ids_n[chosen.is_learned_n].tolist(),
            "rejected_ids": rejected.ids_n[rejected.is_learned_n].tolist(),
        }
        for chosen, rejected in pairs
    ]
    config = DPOConfig(**arguments(settings), beta=beta)
    return OfTokens(model=model, ref_model=reference, args=config, train_dataset=Dataset.from_list(rows), processing_class=tokenizer)


def _in_order(kind: Any) -> Any:
    class InOrder(kind):
        """Reads examples in their order."""

        def _get_train_sampler(self, *args: Any, **kwargs: Any) -> Any:
            from torch.utils.data import SequentialSampler

            return SequentialSampler(self.train_dataset)

    return InOrder


def train(trainer: Any) -> list[dict[str, float]]:
    """Train to the end; return what was logged, a row a step."""
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning)  # TRL's use of Transformers
        trainer.train()
    return [row for row in trainer.state.log_history if "loss" in row]
