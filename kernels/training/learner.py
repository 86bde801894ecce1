"""A model as a training handles it: losses and gradients of batches, in a precision, on a device.

The loss of a step is the mean over all labels of all of its parts, however it is parted: each part's sum is divided by the count of the whole.
"""

import math
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from kernels.models.formats.fast import Trainable
from kernels.specs.objectives import IGNORED
from kernels.training.execution import activations
from kernels.training.execution.activations import ActivationMode
from kernels.training.execution.compilation import compile_every_shape
from kernels.training.feeding.batches import Examples
from kernels.training.feeding.feed import Batch

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

    def __init__(self, trainable: Trainable, setting: Setting) -> None:
        """Move the model to its device, and have its blocks compiled where that is asked."""
        import torch

        self.trainable, self.setting = trainable, setting
        self.told: dict[str, float] = {}
        """What the last batch told beside its loss, by name."""
        self._in_blocks = setting.compiled and setting.device == "cuda"
        self.module: Any = trainable.module.to(setting.device).train()
        self.dtype: Any = getattr(torch, setting.precision)
        activations.apply(self.module.blocks, setting.activations)
        if setting.compiled:
            compile_every_shape()
            for block in self.module.blocks:
                block.compile(dynamic=False)

    def gradients(self, batch: Batch, scale: float = 1.0) -> float:
        """Add the gradients of a batch's mean loss, times ``scale``, to those of the parameters; return the mean cross-entropy in nats.

        A batch that predicts nothing has no gradients, and 0 for its loss.
        """
        import torch

        divide_by = torch.tensor(max(1, batch.num_labels) / scale, device=self.setting.device)
        nats = torch.zeros((), device=self.setting.device)
        for part in batch.parts:
            total, of_part = self._loss(part, divide_by)
            if total.requires_grad:
                total.backward()
            nats = nats + of_part
        return float(nats) / max(1, batch.num_labels)

    def nats(self, part: Examples) -> float:
        """Return the summed cross-entropy of some rows."""
        import torch

        with self.asking():
            _, nats = self._loss(part, torch.ones((), device=self.setting.device))
        return float(nats)

    @contextmanager
    def asking(self) -> Generator[None]:
        """Compute without gradients and uncompiled meanwhile: compiling it would cost more than it spares."""
        import torch

        before, self._in_blocks = self._in_blocks, False
        try:
            with torch.no_grad(), torch.compiler.set_stance("force_eager"):
                yield
        finally:
            self._in_blocks = before

    def reading(self, part: Examples) -> Any:
        """Return rows as the model reads them now."""
        return reading_of(part, self.setting.device)._replace(in_blocks=self._in_blocks)

    def _loss(self, part: Examples, divide_by: Any) -> tuple[Any, Any]:
        """Return the loss that gradients flow from and the summed cross-entropy."""
        import torch

        from kernels.models.blocks.cross_entropy import token_loss

        reading = self.reading(part)
        targets = torch.from_numpy(part.targets).to(self.setting.device).flatten()  # pyright: ignore[reportUnknownMemberType]
        output = self.module.output_layer()
        if output is None:
            return self._loss_of_logits(self.module.logits(reading, self.dtype).flatten(0, 1).float(), targets, divide_by)
        hidden, targets = _labelled(self.module(reading, self.dtype).flatten(0, 1), targets)
        weight, bias = output
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


def clip(parameters: list[Any], largest: float, scale: float) -> float:
    """Divide gradients by a loss scale, make their norm at most ``largest``, and return the norm that they had; not finite where one is not."""
    import torch

    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = float(torch.nn.utils.get_total_norm(gradients)) / scale
    factor = min(1.0, largest / (norm + 1e-6)) / scale if math.isfinite(norm) else 1.0
    if factor != 1.0:
        for gradient in gradients:
            gradient.mul_(factor)
    return norm
