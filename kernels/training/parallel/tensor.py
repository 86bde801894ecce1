"""Blocks computed by several processes, each some of their heads and neurons (Shoeybi et al. 2019, arXiv 1909.08053, section 3).

A matrix that makes heads or neurons is cut by its rows, one that reads them by its columns; what the latter give is summed. Between blocks each
process has its own positions of every row (Korthikanti et al. 2022, arXiv 2205.05198, section 4.2): they are gathered behind a norm, and the sums are
parted where they are made. What is not cut (embedding, norms, output layer) is held by all, each for its own positions, so that its gradients are
summed.
"""

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import torch

from kernels.models.blocks import decoder, encoder, encoder_decoder
from kernels.specs.layout import TENSOR
from kernels.training.parallel.passing import pass_output, telling
from kernels.training.parallel.positions import gathered, summed
from kernels.training.parallel.shards import Cut, Shard, piece_of
from kernels.training.parallel.team import Team


class Plan(NamedTuple):
    """How blocks of a class are cut."""

    narrow: Callable[[Any, int], None]
    """Has a block know that it computes one of so many parts."""
    rows: tuple[str, ...]
    """Parameters that are cut along their first dimension, each of the matrices in it by itself."""
    columns: tuple[str, ...]
    """Those that are cut along their last."""
    gathers: tuple[str, ...]
    """Modules whose output is gathered over the positions of rows."""
    sums: tuple[str, ...]
    """Modules whose output is summed, of which each process keeps its own positions."""


def cut(module: Any, splits: Mapping[str, tuple[int, ...]], team: Team) -> dict[str, tuple[Cut, ...]]:
    """Leave of every block what this process computes of it; return the cuts by the names of parameters.

    Args:
        module: whole.
        splits: rows of the matrices that a parameter stores one behind the other, by a pattern of its name.
        team: of all processes.

    Raises:
        ValueError: the model has no blocks that can be cut, or they cannot be cut into so many parts.
    """
    found = [(name, block, PLANS[type(block)]) for name, block in module.named_modules() if type(block) in PLANS]
    if not found:
        raise ValueError(f"tensor: the blocks of {type(module).__name__} cannot be computed by several processes; leave the key out")
    cuts: dict[str, tuple[Cut, ...]] = {}
    for name, block, plan in found:
        plan.narrow(block, team.size(TENSOR))
        for inner in (*plan.rows, *plan.columns):
            cuts[f"{name}.{inner}"] = (_cut(block, name, inner, inner in plan.rows, splits, team),)
        for inner in plan.gathers:
            pass_output(block.get_submodule(inner), gathered, team)
        for inner in plan.sums:
            pass_output(block.get_submodule(inner), summed, team)
    _tell_of_own_heads(module, team)
    return cuts


def _cut(block: Any, name: str, inner: str, is_row: bool, splits: Mapping[str, tuple[int, ...]], team: Team) -> Cut:
    """Leave of a parameter what this process holds."""
    parameter = block.get_parameter(inner)
    dim, count = 0 if is_row else parameter.ndim - 1, team.size(TENSOR)
    sizes = (parameter.shape[dim],)
    if is_row:
        sizes = next((found for pattern, found in splits.items() if fnmatchcase(f"{name}.{inner}", pattern)), sizes)
    if lacking := next((size for size in sizes if size % count), None):
        raise ValueError(
            f"tensor: {lacking} rows or columns of {name}.{inner} cannot be parted between {count} processes; take another number of them"
        )
    made = Cut(TENSOR, dim, tuple((size // count,) * count for size in sizes))
    piece = torch.nn.Parameter(piece_of(parameter.detach(), Shard(parameter, (made,)), team).clone(), requires_grad=parameter.requires_grad)
    owner, _, own_name = inner.rpartition(".")
    setattr(block.get_submodule(owner), own_name, piece)
    return made


def _tell_of_own_heads(module: Any, team: Team) -> None:
    """Have what is told of heads be of this process's heads, and all that a decoder reads of another stack be gathered."""
    for stack in [each for each in module.modules() if isinstance(each, decoder.Decoder)]:
        stack.told = telling(stack.told, _of_own_heads, team)  # type: ignore[method-assign]
    for stack in [each for each in module.modules() if isinstance(each, encoder_decoder.EncoderDecoder)]:
        pass_output(stack.encoder_norm, gathered, team)
        for table in (stack.encoder_relative_embedding, stack.decoder_relative_embedding):
            pass_output(table, _own_heads, team)


def _own_heads(bias_GRTS: Any, team: Team) -> Any:
    """Return the bias of this process's heads."""
    return bias_GRTS.chunk(team.size(TENSOR))[team.index(TENSOR)]


def _of_own_heads(told: decoder.Told, team: Team) -> decoder.Told:
    """Return what blocks are told of all heads as what is of this process's."""
    return told if told.bias is None else told._replace(bias=_own_heads(told.bias, team))


# --- blocks ---


def _narrow_decoder(block: decoder.Block, count: int) -> None:
    shape = block.shape
    _check("key heads", shape.num_kv_heads, count)
    block.shape = shape._replace(num_heads=shape.num_heads // count, num_kv_heads=shape.num_kv_heads // count, inner_width=shape.inner_width // count)


def _narrow_heads(block: Any, count: int) -> None:
    _check("heads", block.num_heads, count)
    block.num_heads //= count


def _check(what: str, number: int, count: int) -> None:
    if number % count:
        raise ValueError(f"tensor: {number} {what} cannot be parted between {count} processes; take a divisor of {number}")


def _nothing(block: Any, count: int) -> None:
    """Leave a block as it is: its neurons are counted by its matrices."""


_FUSED = Plan(
    _narrow_decoder, ("qkv.weight", "gate_up.weight"), ("out.weight", "down.weight"), ("attention_norm", "feed_forward_norm"), ("out", "down")
)
PLANS: dict[type, Plan] = {
    decoder.Block: _FUSED,
    encoder.Block: _FUSED._replace(narrow=_narrow_heads),
    encoder_decoder.SelfAttention: Plan(_narrow_heads, ("qkv.weight",), ("out.weight",), ("norm",), ("out",)),
    encoder_decoder.CrossAttention: Plan(_narrow_heads, ("query.weight", "key_value.weight"), ("out.weight",), ("norm",), ("out",)),
    encoder_decoder.FeedForward: Plan(_nothing, ("up.weight",), ("down.weight",), ("norm",), ("down",)),
}
"""By class of block. Mamba-2 has none: the norm behind its states spans the heads of a group, and most models have one group."""
