"""What is looked at before the first step: a fault found there costs a minute, one found after a night a night.

A step of each stage of batch sizes and lengths is passed forwards and backwards, and nothing is moved: the longest rows and the most of them find
room, or training ends before it begins. What a step draws is seeded by its number, so that the training is bit for bit what it is without.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

from kernels.models.formats.fast import counts_of
from kernels.training.config import TrainingConfig
from kernels.training.costs.hardware import memory_bytes
from kernels.training.costs.memory import Device, Held, Step, training_memory
from kernels.training.feeding.batches import Examples
from kernels.training.feeding.feed import Batch
from kernels.training.learner import Learner
from kernels.training.logs.speed import peak_host_bytes
from kernels.training.optimization.averaging import num_averages

DRY_RUN = "dry run before the first step"
"""What a dry run tells begins with it."""
_GIGABYTE = 1e9
_PLAINLY = 1.1
"""How many times the memory that is there what is told must be, to be refused untried: it is told to a tenth."""
_REMEDY = "lower micro_batch_size, or set activation_checkpointing to 'selective' or 'full'"


def check(learner: Learner, config: TrainingConfig, batches: Iterable[tuple[int, Batch]], say: Callable[[str], None]) -> None:
    """Pass steps, with their numbers counted from 1, forwards and backwards, move nothing, and say what memory that took at most.

    Raises:
        ValueError: gradients were there before, tied matrices are two, memory is lacking, a loss is not finite, or a parameter has no gradient
            behind all steps (names it).
    """
    parameters = {name: shard.tensor for name, shard in learner.spread.shards.items()}
    if marked := next((name for name, parameter in parameters.items() if parameter.grad is not None), None):
        raise ValueError(f"parameter {marked} has a gradient before the first step; nothing may have been traced backwards yet")
    _check_ties(learner)
    has, losses, num_labels = memory_bytes(learner.setting.device), list[float](), 0
    for step, read_here in batches:
        batch = learner.team.of_all(read_here)
        for part in batch.parts if learner.team.is_alone else ():
            _check_room(learner, config, part, has)
        losses.append(_loss_of(learner, step, batch))
        num_labels += batch.num_labels
    if num_labels and (untouched := [name for name, parameter in parameters.items() if parameter.grad is None]):
        raise ValueError(f"the loss does not depend on {untouched[0]} ({len(untouched)} parameters have no gradient), so that they would never learn")
    for parameter in parameters.values():
        parameter.grad = None
    told = f"loss {losses[0]:.3f}, and at most {_size(peak_memory_bytes(learner.setting.device))} of memory"
    say(f"{DRY_RUN}: {told} of {_size(has)} that are there")


def _loss_of(learner: Learner, step: int, batch: Batch) -> float:
    """Return the loss of a step, gradients added to those of the parameters. Raises ValueError: it is not finite, or finds no memory."""
    import torch

    try:
        loss = learner.gradients(batch)
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and "DefaultCPUAllocator" not in str(error):
            raise
        most = max(len(part.inputs_BT) for part in batch.parts)
        raise ValueError(f"step {step} finds no memory for {most} rows together; {_REMEDY} ({str(error).splitlines()[0]})") from error
    if not math.isfinite(loss):
        raise ValueError(f"the loss of step {step} is {loss} before the first step; the weights that training begins from are damaged")
    return loss


def _check_room(learner: Learner, config: TrainingConfig, part: Examples, has: float) -> None:
    """Raise ValueError where rows plainly take more memory than there is: a machine that runs out of it kills whom it likes, without a word.

    What is compiled keeps less for its backward pass than is told, so that what is kept counts only where nothing is compiled.
    """
    setting, trainable = learner.setting, learner.trainable
    counts = counts_of(trainable.shape) if trainable.is_own else None
    if counts is None:
        return
    (num_rows, length), written = part.inputs_BT.shape, part.decoder_inputs_BU
    device: Device = "cuda" if setting.device == "cuda" else "cpu"
    step = Step(num_rows, length, config.precision, setting.activations, device, 0 if written is None else written.shape[1])
    told = training_memory(counts, step, Held(config.optimizer, num_averages(config.averaging)))
    if told.standing > _PLAINLY * has:
        raise ValueError(f"weights, gradients, optimizer and averages take {_size(told.standing)}, and {_size(has)} are there; take a smaller model")
    if not setting.compiled and told.total > _PLAINLY * has:
        raise ValueError(f"a step of {step.num_rows} rows together takes {_size(told.total)}, and {_size(has)} are there; {_REMEDY}")


def peak_memory_bytes(device: str) -> int:
    """Return the most memory that this process has held, or on a GPU the most that its tensors did."""
    if device == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated())
    return peak_host_bytes()


def _check_ties(learner: Learner) -> None:
    """Raise ValueError where a config ties input and output embeddings and the module does not, or the other way round."""
    trainable, module = learner.trainable, learner.module
    if trainable.is_own:
        counts, found = counts_of(trainable.shape), learner.spread.num_parameters
        if counts is not None and counts.num_parameters != found:
            raise ValueError(
                f"the model has {found:,} parameters, and its config comes to {counts.num_parameters:,}; "
                "a matrix that it ties (input and output embeddings) is two, or one that it has twice is one"
            )
        return
    model: Any = module.model
    if trainable.shape.tie_word_embeddings and model.get_input_embeddings().weight is not model.get_output_embeddings().weight:
        raise ValueError("the config ties input and output embeddings, and the model has two of them, which would part as they learn")


def _size(num_bytes: float) -> str:
    return f"{num_bytes / _GIGABYTE:,.2f} GB"
