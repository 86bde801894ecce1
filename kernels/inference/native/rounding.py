"""A decoder of ours with rounded weights, beside which nothing is held but norms and what tells positions.

The CPU's own kernels read it (stack.py), and PyTorch as it reads any decoder, where a machine is none that they are for. Shape letters: B rows,
T positions, D width, V vocabulary, O outputs, I inputs.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn

from kernels.inference.native.packing import ROWS, Bits, Packed, pack, pack_pieces, unpacked
from kernels.models.blocks.decoder import Block, Decoder

if TYPE_CHECKING:
    from kernels.inference.streaming.weights import Weights

MATRICES = ("qkv", "out", "gate_up", "down")
END_BITS: Bits = 8
"""Of embedding and output layer: with fewer, answers lose more than anywhere else."""


class Ends(NamedTuple):
    """What stands before and behind the blocks; one matrix where they are tied."""

    embedding: Packed
    output: Packed


class RoundedLinear(nn.Module):
    """``x W^T`` by PyTorch: as true as its weights are, and slow, since they are unpacked each time."""

    def __init__(self, weight_OI: torch.Tensor, bits: Bits) -> None:
        """Round a matrix."""
        super().__init__()
        self.packed = pack(weight_OI, bits)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return [..., O] of [..., I]."""
        return nn.functional.linear(x, unpacked(self.packed).to(x.dtype))


class RoundedDecoder(Decoder):
    """A `Decoder` that is asked and never learns."""

    def __init__(self, outside: Decoder, ends: Ends, blocks: Iterable[Block], bits: Bits) -> None:
        """Round blocks one after the other.

        Args:
            outside: a stack whose norm and positions are taken.
            ends: of the stack.
            blocks: of the stack; each may be written over when the next one is asked for.
            bits: of the blocks' weights.
        """
        with torch.device("meta"):
            super().__init__(outside.shape._replace(num_layers=0))
        self.shape, self.ends = outside.shape, ends
        self.position_embedding, self.relative_embedding, self.norm = outside.position_embedding, outside.relative_embedding, outside.norm
        with torch.inference_mode():
            self.blocks = nn.ModuleList(_rounded(block, bits) for block in blocks)

    def looked_up(self, tokens_BT: torch.Tensor) -> torch.Tensor:
        """See `Decoder`."""
        return unpacked(self.ends.embedding, tokens_BT)

    def output_layer(self) -> tuple[torch.Tensor, None]:
        """See `Decoder`: [V, D], made anew each time."""
        return unpacked(self.ends.output), None


def _rounded(block: Block, bits: Bits) -> Block:
    """Return a block whose matrices are rounded."""
    with torch.device("meta"):
        found: Any = Block(block.shape).eval()
    for name in ("attention_norm", "feed_forward_norm"):
        getattr(found, name).weight = nn.Parameter(getattr(block, name).weight.clone(), requires_grad=False)
    for name in MATRICES:
        setattr(found, name, RoundedLinear(getattr(block, name).weight, bits))
    return found


def of_module(module: Decoder, bits: Bits) -> RoundedDecoder:
    """Return a stack that is in memory with its weights rounded."""
    embedding = pack(module.embedding.detach(), END_BITS)
    output = embedding if module.output_embedding is None else pack(module.output_embedding.detach(), END_BITS)
    blocks: Any = module.blocks
    return RoundedDecoder(module, Ends(embedding, output), blocks, bits)


def of_files(weights: "Weights", bits: Bits) -> RoundedDecoder:
    """Return the stack of a checkpoint's files with its weights rounded; never more than one block of it is in memory before."""
    embedding = pack_pieces(weights.rows("embedding", ROWS), END_BITS)
    output = embedding if weights.module.shape.tied else pack_pieces(weights.rows("output_embedding", ROWS), END_BITS)
    weights.fill_outside("cpu", but=frozenset({"embedding", "output_embedding"}))
    return RoundedDecoder(weights.module, Ends(embedding, output), weights.layers(), bits)
