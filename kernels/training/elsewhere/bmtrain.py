"""BMTrain with ModelCenter's Llama (OpenBMB): settings for a training of ours, and a script that trains by them (bmtrain_script.py).

What they can do is that of bmtrain 1.0.1 and model-center 1.0.2: one key head a query head, rotary positions of base 10,000, all weights in pieces
over all processes. Their import asks for NCCL.
"""

import json
from pathlib import Path
from typing import Any

from kernels.training.course.schedules import learning_rate_at
from kernels.training.elsewhere.launch import Asked, Launch, Place, common_faults, refuse, torchrun

SCRIPT = Path(__file__).with_name("bmtrain_script.py")
THETA = 10_000.0
EXACT_IN_HALF = 2048
"""Positions that float16 tells apart."""
FIRST_LOSS_SCALE = 2.0**16
NEEDS = ("CUDA", "bmtrain", "model_center")
NOTES = (
    "Documents that share a row see each other.",
    "Activations are computed again in the backward pass, whatever activation_checkpointing says.",
    "Nothing is held out while it trains, and a training that ends early begins again.",
    "A step whose loss or gradient is far off is taken like any other; samples and tensor statistics are left out.",
)


def describe(asked: Asked, place: Place) -> Launch:
    """Return how BMTrain is started.

    Raises:
        ValueError: it cannot do what is asked (says what, and what can be done).
    """
    refuse(_faults(asked), "BMTrain")
    settings = json.dumps(_settings(asked, place), indent=1)
    files = {"training.json": settings, "train.py": SCRIPT.read_text(encoding="utf-8")}
    return Launch((*torchrun(asked), "train.py"), {}, files, NEEDS, NOTES)


def _faults(asked: Asked) -> dict[str, bool]:
    stack, layout, config = asked.stack, asked.layout, asked.config
    return {
        **common_faults(asked),
        f"{stack.num_kv_heads} key heads serve {stack.num_heads}; take as many num_kv_heads as num_heads": stack.num_kv_heads != stack.num_heads,
        f"rope_theta is {stack.theta:g}; take 10000": stack.theta != THETA,
        "precision bfloat16 tells no more than 256 positions apart there; take float32 or float16": config.precision == "bfloat16",
        f"precision float16 tells no more than {EXACT_IN_HALF} positions apart there; take float32 or shorter rows": (
            config.precision == "float16" and asked.row_length > EXACT_IN_HALF
        ),
        "'tensor', 'context' and 'pipeline' are not of ModelCenter's Llama; take zero: 3": layout.num_copies < layout.processes,
        "weights are in pieces there; take zero: 3": layout.processes > 1 and layout.zero != 3,
        "'shard' is ours; leave it out": layout.shard is not None and layout.shard != layout.num_copies,
        "offload is ours; leave it out": layout.offload != "none",
    }


def _settings(asked: Asked, place: Place) -> dict[str, Any]:
    stack, config = asked.stack, asked.config
    course = config.course(asked.horizon.num_steps, asked.rates.learning_rate)
    half = config.precision == "float16"
    return {
        "model": {
            "vocab_size": stack.vocab_size,
            "dim_model": stack.width,
            "num_heads": stack.num_heads,
            "dim_head": stack.head_width,
            "dim_ff": stack.inner_width,
            "num_layers": stack.num_layers,
            "norm_eps": stack.eps,
            "tied": stack.tied,
            "half": half,
        },
        "start": place.start,
        "seed": config.seed,
        "rates": [learning_rate_at(step, course) for step in range(asked.horizon.last_step)],
        "betas": list(config.betas),
        "weight_decay": asked.rates.weight_decay,
        "gradient_clip": config.gradient_clip,
        "micro_batch_size": min(config.micro_batch_size or asked.rows_of_each, asked.rows_of_each),
        "loss_scale": FIRST_LOSS_SCALE if half else None,
        "checkpoint_every": config.checkpoint_every,
    }
