"""A stack of blocks cut into stages, which pass the parts of a step on, each to the next (Huang et al. 2019, arXiv 1811.06965).

Blocks stay in their list under their names; where a block is another's, a place is held. What stands before the blocks is the first stage's, what
stands behind them the last's; what both read, such as tied embeddings, both hold, and its gradients are summed. Shapes follow from the parts, which
all read. Messages are told apart by tags on gloo; NCCL goes by their order, which neighbours agree on in plain schedules. None has run on GPUs.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import distributed as torch_distributed
from torch import nn

from kernels.models.blocks import decoder, encoder, mamba
from kernels.models.reading import Reading
from kernels.specs.layout import AXES, PIPELINE, POSITIONS
from kernels.training.parallel.schedules import Action, actions_of
from kernels.training.parallel.team import Team, groups_of

dist: Any = torch_distributed
STACKS = (decoder.Decoder, encoder.Encoder, mamba.Mamba)
"""Whose forward pass is ``enter``, blocks one behind the other, each told what ``tell`` says, and ``leave``."""
ENTERING = ("embedding", "position_embedding", "embedding_norm")
LEAVING = ("norm", "transform", "transform_norm", "output_embedding", "output_bias")
"""What stands before the blocks of stacks and behind them, by name; what else there is tells blocks something, and all stages hold it."""


class Elsewhere(nn.Module):
    """Holds the place of a block that another process has."""


Loss = Callable[[Any, int], tuple[Any, Any]]
"""Takes the hidden states of a part and its number; returns the loss that gradients flow from, and what is told of it."""


class _Pass(NamedTuple):
    """What of a forward pass its backward pass needs."""

    entered: Any
    left: Any


class Pipeline:
    """The stages of one process, and how parts pass them."""

    def __init__(self, module: Any, team: Team) -> None:
        """Leave of a whole module what this process holds.

        Raises:
            ValueError: the model is no stack of blocks, or has fewer blocks than stages.
        """
        if not isinstance(module, STACKS):
            told = f"pipeline: {type(module).__name__} is not one stack of blocks that only the last of reads, so that it cannot be cut into stages"
            raise ValueError(f"{told}; leave the key out")
        self._module, self._team = module, team
        self._index, self._count = team.index(PIPELINE), team.size(PIPELINE)
        self.num_stages = self._count * team.layout.stages_per_process
        if self.num_stages > len(module.blocks):
            raise ValueError(f"pipeline: {len(module.blocks)} blocks are fewer than {self.num_stages} stages; take fewer processes or stages")
        bounds = [int(block) for block in np.linspace(0, len(module.blocks), self.num_stages + 1).round()]
        self._blocks = {stage: range(bounds[stage], bounds[stage + 1]) for stage in range(self._index, self.num_stages, self._count)}
        self.shared = _shared_names(module, self._count)
        """Parameters that several stages hold, by name, with the processes that do, in order."""
        self._leave_own()
        shape = tuple(map(team.layout.size, AXES))
        self._groups = {is_forward: groups_of(shape, PIPELINE) for is_forward in (True, False)}
        self._sent: list[Any] = []

    @property
    def is_last(self) -> bool:
        """Whether this process has the last stage."""
        return self._index == self._count - 1

    def owns(self, name: str) -> bool:
        """Return whether this process is the first of those that hold a parameter."""
        return self._index == min(self.shared.get(name, [self._index]))

    def _leave_own(self) -> None:
        own = {index for blocks in self._blocks.values() for index in blocks}
        for index in range(len(self._module.blocks)):
            if index not in own:
                self._module.blocks[index] = Elsewhere()
        is_first, tied = self._index == 0, "embedding" in self.shared
        for names, is_read in ((ENTERING, is_first), (LEAVING, self.is_last)):
            for name in names:
                if not is_read and not (name == "embedding" and tied and self.is_last) and getattr(self._module, name, None) is not None:
                    setattr(self._module, name, None)

    def add_up_shared(self) -> None:
        """Have the gradients of what several stages hold be the sums of theirs, the same bits for all."""
        parameters = dict(self._module.named_parameters())
        for name, holders in self.shared.items():
            if self._index in holders:
                self._add_up(parameters[name], holders)

    def _add_up(self, parameter: Any, holders: list[int]) -> None:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        if len(holders) == self._count:
            dist.all_reduce(parameter.grad, group=self._groups[True])
            return
        (other,) = (holder for holder in holders if holder != self._index)
        theirs = torch.empty_like(parameter.grad)
        sent = dist.isend(parameter.grad.contiguous(), group=self._groups[self._index < other], group_dst=other)
        dist.irecv(theirs, group=self._groups[other < self._index], group_src=other).wait()
        sent.wait()
        parameter.grad = parameter.grad + theirs

    # --- passes ---

    def step(self, readings: Sequence[Reading], dtype: torch.dtype, loss: Loss) -> list[Any]:
        """Pass the parts of a step forwards and backwards; return what is told of their losses by the last stage, nothing elsewhere."""
        passes: dict[tuple[int, int], _Pass] = {}
        told: list[Any] = []
        schedule = self._team.layout.schedule
        for action in actions_of(schedule, self._index, self._count, self.num_stages, len(readings)):
            key = (action.stage, action.part)
            if action.is_forward:
                passes[key], found = self._forward(action, readings[action.part], dtype, loss)
                told += found
            else:
                self._backward(action, passes.pop(key))
        self._end()
        return told

    def ask(self, reading: Reading, dtype: torch.dtype, loss: Loss) -> list[Any]:
        """Pass rows forwards alone, through all stages; return what is told of their loss by the last stage, nothing elsewhere."""
        told: list[Any] = []
        for stage in self._blocks:
            told += self._forward(Action(True, stage, 0), reading, dtype, loss)[1]
        self._end()
        return told

    def _forward(self, action: Action, reading: Reading, dtype: torch.dtype, loss: Loss) -> tuple[_Pass, list[Any]]:
        module, stage = self._module, action.stage
        if stage == 0:
            entered = left = module.enter(reading, dtype)
        else:
            entered = left = self._received(action, stage - 1, self._room(reading, dtype)).requires_grad_(torch.is_grad_enabled())
        told = module.tell(reading, dtype)
        for index in self._blocks[stage]:
            left = module.blocks[index](left, told[index])
        if stage < self.num_stages - 1:
            self._send(action, stage + 1, left.detach())
            return _Pass(entered, left), []
        total, nats = loss(module.leave(left, dtype), action.part)
        return _Pass(entered, total), [nats]

    def _backward(self, action: Action, done: _Pass) -> None:
        if action.stage == self.num_stages - 1:
            done.left.backward()
        else:
            gradient = self._received(action, action.stage + 1, torch.empty_like(done.left))
            torch.autograd.backward(done.left, gradient)
        if action.stage > 0:
            self._send(action, action.stage - 1, done.entered.grad)

    def _room(self, reading: Reading, dtype: torch.dtype) -> torch.Tensor:
        """Return room for what the stage before gives."""
        shape = self._module.shape
        rows, length = reading.tokens_BT.shape
        is_wide = getattr(shape, "wide_residual", False)
        positions = length // self._team.size(POSITIONS)
        return torch.empty(rows, positions, shape.width, dtype=torch.float32 if is_wide else dtype, device=reading.tokens_BT.device)

    def _send(self, action: Action, stage: int, tensor: torch.Tensor) -> None:
        tensor = tensor.contiguous()
        work = dist.isend(
            tensor, group=self._groups[action.is_forward], group_dst=stage % self._count, tag=self._tag(max(stage, action.stage), action.part)
        )
        self._sent.append((work, tensor))

    def _received(self, action: Action, stage: int, room: torch.Tensor) -> torch.Tensor:
        group, tag = self._groups[action.is_forward], self._tag(max(stage, action.stage), action.part)
        dist.irecv(room, group=group, group_src=stage % self._count, tag=tag).wait()
        return room

    def _tag(self, stage: int, part: int) -> int:
        """Return what tells a message between two stages, of which one is named, from others."""
        return part * self.num_stages + stage

    def _end(self) -> None:
        """Return when all that was sent has come."""
        for work, _ in self._sent:
            work.wait()
        self._sent.clear()


def _shared_names(module: Any, count: int) -> dict[str, list[int]]:
    """Return the parameters that several stages read, by name, with the processes that hold them."""
    tied = {"embedding": [0, count - 1]} if module.output_embedding is None else {}
    apart = ("blocks", *ENTERING, *LEAVING)
    return tied | {name: list(range(count)) for name, _ in module.named_parameters() if name.split(".")[0] not in apart}
