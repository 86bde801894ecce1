"""Next-token prediction: each token from those before it in its document (Radford et al. 2019)."""

from typing import Any

import numpy as np

from kernels.specs.config import Config
from kernels.specs.objectives import ControlTokens, Example, Objective, Row
from kernels.training.objectives.row_documents import next_tokens


class NextTokenConfig(Config):
    """Each token is predicted from those before it."""


def lacks(config: NextTokenConfig, control: ControlTokens) -> str | None:
    """Return None: no control token is written."""
    return None


def lengths(config: NextTokenConfig, row_length: int, max_documents: int) -> tuple[int, int]:
    """Return the length of rows, which stay as they are."""
    return row_length, 0


def prepare(row: Row, random: np.random.Generator, control: ControlTokens, config: Any, lengths: tuple[int, int]) -> Example:
    """Return a row and the token behind each; the first of a document, which stands before its text, is not predicted."""
    return Example(inputs=row, targets=next_tokens(row))


SPEC = Objective(
    name="next_token",
    version=1,
    config=NextTokenConfig,
    attention=lambda config: "causal",
    lacks=lacks,
    lengths=lengths,
    prepare=prepare,
    loss_is_of_text=True,
)
