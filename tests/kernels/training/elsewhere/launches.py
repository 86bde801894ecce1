"""Trainings laid out for trainers that run elsewhere."""

from typing import Any

from kernels.models.blocks.decoder import DecoderShape
from kernels.specs.layout import Layout
from kernels.training.config import TrainingConfig
from kernels.training.course.horizon import Horizon
from kernels.training.elsewhere.launch import Asked
from kernels.training.outline import Rates

STACK = DecoderShape(
    vocab_size=300,
    width=64,
    num_layers=8,
    num_heads=8,
    num_kv_heads=4,
    head_width=8,
    inner_width=128,
    max_positions=128,
    tied=False,
    positions="rope",
    theta=10_000.0,
    eps=1e-6,
    attention="causal",
)


def asked(layout: Layout | None = None, stack: DecoderShape = STACK, objective: str = "next_token", **changes: Any) -> Asked:
    settings: dict[str, Any] = {
        "seed": 7,
        "num_steps": 20,
        "batch_size": 16,
        "learning_rate": 0.01,
        "warmup_steps": 4,
        "min_learning_rate_ratio": 0.1,
        "weight_decay": 0.1,
        "gradient_clip": 1.0,
        "precision": "bfloat16",
        "validate_every": 10,
        "max_validation_sequences": 40,
        "checkpoint_every": 5,
        **changes,
    }
    config = TrainingConfig(**settings)
    horizon = Horizon(20, config.stop_after_steps or 20, 20 * 16 * 64, "")
    return Asked(stack, config, objective, Rates(0.01, 16, 0.1, []), horizon, 64, 40, layout or Layout())
