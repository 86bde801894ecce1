"""Weights of 8 or 4 bits in groups of 32, as linear.h reads them: rounded to the nearest of evenly spaced numbers, a scale a group in half precision.

Shape letters: O outputs, I inputs, N groups of inputs.
"""

from typing import Any, Literal, NamedTuple

Bits = Literal[8, 4]
GROUP, LANES = 32, 16


class Packed(NamedTuple):
    """A matrix [O, I] for the kernels: O filled up to 16, I to 32."""

    weights: Any
    """Bytes, in the order that linear.h tells."""
    scales: Any
    """[O / 16, N, 16] float16."""
    num_out: int
    num_in: int
    bits: Bits


def rounded(weight_OI: Any, bits: Bits) -> tuple[Any, Any]:
    """Return levels [O, N, 32] from 0 on, uint8, whose middle stands for 0, and scales [O, N] float16.

    Of 4 bits the largest number of a group is a level by itself, at the side that has one more (as llama.cpp's Q4_0 has it).
    """
    import torch

    num_out, num_in = weight_OI.shape
    groups = torch.nn.functional.pad(weight_OI.float(), (0, -num_in % GROUP)).view(num_out, -1, GROUP)
    middle = 2 ** (bits - 1)
    largest = groups.gather(-1, groups.abs().argmax(-1, keepdim=True))[..., 0]
    scales = largest.abs() / (middle - 1) if bits == 8 else largest / -middle
    scales = scales.half()
    inverse = torch.where(scales == 0, 0.0, 1 / scales.float())
    return (groups * inverse[..., None]).round().add(middle).clamp(0, 2 * middle - 1).byte(), scales


def pack(weight_OI: Any, bits: Bits) -> Packed:
    """Return a matrix as the kernels read it."""
    import torch

    num_out, num_in = weight_OI.shape
    levels, scales = rounded(weight_OI, bits)
    fill = -num_out % LANES
    levels, scales = torch.nn.functional.pad(levels, (0, 0, 0, 0, 0, fill)), torch.nn.functional.pad(scales, (0, 0, 0, fill))
    num_groups = levels.shape[1]
    # [blocks, lanes, groups, steps, 4] -> [blocks, groups, steps, lanes, 4]
    ordered = levels.view(-1, LANES, num_groups, GROUP // 4, 4).permute(0, 2, 3, 1, 4)
    if bits == 4:
        ordered = ordered[:, :, 0::2] | ordered[:, :, 1::2] << 4
    return Packed(ordered.contiguous(), scales.view(-1, LANES, num_groups).transpose(1, 2).contiguous(), num_out, num_in, bits)


def unpacked(levels: Any, scales: Any, num_in: int, bits: Bits) -> Any:
    """Return the matrix [O, I] float32 that levels stand for."""
    return ((levels.float() - 2 ** (bits - 1)) * scales.float()[..., None]).flatten(1)[:, :num_in]
