"""What is looked at before the first step: a fault found there costs a minute, one found after a night a night."""

import math
from typing import Any, NamedTuple

from kernels.training.feeding.feed import Batch
from kernels.training.learner import Learner
from kernels.training.logs.speed import peak_host_bytes


class Flight(NamedTuple):
    """What a dry run of the first batch told."""

    loss: float
    """In nats a label, of the weights as they begin."""
    peak_memory_bytes: int
    """Of the process, or on a GPU of the device."""


def check(learner: Learner, batch: Batch) -> Flight:
    """Pass the first batch forwards and backwards, move nothing, and return what it told.

    Raises:
        ValueError: gradients were there before, tied matrices are two, the loss is not finite, or a parameter has no gradient (names it).
    """
    parameters = {name: parameter for name, parameter in learner.module.named_parameters() if parameter.requires_grad}
    if marked := next((name for name, parameter in parameters.items() if parameter.grad is not None), None):
        raise ValueError(f"parameter {marked} has a gradient before the first step; nothing may have been traced backwards yet")
    _check_ties(learner)
    loss = learner.gradients(batch)
    if not math.isfinite(loss):
        raise ValueError(f"the loss of the first batch is {loss} before the first step; the weights that training begins from are damaged")
    if batch.num_labels and (untouched := [name for name, parameter in parameters.items() if parameter.grad is None]):
        raise ValueError(f"the loss does not depend on {untouched[0]} ({len(untouched)} parameters have no gradient), so that they would never learn")
    for parameter in parameters.values():
        parameter.grad = None
    return Flight(loss, peak_memory_bytes(learner.setting.device))


def peak_memory_bytes(device: str) -> int:
    """Return the most memory that this process has held, or on a GPU the most that its tensors did."""
    if device == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated())
    return peak_host_bytes()


def _check_ties(learner: Learner) -> None:
    """Raise ValueError where a config ties input and output embeddings and the module does not."""
    model: Any = getattr(learner.module, "model", None)
    if learner.trainable.is_own or model is None or not learner.trainable.shape.tie_word_embeddings:
        return
    if model.get_input_embeddings().weight is not model.get_output_embeddings().weight:
        raise ValueError("the config ties input and output embeddings, and the model has two of them, which would part as they learn")
