"""A model as a training handles it: losses and gradients of batches, in a precision, on a device.

The loss of a step is the mean over all labels of all of its parts, however it is parted and over however many processes: each part's sum is divided
by the count of the whole.
"""

import math
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from kernels.models.formats.fast import Trainable
from kernels.specs.objectives import IGNORED
from kernels.training.back_ends import spread_type
from kernels.training.execution.activations import ActivationMode
from kernels.training.feeding.batches import Examples
from kernels.training.feeding.feed import Batch
from kernels.training.optimization.optimizers import Optimizer, OptimizerConfig
from kernels.training.parallel.spread import Spread
from kernels.training.parallel.team import Team

LABELS_TOGETHER = 256
"""Positions are passed to the output layer in multiples of it: what is compiled for one number of them serves no other."""
MOST_LABELLED = 0.75
"""Share of positions that predict something above which choosing them costs more than it spares."""


class Setting(NamedTuple):
    """How a training computes."""

    device: str
    precision: str
    """``float32``, ``bfloat16`` or ``float16``."""
    compiled: bool
    z_loss: float
    activations: ActivationMode
    """What is kept of a forward pass: see activations.py."""


class Learner:
    """Computes on behalf of a training."""

    def __init__(self, trainable: Trainable, setting: Setting, team: Team | None = None) -> None:
        """Keep of the model what this process of a team is to hold, on its device, and have blocks compiled where that is asked."""
        import torch

        self.trainable, self.setting, self.team = trainable, setting, team or Team()
        self.told: dict[str, float] = {}
        """What the last batch told beside its loss, by name."""
        self._in_blocks = setting.compiled and setting.device == "cuda" and self.team.layout.context == 1
        self.module: Any = trainable.module.train()
        self.dtype: Any = getattr(torch, setting.precision)
        spread = spread_type(self.team.layout.back_end)
        self.spread = spread(self.module, trainable.splits, self.team, setting.device, setting.activations, compiled=setting.compiled)

    def gradients(self, batch: Batch, scale: float = 1.0) -> float:
        """Add the gradients of a batch's mean loss, times ``scale``, to those of the parameters; return the mean cross-entropy in nats.

        A batch that predicts nothing has no gradients, and 0 for its loss. Its count of labels is that of all processes (`Team.of_all`).
        """
        import torch

        divide_by = torch.tensor(max(1, batch.num_labels) / scale, device=self.setting.device)
        self.spread.begin_step()
        nats = sum(self._pass(batch.parts, divide_by), torch.zeros((), device=self.setting.device))
        (nats_of_all,) = self.team.sums([float(nats)])
        return nats_of_all / max(1, batch.num_labels)

    def _pass(self, parts: list[Examples], divide_by: Any) -> list[Any]:
        """Pass the parts of a step through the model and back; return the cross-entropy of those that this process has losses of."""
        if self.spread.pipeline is not None:

            def loss(hidden: Any, index: int) -> tuple[Any, Any]:
                return self._loss_of_hidden(hidden, self._targets(parts[index]), divide_by)

            return self.spread.pass_parts(list(map(self.reading, parts)), self.dtype, loss)
        found: list[Any] = []
        for index, part in enumerate(parts):
            with self.spread.part(is_last=index == len(parts) - 1):
                total, nats = self._loss(part, divide_by)
                if total.requires_grad:
                    self.spread.pass_back(total)
                found.append(nats)
        return found

    def nats(self, part: Examples) -> float:
        """Return the summed cross-entropy of some rows, of those positions that this process has losses of."""
        import torch

        ones = torch.ones((), device=self.setting.device)
        with self.asking():
            if self.spread.pipeline is not None:

                def loss(hidden: Any, _: int) -> tuple[Any, Any]:
                    return self._loss_of_hidden(hidden, self._targets(part), ones)

                return float(sum(self.spread.pipeline.ask(self.reading(part), self.dtype, loss)))
            _, nats = self._loss(part, ones)
        return float(nats)

    @contextmanager
    def asking(self) -> Generator[None]:
        """Compute without gradients and uncompiled meanwhile: compiling it would cost more than it spares."""
        import torch

        before, self._in_blocks = self._in_blocks, False
        try:
            with torch.no_grad(), torch.compiler.set_stance("force_eager"), self.spread.asking():
                yield
        finally:
            self._in_blocks = before

    def reading(self, part: Examples) -> Any:
        """Return rows as the model reads them now."""
        reading = reading_of(part, self.setting.device)._replace(in_blocks=self._in_blocks, told_by=self.spread.told_by)
        return self.spread.filled(reading)

    def _loss(self, part: Examples, divide_by: Any) -> tuple[Any, Any]:
        """Return the loss that gradients flow from and the summed cross-entropy."""
        return self.spread.passed(lambda: self._loss_here(part, divide_by))

    def _loss_here(self, part: Examples, divide_by: Any) -> tuple[Any, Any]:
        reading = self.reading(part)
        if self.module.output_layer() is None:
            return self._loss_of_logits(self.module.logits(reading, self.dtype).flatten(0, 1).float(), self._targets(part), divide_by)
        return self._loss_of_hidden(self.module(reading, self.dtype), self._targets(part), divide_by)

    def _targets(self, part: Examples) -> Any:
        """Return the targets of the positions whose hidden states this process has."""
        import torch

        targets_BT = torch.from_numpy(part.targets).to(self.setting.device)  # pyright: ignore[reportUnknownMemberType]
        return self.spread.own_targets(targets_BT).flatten()

    def _loss_of_hidden(self, hidden_BTD: Any, targets_N: Any, divide_by: Any) -> tuple[Any, Any]:
        from kernels.models.blocks.cross_entropy import token_loss

        hidden, targets = _labelled(hidden_BTD.flatten(0, 1), targets_N)
        weight, bias = self.module.output_layer()  # asked for only now: what is held in pieces is whole behind a pass
        return token_loss(hidden, weight, targets, divide_by, z_loss=self.setting.z_loss, bias_V=bias, compiled=self.setting.compiled)

    def _loss_of_logits(self, logits: Any, targets: Any, divide_by: Any) -> tuple[Any, Any]:
        import torch

        nats = torch.nn.functional.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="sum")
        squares = (logits.logsumexp(-1).square() * (targets != IGNORED)).sum() if self.setting.z_loss else 0.0
        return (nats + self.setting.z_loss * squares) / divide_by, nats.detach()


