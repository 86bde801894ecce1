"""Next-token prediction over a packed mixture, resumable bit for bit.

Attention and loss stay inside a document: positions start anew with each, and the mask is causal within a segment only. AdamW (Loshchilov
and Hutter 2019, arXiv 1711.05101), linear warm-up, cosine decay, gradients clipped by norm.
"""

import math
import time
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from kernels.specs.config import Config, fault_of_key
from kernels.specs.methods import MethodJob
from kernels.tokens.mixture_index import read_index
from kernels.tokens.order import Order
from kernels.tokens.packing import PADDING_SEGMENT
from kernels.training.losses import write_losses
from kernels.training.resume import TrainingState, load_state, save_state

REPORT_EVERY = 5
IGNORED = -100


class NextTokenConfig(Config):
    """For how long a model is trained, and how fast it learns."""

    seed: int
    """Of weights where they are drawn. The order of sequences is the mixture's own."""
    num_steps: int = Field(gt=0)
    """Optimizer steps."""
    batch_size: int = Field(gt=0)
    """Sequences a step."""
    learning_rate: float = Field(gt=0)
    """At the end of the warm-up."""
    warmup_steps: int = Field(ge=0)
    """Steps of linear warm-up."""
    min_learning_rate_ratio: float = Field(ge=0, le=1)
    """Share of the learning rate that the cosine ends at."""
    weight_decay: float = Field(ge=0)
    """Of matrices; norms and embeddings are not decayed."""
    gradient_clip: float = Field(gt=0)
    """Largest norm of the gradient."""
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.9, 0.95)
    """AdamW's decay rates (Touvron et al. 2023, arXiv 2302.13971)."""
    precision: Literal["float32", "bfloat16"]
    """Of matrix products; weights and optimizer state are float32."""
    validate_every: int = Field(gt=0)
    """Steps between validations; the last step is always validated."""
    max_validation_sequences: int = Field(gt=0)
    """Sequences of the validation split that are looked at."""
    checkpoint_every: int = Field(gt=0)
    """Steps between resumable states."""

    @model_validator(mode="after")
    def _warms_up_in_time(self) -> Self:
        if self.warmup_steps > self.num_steps:
            raise fault_of_key(
                "warmup_steps", f"{self.warmup_steps} is more than num_steps, {self.num_steps}, so that the warm-up never ends; lower it"
            )
        return self


class _Rows(NamedTuple):
    """One split: token ids and segments, [N, T] each, memory-mapped."""

    tokens: NDArray[np.integer[Any]]
    segments: NDArray[np.uint16]


def _open(folder: Path, split: str) -> _Rows:
    arrays = (np.load(folder / f"{split}_{name}.npy", mmap_mode="r", allow_pickle=False) for name in ("tokens", "segments"))
    return _Rows(*arrays)


def sequence_length(mixture: Path) -> int:
    """Return how many tokens the rows of a mixture have."""
    return _open(mixture, "train").tokens.shape[1]


