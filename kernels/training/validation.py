"""What a model is measured by while it trains: the loss on rows that it is never trained on, and what it says."""

import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from kernels.specs.objectives import IGNORED
from kernels.training.feeding.batches import Examples, Transform, prepare_rows
from kernels.training.feeding.feed import open_split
from kernels.training.learner import Learner


class Measured(NamedTuple):
    """Loss on the validation split."""

    nats_per_token: float
    bits_per_byte: float | None
    """Of the tokens that are predicted; None where an objective predicts otherwise than a text is read, token by token."""
    told: Mapping[str, float] = MappingProxyType({})
    """What else was measured, by name."""


class PreparedValidation:
    """Rows that are never trained on, prepared the same way each time."""

    def __init__(self, parts: list[Examples], bytes_of_token: Any) -> None:
        """Take the rows. ``bytes_of_token`` [V], None where bits a byte say nothing of what is predicted."""
        self.parts = parts
        self._bytes: Any = bytes_of_token

    @property
    def num_labels(self) -> int:
        """Tokens that are predicted."""
        return sum(int((part.targets != IGNORED).sum()) for part in self.parts)

    def measure(self, learner: Learner) -> Measured | None:
        """Return the mean loss over all labels, however rows are batched and shared; None where there is none."""
        num_labels = self.num_labels
        if not num_labels:
            return None
        learner.module.eval()
        found = [(learner.nats(self.parts[index]), counts) for index, counts in learner.team.share.turns(len(self.parts))]
        learner.module.train()
        (nats,) = learner.team.sums([sum(nats for nats, counts in found if counts)])
        if self._bytes is None:
            return Measured(nats / num_labels, None)
        num_bytes = sum(int(self._bytes[part.targets[part.targets != IGNORED]].sum()) for part in self.parts)
        return Measured(nats / num_labels, nats / math.log(2) / max(1, num_bytes))


class Validation(PreparedValidation):
    """The validation rows of a mixture."""

    def __init__(self, mixture: Path, transform: Transform, seed: int, most: int, batch_size: int, bytes_of_token: Any) -> None:
        """Take the first ``most`` rows. ``bytes_of_token`` [V], None where bits a byte say nothing of the objective."""
        split = open_split(mixture, "validation")
        count = min(len(split.tokens), most)
        parts = [
            prepare_rows(split.tokens[start:end], split.segments[start:end], range(start, end), seed, transform)
            for start in range(0, count, batch_size)
            for end in (min(count, start + batch_size),)
        ]
        super().__init__(parts, bytes_of_token)