def num_passed(num_labels: int, num_positions: int) -> int:
    """Return how many positions are passed to the output layer."""
    size = -(-max(1, num_labels) // LABELS_TOGETHER) * LABELS_TOGETHER
    return size if size <= MOST_LABELLED * num_positions else num_positions


def _labelled(hidden_ND: Any, targets_N: Any) -> tuple[Any, Any]:
    """Return the positions that predict something, filled up to a whole number of `LABELS_TOGETHER`; all of them where few predict nothing."""
    import torch

    index = (targets_N != IGNORED).nonzero()[:, 0]
    size = num_passed(len(index), len(targets_N))
    if size == len(targets_N):
        return hidden_ND, targets_N
    chosen = torch.nn.functional.pad(targets_N[index], (0, size - len(index)), value=IGNORED)
    return hidden_ND[torch.nn.functional.pad(index, (0, size - len(index)))], chosen


def reading_of(part: Examples, device: str) -> Any:
    """Return rows as a model reads them."""
    import torch

    from kernels.models.reading import Reading

    def tensor(array: Any) -> Any:
        return None if array is None else torch.from_numpy(np.ascontiguousarray(array)).to(device)  # pyright: ignore[reportUnknownMemberType]

    return Reading(
        tensor(part.inputs_BT),
        tensor(part.segments_BT),
        tensor(part.prefix_BT),
        tensor(part.decoder_inputs_BU),
        tensor(part.decoder_segments_BU),
        tensor(part.pixels),
    )


def optimizer_of(learner: Learner, config: OptimizerConfig, weight_decay: float) -> Optimizer:
    """Return what moves what this process holds of the parameters of a model."""
    spread = learner.spread
    held = {name: shard.tensor for name, shard in spread.shards.items()}
    pieces = spread.wholes if spread.wholes.is_in_pieces else None
    return Optimizer(spread.whole_module, config, weight_decay, learner.trainable.splits, held, pieces)


def clip(spread: Spread, largest: float, scale: float) -> float:
    """Divide gradients by a loss scale, make their norm at most ``largest``, and return the norm that they had; not finite where one is not."""
    gradients = {name: shard.tensor.grad for name, shard in spread.shards.items() if shard.tensor.grad is not None}
    norm = spread.wholes.norm(gradients) / scale
    factor = min(1.0, largest / (norm + 1e-6)) / scale if math.isfinite(norm) else 1.0
    if factor != 1.0:
        for gradient in gradients.values():
            gradient.mul_(factor)
    return norm
