"""One seed for every source of chance in a process."""

from typing import Any

from kernels.tokens.mixtures.permutation import key_of


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch, and have torch refuse operations whose result depends on timing."""
    import random

    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)  # pyright: ignore[reportUnknownMemberType]
    torch.use_deterministic_algorithms(True)
    deterministic: Any = torch.utils.deterministic  # a module whose property the type checker does not see
    deterministic.fill_uninitialized_memory = False  # costs a quarter of a step, and nothing reads such memory


def seed_step(seed: int, step: int) -> None:
    """Have what a step draws, such as what is dropped out, follow from its number: a training that goes on after a kill draws the same.

    It is the same in all processes: what is dropped of a row follows from the row too (kernels/models/blocks/dropping.py).
    """
    import torch

    torch.manual_seed(key_of("step", seed, step) % 2**63)  # pyright: ignore[reportUnknownMemberType]
