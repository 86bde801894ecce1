"""Weights come to the levels nearest to them, by scales that are the best of some, and lie as the kernels read them."""

import re

import pytest
import torch

from kernels.inference.native.building import HERE
from kernels.inference.native.packing import LEVELS_4, SHARES, Bits, nearest, pack, pack_pieces, rounded, unpacked

LEVELS = {8: torch.arange(-128.0, 128.0), 4: torch.tensor(LEVELS_4, dtype=torch.float32)}


def weights(num_out: int, num_in: int) -> torch.Tensor:
    return torch.randn(num_out, num_in, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("bits", [8, 4])
def test_each_weight_comes_to_the_level_nearest_to_it(bits: Bits) -> None:
    groups = weights(20, 96).view(20, 3, 32)
    groups[3, :2] = 0
    numbers, scales = rounded(groups.flatten(1), bits)
    found = LEVELS[bits][numbers.int()] * scales[..., None].float()
    of_all = LEVELS[bits] * scales[..., None].float()
    least = (groups[..., None] - of_all[:, :, None]).abs().amin(-1)
    assert ((groups - found).abs() <= least + scales[..., None].abs() * 1.01).all()  # between two, to either within half a part
    assert (found[3, :2] == 0).all() and (found[3, 2] != 0).any()


@pytest.mark.parametrize("size", [0.0, 1e-39, 1e-12])
@pytest.mark.parametrize("bits", [8, 4])
def test_weights_that_no_scale_is_small_enough_for_come_to_nothing(bits: Bits, size: float) -> None:
    assert torch.equal(unpacked(pack(weights(2, 40) * size, bits)), torch.zeros(2, 40))


def test_scales_of_4_bits_leave_smaller_errors_than_those_of_the_largest_number_and_than_even_levels() -> None:
    groups = weights(500, 32)
    largest = groups.gather(1, groups.abs().argmax(1, keepdim=True))

    def error(found: torch.Tensor) -> float:
        return float((groups - found).square().mean())

    plain = largest / LEVELS_4[0]
    by_largest = error(LEVELS[4][nearest(groups, plain, 4).int()] * plain)
    even = error((groups / (largest / -8)).round().clamp(-8, 7) * (largest / -8))
    found = error(unpacked(pack(groups, 4)))
    assert found < 0.9 * by_largest and found < 0.75 * even, (found, by_largest, even)


def test_levels_of_4_bits_are_where_lloyds_algorithm_ends_for_normal_numbers() -> None:
    groups = torch.randn(20_000, 32, generator=torch.Generator().manual_seed(0))
    numbers, scales = rounded(groups, 4)
    flat, wide = numbers.flatten().int(), scales.float().expand_as(groups).flatten()
    means = torch.zeros(16).index_add_(0, flat, groups.flatten() * wide) / torch.zeros(16).index_add_(0, flat, wide.square())
    assert len(SHARES) == 7 and (means * 127 / -means[0] - LEVELS[4]).abs().max() < 0.75


def test_the_kernels_have_the_same_levels() -> None:
    found = re.search(r"LEVELS_4\[16\] = \{(.*?)\}", (HERE / "linear.h").read_text())
    assert found is not None and tuple(int(word) - 128 for word in found[1].split(",")) == LEVELS_4


@pytest.mark.parametrize("bits", [8, 4])
def test_what_is_packed_is_what_was_rounded_whole_by_rows_and_in_pieces(bits: Bits) -> None:
    weight = weights(70, 50)
    packed, (numbers, scales) = pack(weight, bits), rounded(weight, bits)
    expected = (LEVELS[bits][numbers.int()] * scales[..., None].float()).flatten(1)[:, :50]
    torch.testing.assert_close(unpacked(packed), expected, rtol=0, atol=0)
    rows = torch.tensor([[3, 69], [16, 3]])
    torch.testing.assert_close(unpacked(packed, rows), expected[rows], rtol=0, atol=0)
    by_pieces = pack_pieces(weight.split(32), bits)
    assert torch.equal(by_pieces.weights, packed.weights) and torch.equal(by_pieces.scales, packed.scales) and by_pieces[2:] == packed[2:]
