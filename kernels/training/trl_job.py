"""What training through TRL's trainers has in common: arguments, live numbers, resumable checkpoints.

The trainer's own checkpoints are the resumable state. They are written into the job's scratch folder only; one counts as whole when the
marker beside it is there, which is written last. Optimizer and random state in them are torch files, read with ``weights_only``.
"""

import math
import os
import time
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from kernels import checkpoints
from kernels.documents import Turn, parse_conversation
from kernels.seeding import seed_everything
from kernels.specs import Config, ModelJob

MARKER = ".whole"
REPORT_EVERY = 2


class TrlConfig(Config):
    """What every TRL trainer is told."""

    seed: int
    """Of the order of examples."""
    num_steps: int = Field(gt=0)
    """Optimizer steps."""
    batch_size: int = Field(gt=0)
    """Examples a step."""
    learning_rate: float = Field(gt=0)
    """At the end of the warm-up; it falls linearly to zero."""
    warmup_steps: int = Field(ge=0)
    """Steps of linear warm-up."""
    max_length: int = Field(gt=0)
    """Tokens of prompt and answer together; longer examples are left out and counted."""
    precision: Literal["float32", "bfloat16"]
    """Of matrix products."""
    checkpoint_every: int = Field(gt=0)
    """Steps between resumable states."""


def arguments(job: ModelJob, config: TrlConfig) -> dict[str, Any]:
    """Return the keyword arguments that SFTConfig and DPOConfig share."""
    return {
        "output_dir": str(job.scratch / "trainer"),
        "max_steps": config.num_steps,
        "per_device_train_batch_size": config.batch_size,
        "gradient_accumulation_steps": 1,
        "learning_rate": config.learning_rate,
        "warmup_steps": config.warmup_steps,
        "lr_scheduler_type": "linear",
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
        "save_total_limit": 2,
        "report_to": "none",
        "disable_tqdm": True,
        "gradient_checkpointing": False,
        "dataloader_num_workers": 0,
        "remove_unused_columns": False,
    }


def conversations(job: ModelJob) -> list[list[Turn]]:
    """Return the conversations of the job's data, in order."""
    assert job.data is not None
    texts: list[str] = pq.read_table(job.data, columns=["text"])["text"].to_pylist()
    return [parse_conversation(text) for text in texts]


def fits(tokenizer: Any, turns: list[Turn], max_length: int) -> bool:
    """Return whether a conversation is short enough to be learned whole."""
    ids: list[int] = tokenizer(tokenizer.apply_chat_template(turns, tokenize=False), add_special_tokens=False)["input_ids"]
    return len(ids) <= max_length


def follow(job: ModelJob, config: TrlConfig) -> Any:
    """Return a callback that reports numbers, stops on a loss that is not finite, and marks checkpoints that are whole."""
    from transformers import TrainerCallback

    class Follower(TrainerCallback):
        """See `follow`."""

        def __init__(self) -> None:
            self.started = time.perf_counter()
            self.first_step = 0

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.first_step = state.global_step

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **kwargs: Any) -> None:
            if logs is None or "loss" not in logs:
                return
            if not math.isfinite(logs["loss"]):
                raise FloatingPointError(f"the loss of step {state.global_step} is {logs['loss']}; lower the learning rate or look at the data")
            if state.global_step % REPORT_EVERY == 0 or state.global_step == config.num_steps:
                speed = (state.global_step - self.first_step) * config.batch_size / (time.perf_counter() - self.started)
                numbers = {name: float(value) for name, value in logs.items() if isinstance(value, int | float)}
                job.report({**numbers, "step": state.global_step, "num_steps": config.num_steps, "examples_per_second": speed})

        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            for path in folder.iterdir():
                with path.open("rb") as stream:
                    os.fsync(stream.fileno())
            (folder / MARKER).touch()

    return Follower()


def last_checkpoint(job: ModelJob) -> str | None:
    """Return the latest whole checkpoint of an earlier try, None where there is none."""
    whole = [path.parent for path in (job.scratch / "trainer").glob(f"checkpoint-*/{MARKER}")]
    return str(max(whole, key=lambda folder: int(folder.name.rpartition("-")[2]))) if whole else None


def train(job: ModelJob, config: TrlConfig, trainer: Any) -> list[dict[str, float]]:
    """Train to the end, from the latest whole checkpoint where there is one; return the log without times, a row a step."""
    seed_everything(config.seed)
    trainer.train(resume_from_checkpoint=last_checkpoint(job))
    timed = ("_runtime", "_per_second", "total_flos", "epoch")
    return [
        {name: float(value) for name, value in row.items() if not name.endswith(timed) and isinstance(value, int | float)}
        for row in trainer.state.log_history
        if "loss" in row
    ]


def finish(job: ModelJob, trainer: Any, tokenizer: Any, records: list[dict[str, float]]) -> dict[str, float]:
    """Write checkpoint and losses; return what every summary holds."""
    checkpoints.save(trainer.model, tokenizer, job.out)
    pq.write_table(pa.Table.from_pylist(records), job.out / "losses.parquet", compression="zstd")
    return {"first_loss": records[0]["loss"], "final_loss": records[-1]["loss"]}