def learning_rate_at(step: int, config: NextTokenConfig) -> float:
    """Return the learning rate of a step, counted from 0."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    progress = (step - config.warmup_steps) / max(1, config.num_steps - config.warmup_steps)
    floor = config.learning_rate * config.min_learning_rate_ratio
    return floor + (config.learning_rate - floor) * 0.5 * (1 + math.cos(math.pi * progress))


def batch_of(rows: _Rows, indices: list[int], device: str) -> dict[str, Any]:
    """Return tokens, labels and positions [B, T] and the mask [B, 1, T, T] that keeps documents apart."""
    import torch

    tokens_BT = torch.from_numpy(rows.tokens[indices].astype(np.int64))  # pyright: ignore[reportUnknownMemberType]
    segments_BT = torch.from_numpy(rows.segments[indices].astype(np.int64))  # pyright: ignore[reportUnknownMemberType]
    num_positions = tokens_BT.shape[1]
    index_T = torch.arange(num_positions)
    starts_BT = torch.ones_like(segments_BT, dtype=torch.bool)
    starts_BT[:, 1:] = segments_BT[:, 1:] != segments_BT[:, :-1]
    positions_BT = index_T - torch.where(starts_BT, index_T, 0).cummax(dim=1).values
    labels_BT = tokens_BT.masked_fill(starts_BT | (segments_BT == PADDING_SEGMENT), IGNORED)
    mask_BTT = (segments_BT[:, :, None] == segments_BT[:, None, :]) & (index_T[:, None] >= index_T[None, :])
    batch = {"input_ids": tokens_BT, "labels": labels_BT, "position_ids": positions_BT, "attention_mask": mask_BTT[:, None]}
    return {name: tensor.to(device) for name, tensor in batch.items()}


def _loss(model: Any, batch: dict[str, Any], precision: str, device: str) -> Any:
    """Return the mean loss of the predicted tokens, in nats; a token is predicted from the position before it."""
    import torch

    with torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
        inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
        logits_BTV = model(**inputs, use_cache=False).logits
    return torch.nn.functional.cross_entropy(logits_BTV[:, :-1].flatten(0, 1).float(), batch["labels"][:, 1:].flatten(), ignore_index=IGNORED)


def _validation_loss(model: Any, rows: _Rows, config: NextTokenConfig, device: str) -> float | None:
    """Return the mean loss over all predicted tokens of the validation sequences, however they are batched; None where there are none."""
    import torch

    count = min(len(rows.tokens), config.max_validation_sequences)
    if not count:
        return None
    model.eval()
    total, num_labels = 0.0, 0
    with torch.inference_mode():
        for start in range(0, count, config.batch_size):
            batch = batch_of(rows, list(range(start, min(count, start + config.batch_size))), device)
            count_of_batch = int((batch["labels"][:, 1:] != IGNORED).sum())
            if count_of_batch:
                total += float(_loss(model, batch, config.precision, device)) * count_of_batch
                num_labels += count_of_batch
    model.train()
    return total / num_labels if num_labels else None


def _optimizer(model: Any, config: NextTokenConfig) -> Any:
    import torch

    decayed = [p for name, p in model.named_parameters() if p.ndim >= 2 and "embed" not in name and "lm_head" not in name]
    chosen = {id(p) for p in decayed}
    rest = [p for p in model.parameters() if id(p) not in chosen]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": rest, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=config.betas, fused=True)


def _pack_state(model: Any, optimizer: Any) -> dict[str, Any]:
    """Return model and optimizer as flat tensors by name; tied weights stand once."""
    tensors: dict[str, Any] = {f"model.{name}": parameter.detach() for name, parameter in model.named_parameters()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": value for name, value in state.items()}
    return tensors


def _unpack_state(model: Any, optimizer: Any, tensors: dict[str, Any]) -> None:
    import torch

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(tensors[f"model.{name}"])
    state: dict[int, dict[str, Any]] = {}
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            _, index, name = key.split(".", 2)
            state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def train_and_save(job: MethodJob, config: NextTokenConfig, mixture: Path, model: Any, tokenizer: Any) -> dict[str, float]:
    """Train a model over a mixture, or on from the state that a killed run left in ``job.scratch``; write the checkpoint and return its summary.

    Raises:
        FloatingPointError: the loss is not finite (names the step).
        ValueError: so many steps read a source of the mixture more often than it allows (says what may be done).
    """
    from kernels.models.formats import checkpoints

    model.to(job.device).train()
    records, speed = _train(job, config, mixture, model)
    checkpoints.save(model, tokenizer, job.out)
    write_losses(records, job.out)
    summary = {
        "num_train_tokens": float(config.num_steps * config.batch_size * _open(mixture, "train").tokens.shape[1]),
        "num_parameters": float(sum(parameter.numel() for parameter in model.parameters())),
        "first_loss": float(records[0]["loss"] or 0),
        "final_loss": float(records[-1]["loss"] or 0),
        "tokens_per_second": speed,
    }
    final = records[-1]["validation_loss"]
    return summary if final is None else {**summary, "validation_loss": float(final)}


def _train(job: MethodJob, config: NextTokenConfig, mixture: Path, model: Any) -> tuple[list[dict[str, float | None]], float]:
    """Run the steps that are left; return all records and the tokens a second of this run."""
    order = Order(read_index(mixture), config.num_steps * config.batch_size)
    rows, validation = _open(mixture, "train"), _open(mixture, "validation")
    optimizer = _optimizer(model, config)
    records: list[dict[str, float | None]] = []
    first = 0
    state = load_state(job.scratch, job.say)
    if state is not None:
        _unpack_state(model, optimizer, state.tensors)
        records, first = list(state.records), state.step
    started = time.perf_counter()
    num_tokens = 0
    speed = 0.0
    for step in range(first, config.num_steps):
        batch = batch_of(rows, order.rows(step * config.batch_size, config.batch_size).tolist(), job.device)
        record = _step(step, config, model, optimizer, batch, job.device)
        num_tokens += batch["input_ids"].numel()
        done = step + 1
        last = done == config.num_steps
        record["validation_loss"] = _validation_loss(model, validation, config, job.device) if last or done % config.validate_every == 0 else None
        records.append(record)
        if done % REPORT_EVERY == 0 or last:
            speed = num_tokens / (time.perf_counter() - started)
            numbers = {name: value for name, value in record.items() if value is not None}
            job.report({**numbers, "num_steps": config.num_steps, "tokens_per_second": speed})
        if done % config.checkpoint_every == 0 and not last:
            save_state(job.scratch, TrainingState(done, _pack_state(model, optimizer), records))
    return records, speed


def _step(step: int, config: NextTokenConfig, model: Any, optimizer: Any, batch: dict[str, Any], device: str) -> dict[str, float | None]:
    """Take one optimizer step and return its record."""
    import torch

    rate = learning_rate_at(step, config)
    for group in optimizer.param_groups:
        group["lr"] = rate
    loss = _loss(model, batch, config.precision, device)
    value = float(loss.detach())
    if not math.isfinite(value):
        raise FloatingPointError(f"the loss of step {step + 1} is {value}; lower the learning rate or look at the data")
    loss.backward()
    norm = float(torch.nn.utils.clip_grad_norm_(model.parameters(), config.gradient_clip))
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return {"step": float(step + 1), "loss": value, "learning_rate": rate, "gradient_norm": norm}
