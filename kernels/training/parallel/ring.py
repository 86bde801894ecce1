"""Positions of rows parted between processes for all of a model; keys and values go round a ring (Liu et al. 2023, arXiv 2310.01889).

A process has two stretches of every row, one from its beginning and one from its end, so that all have as much to do where tokens see what is before
them (as Llama 3 was trained: Grattafiori et al. 2024, arXiv 2407.21783, section 3.3.2). While it attends to the keys of one process it receives those
of the next. Softmax is made as keys come, its largest score and sum kept, and scores are made again on the way back (Dao et al. 2022,
arXiv 2205.14135): those of a tile stand at one time, and none behind it. Gradients of keys go round with them, in float32. It is matrix products on
any device, and has not run on a GPU.

Shape letters: B rows, G key heads, R query heads a key head, T queries and S keys of this process, K width of a head.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import distributed as torch_distributed

from kernels.models.blocks import decoder, encoder, encoder_decoder
from kernels.models.blocks.attention import KeysElsewhere
from kernels.models.reading import Sight
from kernels.specs.layout import CONTEXT
from kernels.training.parallel.passing import pass_output, telling
from kernels.training.parallel.positions import own_stretches, stretches_of
from kernels.training.parallel.team import Team

compiler: Any = torch.compiler
dist: Any = torch_distributed
STACKS = (decoder.Decoder, encoder.Encoder, encoder_decoder.EncoderDecoder)
"""Whose tokens meet each other in attention alone."""
SCORES_OF_TILE = {"cpu": 1 << 24, "cuda": 1 << 28}
"""That stand at one time: 64 MiB in float32, or 1 GiB, whose products fill a GPU."""
_BEHIND, _BACK = 1, 2
"""Tags of keys and values, and of their gradients: both are on their way at once."""


def part(module: Any, team: Team) -> Callable[[Sight], "Ring"]:
    """Have blocks be told of this process's positions alone; return what makes of who sees whom what they are told of it.

    Raises:
        ValueError: tokens of the model meet elsewhere than in attention.
    """
    if not isinstance(module, STACKS):
        told = f"context: tokens of {type(module).__name__} meet elsewhere than in attention of ours, so that rows cannot be parted between processes"
        raise ValueError(f"{told}; leave the key out")
    if isinstance(module, decoder.Decoder):
        module.told = telling(module.told, _of_own_positions, team)
    elif isinstance(module, encoder.Encoder):
        module.told_once = telling(module.told_once, _of_own_positions, team)
    else:
        for table in (module.encoder_relative_embedding, module.decoder_relative_embedding):
            pass_output(table, partial(own_stretches, dim=1), team)
    return partial(Ring, team=team)


def _of_own_positions(told: Any, team: Team) -> Any:
    """Return what blocks are told of all positions as what is of this process's queries."""
    of_queries = {"cos": 0, "sin": 0, "bias": 2}  # and where queries stand in each
    parted = {name: own_stretches(getattr(told, name), team, dim) for name, dim in of_queries.items() if getattr(told, name, None) is not None}
    return told._replace(**parted)


class Pair(NamedTuple):
    """Queries and keys some of which may see each other: where they stand here, and in whole rows."""

    queries: slice
    keys: slice
    of_queries: slice
    of_keys: slice


