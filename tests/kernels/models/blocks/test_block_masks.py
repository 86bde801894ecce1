"""Blocks tell the same of who sees whom as masks, and attention by them is the same."""

from typing import Any

import pytest
import torch

from kernels.models.blocks import block_masks
from kernels.models.blocks.attention import attend
from kernels.models.blocks.block_masks import in_blocks, seen_by
from kernels.models.blocks.nearby import attend_nearby, nearby_mask, seen_nearby
from kernels.models.reading import Reading, mask_of

ROWS, LENGTH = 2, 160


@pytest.fixture(autouse=True)
def uncompiled(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch.nn.attention.flex_attention import create_block_mask

    monkeypatch.setattr(block_masks, "_compiled", [create_block_mask])


def reading(*, has_prefix: bool = False) -> Reading:
    segments = (torch.arange(LENGTH) // 60).repeat(ROWS, 1)
    segments[1] = (torch.arange(LENGTH) >= 131).long()
    segments[1, 150:] = -1
    prefix = (torch.arange(LENGTH) % 60 < 20).repeat(ROWS, 1) if has_prefix else None
    return Reading(torch.zeros_like(segments), segments, prefix, in_blocks=True)


def draw(*sizes: int) -> torch.Tensor:
    return torch.randn(*sizes, generator=torch.Generator().manual_seed(sum(sizes)))


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("repeats", [1, 2])
@pytest.mark.parametrize("has_bias", [False, True])
@pytest.mark.parametrize(("attention", "has_prefix"), [("causal", False), ("prefix", True), ("prefix", False), ("bidirectional", False)])
def test_attention_by_blocks_is_that_by_a_mask(attention: Any, has_prefix: bool, has_bias: bool, repeats: int) -> None:
    read = reading(has_prefix=has_prefix)
    q, k, v = draw(ROWS, 2, repeats, LENGTH, 16) / 4, draw(ROWS, 2, LENGTH, 16), draw(ROWS, 2, LENGTH, 16)
    bias = draw(2, repeats, LENGTH, LENGTH) if has_bias else None
    found = attend(q, k, v, seen_by(read, attention, 16), bias)
    torch.testing.assert_close(found, attend(q, k, v, mask_of(read, attention), bias), rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("window", [16, 20])  # of rows that are cut into chunks, and of rows that are not
def test_attention_to_what_is_near_is_the_same_by_blocks(window: int) -> None:
    read = reading()
    q, k, v = draw(ROWS, 2, 1, LENGTH, 16) / 4, draw(ROWS, 2, LENGTH, 16), draw(ROWS, 2, LENGTH, 16)
    found = attend_nearby(q, k, v, seen_nearby(read, window, 16), window)
    expected = attend_nearby(q, k, v, nearby_mask(read.segments_BT, window), window)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_blocks_that_nobody_sees_are_passed_over() -> None:
    segments = (torch.arange(512) // 128).repeat(1, 1)
    blocks = seen_by(Reading(segments, segments, in_blocks=True), "causal", 16)
    assert blocks.sparsity() == 75.0, "of 16 blocks the four of documents at themselves are left"


def test_heads_too_narrow_for_its_kernels_and_what_is_not_compiled_are_told_by_a_mask() -> None:
    assert in_blocks(reading(), 16) and not in_blocks(reading(), 8) and not in_blocks(reading()._replace(in_blocks=False), 16)
    assert torch.equal(seen_by(reading(), "causal", 8), mask_of(reading(), "causal"))
