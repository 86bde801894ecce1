"""Attention to what is near, in chunks, against attention to all under a mask."""

import pytest
import torch

from kernels.models.blocks.attention import attend
from kernels.models.blocks.nearby import attend_nearby, has_chunks, nearby_mask
from kernels.models.reading import MASKED


def drawn(*sizes: int, seed: int) -> torch.Tensor:
    return torch.randn(*sizes, generator=torch.Generator().manual_seed(seed)).requires_grad_()


@pytest.mark.parametrize(("length", "window", "chunked"), [(16, 4, True), (24, 4, True), (18, 4, False), (12, 4, False), (8, 16, False)])
def test_it_is_attention_under_a_mask_of_documents_and_distances_and_so_are_its_gradients(length: int, window: int, chunked: bool) -> None:
    segments = torch.tensor([[0] * 5 + [1] * (length - 5), [0] * (length - 3) + [-1] * 3])
    places = torch.arange(length)
    seen = (segments[:, :, None] == segments[:, None]) & ((places[:, None] - places[None]).abs() <= window)
    whole = torch.where(seen, 0.0, MASKED)[:, None]
    assert has_chunks(length, window) == chunked
    q, k, v = drawn(2, 2, 3, length, 8, seed=1), drawn(2, 2, length, 8, seed=2), drawn(2, 2, length, 8, seed=3)
    weights = drawn(2, 2, 3, length, 8, seed=4).detach()
    expected, found = attend(q, k, v, whole), attend_nearby(q, k, v, nearby_mask(segments, window), window)
    torch.testing.assert_close(found, expected)
    of_expected, of_found = (torch.autograd.grad((output * weights).sum(), (q, k, v)) for output in (expected, found))
    torch.testing.assert_close(of_found, of_expected)