class Ring(KeysElsewhere):
    """Who sees whom of whole rows, of which each process has some queries and keys."""

    def __init__(self, sight: Sight, team: Team) -> None:
        """Take who sees whom."""
        self._sight, self._group = sight, team.group(CONTEXT)
        self._index, self._count = team.index(CONTEXT), team.size(CONTEXT)
        self._stretches = [
            [stretches_of(segments.shape[1], index, self._count) for index in range(self._count)] for segments in (sight.queries_BT, sight.keys_BS)
        ]

    def attend(self, q_BGRTK: torch.Tensor, k_BGSK: torch.Tensor, v_BGSK: torch.Tensor, bias_GRTS: torch.Tensor | None) -> torch.Tensor:
        """See `KeysElsewhere`."""
        return _attend(q_BGRTK, k_BGSK, v_BGSK, bias_GRTS, self)

    def around(self, q_BGRTK: torch.Tensor, own: torch.Tensor) -> Iterator[tuple[list[Pair], torch.Tensor]]:
        """Yield the keys and values of each process, this one's first, with the pairs whose tokens may see each other."""
        heads = q_BGRTK.shape[0] * q_BGRTK.shape[1] * q_BGRTK.shape[2]
        tile = 1 << int(math.log2(max(1, SCORES_OF_TILE[q_BGRTK.device.type] // heads)) / 2)
        held = own
        for turn in range(self._count):
            coming = self.pass_on(held, _BEHIND) if turn < self._count - 1 else None
            yield self.pairs((self._index - turn) % self._count, tile), held
            if coming is not None:
                held = coming()

    def pass_on(self, tensor: torch.Tensor, tag: int) -> Callable[[], torch.Tensor]:
        """Send a tensor to the next process; return what waits for the one that the process before sends."""
        room = torch.empty_like(tensor)
        to, by = (self._index + 1) % self._count, (self._index - 1) % self._count
        sending = dist.P2POp(dist.isend, tensor, group=self._group, group_peer=to, tag=tag)
        receiving = dist.P2POp(dist.irecv, room, group=self._group, group_peer=by, tag=tag)
        under_way = [(work, tensor) for work in dist.batch_isend_irecv([sending, receiving])]  # what is sent is held until it is

        def come() -> torch.Tensor:
            for work, _ in under_way:
                work.wait()
            return room

        return come

    def mask(self, pair: Pair) -> torch.Tensor:
        """Return what is added to the scores of a pair, [B, 1, 1, T, S] float32."""
        return self._sight.mask(pair.of_queries, pair.of_keys)[:, :, None]

    def pairs(self, other: int, tile: int) -> list[Pair]:
        """Return what of this process's queries may see what of another's keys, of as many positions each at most."""
        queries, keys = _tiles(self._stretches[0][self._index], tile), _tiles(self._stretches[1][other], tile)
        found = [Pair(here, there, of_queries, of_keys) for here, of_queries in queries for there, of_keys in keys]
        return [pair for pair in found if self._sight.reaches(pair.of_queries, pair.of_keys)]


def _tiles(stretches: Sequence[slice], tile: int) -> list[tuple[slice, slice]]:
    """Return parts of stretches, where they stand when there is nothing between stretches, and in whole rows."""
    found: list[tuple[slice, slice]] = []
    place = 0
    for stretch in stretches:
        for start in range(stretch.start, stretch.stop, tile):
            size = min(tile, stretch.stop - start)
            found.append((slice(place, place + size), slice(start, start + size)))
            place += size
    return found


class _Attention(torch.autograd.Function):
    """See the module."""

    @staticmethod
    def forward(ctx: Any, q: Any, k: Any, v: Any, bias: Any, ring: Ring) -> Any:
        shape = (*q.shape[:-1], 1)
        seen = torch.zeros(q.shape, dtype=torch.float32, device=q.device)
        total, most = seen.new_zeros(shape), seen.new_full(shape, float("-inf"))
        for pairs, keys_and_values in ring.around(q, torch.stack([k, v])):
            for pair in pairs:
                scores = _scores(q, keys_and_values[0], bias, pair, ring)
                before, at = most[..., pair.queries, :], (..., pair.queries, slice(None))
                largest = torch.maximum(before, scores.amax(-1, keepdim=True))
                powers, shrunk = (scores - largest).exp_(), (before - largest).exp()
                total[at] = total[at] * shrunk + powers.sum(-1, keepdim=True)
                seen[at] = seen[at] * shrunk + _times(powers.to(q.dtype), keys_and_values[1][..., pair.keys, :])
                most[at] = largest
        out = (seen / total).to(q.dtype)
        ctx.save_for_backward(q, k, v, bias, out, most + total.log())
        ctx.ring, ctx.bias_learns = ring, ctx.needs_input_grad[3]
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (d_out,) = grads
        q, k, v, bias, out, log_total = ctx.saved_tensors
        products = (d_out.float() * out.float()).sum(-1, keepdim=True)
        d_q = torch.zeros(q.shape, dtype=torch.float32, device=q.device)
        d_bias = torch.zeros_like(bias) if ctx.bias_learns else None
        coming: Callable[[], torch.Tensor] | None = None
        for pairs, keys_and_values in ctx.ring.around(q, torch.stack([k, v])):
            d_keys_and_values = torch.zeros(keys_and_values.shape, dtype=torch.float32, device=q.device)
            for pair in pairs:
                keys, values = keys_and_values[..., pair.keys, :]
                at = (..., pair.queries, slice(None))
                powers = (_scores(q, keys_and_values[0], bias, pair, ctx.ring) - log_total[at]).exp_()
                d_scores = (_times(d_out[at], values.transpose(-1, -2)) - products[at]) * powers
                if d_bias is not None:
                    d_bias[:, :, pair.queries, pair.of_keys] += d_scores.sum(0)
                d_scores = d_scores.to(q.dtype)
                d_q[at] += _times(d_scores, keys)
                d_keys_and_values[0][..., pair.keys, :] += _over_heads(d_scores, q[at])
                d_keys_and_values[1][..., pair.keys, :] += _over_heads(powers.to(q.dtype), d_out[at])
            if coming is not None:
                d_keys_and_values += coming()
            coming = ctx.ring.pass_on(d_keys_and_values, _BACK)
        assert coming is not None
        d_k, d_v = coming()
        return d_q.to(q.dtype), d_k.to(k.dtype), d_v.to(v.dtype), d_bias, None


_attention: Any = _Attention
_attend = compiler.disable(_attention.apply)  # what goes round is sent and received, which no compiler sees through


def _scores(q_BGRTK: Any, k_BGSK: Any, bias_GRTS: Any, pair: Pair, ring: Ring) -> Any:
    """Return the scores of a pair, [B, G, R, T, S] float32."""
    scores = _times(q_BGRTK[..., pair.queries, :], k_BGSK[..., pair.keys, :].transpose(-1, -2)) + ring.mask(pair)
    return scores if bias_GRTS is None else scores + bias_GRTS[:, :, pair.queries, pair.of_keys]


def _times(x_BGRTX: Any, y_BGXY: Any) -> Any:
    """Return what all query heads of a key head have, times what the key head has, [B, G, R, T, Y] float32."""
    rows, groups, repeats, length, width = x_BGRTX.shape
    found = torch.bmm(x_BGRTX.reshape(rows * groups, repeats * length, width), y_BGXY.reshape(rows * groups, width, -1))
    return found.view(rows, groups, repeats, length, -1).float()


def _over_heads(x_BGRTS: Any, y_BGRTK: Any) -> Any:
    """Return the products of what keys are seen by with what the queries have, summed over query heads and queries, [B, G, S, K] float32."""
    rows, groups, repeats, length, num_keys = x_BGRTS.shape
    flat = x_BGRTS.reshape(rows * groups, repeats * length, num_keys).transpose(1, 2)
    return torch.bmm(flat, y_BGRTK.reshape(rows * groups, repeats * length, -1)).view(rows, groups, num_keys, -1).float()
