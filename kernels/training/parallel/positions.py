"""Positions of a row that several processes have parts of: gathered, and parted again, with the gradients that belong to each.

Rows are parted between the processes of ``context`` first, two stretches each, and what each has between those of ``tensor``.
Shape letters: B rows, T positions of whole rows, D width.
"""

from typing import Any

import torch
from torch.distributed import _functional_collectives

from kernels.models.blocks import decoder, encoder, encoder_decoder
from kernels.models.reading import Reading
from kernels.specs.layout import CONTEXT, POSITIONS, TENSOR
from kernels.specs.objectives import NO_SEGMENT
from kernels.training.parallel.team import Team

collectives: Any = _functional_collectives  # what a compiler sees through; it declares no types


def part_rows(module: Any, team: Team) -> None:
    """Have the first block of each stack read this process's positions alone."""

    def parted(_: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
        return own(given[0], team), *given[1:]

    for stack in [each for each in module.modules() if isinstance(each, decoder.Decoder | encoder.Encoder)]:
        stack.blocks[0].register_forward_pre_hook(parted)
    for stack in [each for each in module.modules() if isinstance(each, encoder_decoder.EncoderDecoder)]:
        for index in (0, stack.shape.num_encoder_layers):
            stack.blocks[index].register_forward_pre_hook(parted)


def filled_reading(reading: Reading, team: Team) -> Reading:
    """Return what a model reads with positions of no document behind it, so that as many are left to each process."""
    apart = NO_SEGMENT - 1  # whose positions are counted anew: behind a row of no document there may be none left
    fills = {"tokens_BT": 0, "segments_BT": apart, "prefix_BT": False, "decoder_tokens_BU": 0, "decoder_segments_BU": apart}
    found = {name: getattr(reading, name) for name in fills}
    return reading._replace(**{name: filled(each, fills[name], team) for name, each in found.items() if each is not None})


def filled(x_BT: torch.Tensor, fill: int | bool, team: Team) -> torch.Tensor:
    """Return rows with so much of what fills them behind them that as many positions are left to each process."""
    multiple = team.size(TENSOR) * (2 * team.size(CONTEXT) if team.size(CONTEXT) > 1 else 1)
    return torch.nn.functional.pad(x_BT, (0, -x_BT.shape[1] % multiple), value=fill)


def own(x_BTX: torch.Tensor, team: Team) -> torch.Tensor:
    """Return this process's positions of rows that `filled` made; gradients of the others are left to them."""
    x_BTX = own_stretches(x_BTX, team, 1)
    length = x_BTX.shape[1] // team.size(TENSOR)
    return x_BTX.narrow(1, team.index(TENSOR) * length, length)


def own_stretches(x: torch.Tensor, team: Team, dim: int) -> torch.Tensor:
    """Return what stands at the stretches of rows that this process and those of its ``tensor`` axis have, along a dimension of positions."""
    if team.size(CONTEXT) == 1:
        return x
    found = stretches_of(x.shape[dim], team.index(CONTEXT), team.size(CONTEXT))
    return torch.cat([x.narrow(dim, each.start, each.stop - each.start) for each in found], dim)


def stretches_of(length: int, index: int, count: int) -> tuple[slice, slice]:
    """Return where the two stretches of a process of some stand in rows: as far from the beginning as from the end."""
    size = length // (2 * count)
    first, second = index * size, (2 * count - 1 - index) * size
    return slice(first, first + size), slice(second, second + size)


def gathered(x_BTD: torch.Tensor, team: Team) -> torch.Tensor:
    """Return the positions of all processes of ``tensor``; gradients are summed, and each takes its own."""
    return collectives.wait_tensor(collectives.all_gather_single(x_BTD.contiguous(), 1, team.group(TENSOR)))


def summed(x_BTD: torch.Tensor, team: Team) -> torch.Tensor:
    """Return this process's positions of the sum of what all of ``tensor`` have; gradients are gathered."""
    return collectives.wait_tensor(collectives.reduce_scatter_single(x_BTD.contiguous(), "sum", 1, team.group(TENSOR)))


def total(x: torch.Tensor, team: Team) -> torch.Tensor:
    """Return the sum of what all that have positions of the same rows have, of which all make the same: each takes the gradient as it is."""
    function: Any = _Total
    return function.apply(x, team.group(POSITIONS))


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any, group: Any) -> Any:
        return collectives.wait_tensor(collectives.all_reduce(x.contiguous(), "sum", group))

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return grads[0], None
