"""Weights of 8 or 4 bits in groups of 32, as linear.h reads them: each number is a level of its group's scale, which is of half precision.

Of 8 bits levels are spaced evenly. Of 4 they stand closer where numbers are more frequent, as in NF4 (Dettmers et al. 2023, arXiv 2305.14314), at
the places that Lloyd's algorithm (Lloyd 1982, doi 10.1109/TIT.1982.1056489) finds for normal numbers that are scaled as `rounded` scales them.

Shape letters: O outputs, I inputs, N groups of inputs, S steps of 4 inputs.
"""

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

Bits = Literal[8, 4]
GROUP, LANES = 32, 16
LEVELS_4 = (-127, -101, -79, -62, -47, -34, -21, -9, 2, 13, 24, 36, 49, 65, 83, 107)
"""What the 4 bits stand for, in parts of a scale; linear.h has the same."""
SHARES = (0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15)
"""Of a group's largest number, which an end of the levels is tried at."""
LEAST = 1e-30
"""Of a group's largest number; a scale of half precision is 0 long before."""
ROWS = 1024
"""That are rounded at once, so that little is held beside them."""


class Packed(NamedTuple):
    """A matrix [O, I] for the kernels: O filled up to 16, I to 32."""

    weights: Any
    """Bytes [O / 16, N, S, 16, 4]; of 4 bits two steps share one, the first of them the low half."""
    scales: Any
    """[O / 16, N, 16] float16."""
    num_out: int
    num_in: int
    bits: Bits


def pack(weight_OI: Any, bits: Bits) -> Packed:
    """Return a matrix as the kernels read it."""
    return pack_pieces(weight_OI.split(ROWS), bits)


def pack_pieces(pieces: Iterable[Any], bits: Bits) -> Packed:
    """Return a matrix whose rows come in pieces, each but the last of a multiple of 16."""
    import torch

    weights, scales, num_out, num_in = list[Any](), list[Any](), 0, 0
    for piece in pieces:
        num_out, num_in = num_out + piece.shape[0], piece.shape[1]
        for found, part in zip((weights, scales), _ordered(*rounded(piece, bits), bits), strict=True):
            found.append(part)
    return Packed(torch.cat(weights), torch.cat(scales), num_out, num_in, bits)


def _ordered(levels: Any, scales: Any, bits: Bits) -> tuple[Any, Any]:
    """Return levels and scales as they lie in `Packed`."""
    import torch

    fill, num_groups = -levels.shape[0] % LANES, levels.shape[1]
    levels, scales = torch.nn.functional.pad(levels, (0, 0, 0, 0, 0, fill)), torch.nn.functional.pad(scales, (0, 0, 0, fill))
    ordered = levels.view(-1, LANES, num_groups, GROUP // 4, 4).permute(0, 2, 3, 1, 4)
    if bits == 4:
        ordered = ordered[:, :, 0::2] | ordered[:, :, 1::2] << 4
    return ordered.contiguous(), scales.view(-1, LANES, num_groups).transpose(1, 2).contiguous()


def rounded(weight_OI: Any, bits: Bits) -> tuple[Any, Any]:
    """Return numbers of levels [O, N, 32], uint8 from 0 on, and scales [O, N] float16."""
    import torch

    num_out, num_in = weight_OI.shape
    groups = torch.nn.functional.pad(weight_OI.float(), (0, -num_in % GROUP)).view(num_out, -1, GROUP)
    largest = groups.gather(-1, groups.abs().argmax(-1, keepdim=True))
    scales = (largest.abs() / 127).half() if bits == 8 else _best_scales(groups, largest)
    return nearest(groups, scales.float(), bits), scales[..., 0]


def nearest(groups: Any, scales: Any, bits: Bits) -> Any:
    """Return the numbers of the levels nearest to groups [..., 32] by scales [..., 1]."""
    import torch

    parts = _parts(groups, torch.where(scales == 0, 0.0, 1 / scales))
    return parts.byte() if bits == 8 else _chosen(torch.tensor(_NEAREST_4, dtype=torch.uint8), parts)


def _best_scales(groups: Any, largest: Any) -> Any:
    """Return scales [..., 1] of 4 bits, of some tries the ones whose squared errors are least.

    A try has the largest number near one end of the levels, and then the scale s that is best for the levels l that numbers g came to: that is
    (g l) / (l l), and it leaves (g g) - (g l)^2 / (l l) of squared errors.
    """
    import torch

    nearest_levels = torch.tensor([LEVELS_4[number] for number in _NEAREST_4], dtype=torch.float32)
    best, most = torch.zeros_like(largest), torch.zeros_like(largest)
    for end in (LEVELS_4[0], LEVELS_4[-1]):
        for share in SHARES:
            levels = _chosen(nearest_levels, _parts(groups, torch.where(largest.abs() < LEAST, 0.0, end * share / largest)))
            product, square = (groups * levels).sum(-1, keepdim=True), levels.square().sum(-1, keepdim=True)
            gained = product.square() / square
            best, most = torch.where(gained > most, product / square, best), torch.maximum(gained, most)
    return best.half()


_NEAREST_4 = tuple(min(range(16), key=lambda number: abs(LEVELS_4[number] - part)) for part in range(-128, 128))
"""The number of the level nearest to each whole number of parts of a scale."""


def _parts(groups: Any, inverse: Any) -> Any:
    """Return whole numbers of parts of a scale, 0 at -128, int32."""
    return (groups * inverse).round_().clamp_(-128, 127).int().add_(128)


def _chosen(table: Any, parts: Any) -> Any:
    """Return the entries of a table that numbers name: many times faster here than by an index in brackets or ``torch.bucketize``."""
    return table.index_select(0, parts.view(-1)).view(parts.shape)


def _levels(bits: Bits) -> Any:
    """Return what each number of a level stands for, float32."""
    import torch

    return torch.arange(-128.0, 128.0) if bits == 8 else torch.tensor(LEVELS_4, dtype=torch.float32)


def unpacked(packed: Packed, rows: Any = None) -> Any:
    """Return what a packed matrix stands for, [O, I] float32, or some of its rows, by their numbers [...]: [..., I]."""
    import torch

    words = packed.weights.view(torch.int32)[..., 0]  # [O / 16, N, S, 16]: what lies together moves together
    if rows is None:
        words_S, scales_N = (each.movedim(-1, 1).flatten(0, 1)[: packed.num_out] for each in (words, packed.scales))
    else:
        block, lane = rows // LANES, rows % LANES
        words_S, scales_N = words[block, :, :, lane], packed.scales[block, :, lane]
    levels = words_S.contiguous().view(torch.uint8)
    if packed.bits == 4:
        steps = levels.unflatten(-1, (-1, 4))
        levels = torch.stack([steps & 15, steps >> 4], -2).flatten(-3)
    values = _chosen(_levels(packed.bits), levels.int()).mul_(scales_N.float()[..., None])
    return values.flatten(-2)[..., : packed.num_in]
