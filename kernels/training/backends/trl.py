"""What training through TRL's trainers has in common: arguments, live numbers, resumable checkpoints.

The trainer's own checkpoints are the resumable states, sealed and chosen as those of any other loop (resume.py) and written into the job's
scratch folder only. Weights in them are safetensors; optimizer, schedule and random state are torch files, which the trainer reads back with
``weights_only=True``, so that they cannot run code.
"""

import math
import time
import warnings
from pathlib import Path
from typing import Any, Literal, Self

import pyarrow.parquet as pq
from pydantic import Field, model_validator

from kernels.documents.conversations import turns_of
from kernels.models.formats import checkpoints
from kernels.specs.config import Config, fault_of_key
from kernels.specs.methods import MethodJob
from kernels.specs.needs import Parent
from kernels.specs.turns import Turn
from kernels.training.execution.seeding import seed_everything
from kernels.training.logs.losses import write_losses
from kernels.training.states.resume import newest_intact, seal

PARENT = Parent("parent")
MAX_SEED = 1 << 32
"""NumPy's old generator, which Transformers seeds, takes no more."""
STATES = "trainer"
"""Folder of the scratch folder that the trainer writes to."""
REPORT_EVERY = 2
NOT_LOGGED = ("total_flos", "epoch", "num_tokens")
"""Left out of the losses: the count of tokens starts anew in a resumed run."""


class TrlConfig(Config):
    """What every TRL trainer is told. The optimizer is AdamW without weight decay, gradients clipped at norm 1."""

    seed: int
    """Of the order of examples."""
    num_steps: int = Field(gt=0)
    """Optimizer steps."""
    batch_size: int = Field(gt=0)
    """Examples a step."""
    learning_rate: float = Field(gt=0)
    """At the end of the warm-up; it falls linearly to zero."""
    warmup_steps: int = Field(ge=0)
    """Steps of linear warm-up from zero."""
    max_length: int = Field(gt=0)
    """Tokens of prompt and answer together; longer examples are left out and counted."""
    precision: Literal["float32", "bfloat16"]
    """Of matrix products."""
    checkpoint_every: int = Field(gt=0)
    """Steps between resumable states."""

    @model_validator(mode="after")
    def _is_accepted_by_the_trainer(self) -> Self:
        if self.warmup_steps > self.num_steps:
            raise fault_of_key(
                "warmup_steps", f"{self.warmup_steps} is more than num_steps, {self.num_steps}, so that the warm-up never ends; lower it"
            )
        if self.seed >= MAX_SEED:
            raise fault_of_key("seed", f"{self.seed} is no seed for the trainer; give a number below 2**32")
        return self


def reads(config: TrlConfig) -> tuple[str, int]:
    """Return the key that bounds an example, and how many tokens it may have."""
    return "max_length", config.max_length


def arguments(job: MethodJob, config: TrlConfig) -> dict[str, Any]:
    """Return the keyword arguments that SFTConfig and DPOConfig share."""
    return {
        "output_dir": str(job.scratch / STATES),
        "max_steps": config.num_steps,
        "per_device_train_batch_size": config.batch_size,
        "gradient_accumulation_steps": 1,
        "learning_rate": config.learning_rate,
        "warmup_steps": config.warmup_steps,
        "lr_scheduler_type": "linear",
        "optim": "adamw_torch_fused",
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "max_length": config.max_length,
        "bf16": config.precision == "bfloat16",
        "use_cpu": job.device == "cpu",
        "seed": config.seed,
        "data_seed": config.seed,
        "logging_strategy": "steps",
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "save_strategy": "steps",
        "save_steps": config.checkpoint_every,
        "report_to": "none",
        "disable_tqdm": True,
        "activation_checkpointing": False,
        "dataloader_num_workers": 0,
        "remove_unused_columns": False,
    }


def conversations(examples: Path) -> list[list[Turn]]:
    """Return the conversations of a Parquet file of documents, in order; a document that is none has no turns."""
    column = pq.read_table(examples, partitioning=None, columns=["turns"])["turns"]  # pyright: ignore[reportUnknownMemberType]
    return [turns or [] for turns in turns_of(column)]


def follow(job: MethodJob, config: TrlConfig) -> Any:
    """Return a callback that reports numbers, stops on a loss that is not finite, and seals checkpoints."""
    from transformers import TrainerCallback

    class Follower(TrainerCallback):
        """See `follow`."""

        started: float

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.started = time.perf_counter()

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
            if logs is None or "loss" not in logs:
                return
            if not math.isfinite(logs["loss"]):
                raise FloatingPointError(f"the loss of step {state.global_step} is {logs['loss']}; lower the learning rate or look at the data")
            if state.global_step % REPORT_EVERY == 0 or state.global_step == config.num_steps:
                speed = logs["num_tokens"] / (time.perf_counter() - self.started)
                job.report({**_numbers(logs), "step": state.global_step, "num_steps": config.num_steps, "tokens_per_second": speed})

        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            seal(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    return Follower()


def _numbers(logs: dict[str, Any]) -> dict[str, float]:
    """Return the numbers of a log by name, sorted as those read back from a checkpoint are."""
    return {name: float(value) for name, value in sorted(logs.items()) if name not in NOT_LOGGED and isinstance(value, int | float)}


def train(job: MethodJob, config: TrlConfig, trainer: Any) -> list[dict[str, float]]:
    """Train to the end, from the newest intact checkpoint where there is one; return the log without times, a row a step."""
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(follow(job, config))
    seed_everything(config.seed)
    state = newest_intact(job.scratch / STATES, job.say)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning)  # TRL's use of Transformers
        trainer.train(resume_from_checkpoint=str(state) if state else None)
    return [_numbers(row) for row in trainer.state.log_history if "loss" in row]


def finish(job: MethodJob, trainer: Any, tokenizer: Any, records: list[dict[str, float]]) -> dict[str, float]:
    """Write checkpoint and losses; return what every summary holds."""
    checkpoints.save(trainer.model, tokenizer, job.out)
    write_losses(records, job.out)
    return {"first_loss": records[0]["loss"], "final_loss": records[-1]["loss"]}
