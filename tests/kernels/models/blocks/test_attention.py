"""Attention and its gradients are those of the formula, over shapes, masks and biases."""

import pytest
import torch

from kernels.models.blocks import attention
from kernels.models.blocks.attention import attend
from kernels.models.reading import MASKED


def naive(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None, bias: torch.Tensor | None) -> torch.Tensor:
    scores = torch.einsum("bgrtk,bgsk->bgrts", q, k)
    scores = scores if mask is None else scores + mask[:, :, None]
    scores = scores if bias is None else scores + bias[None]
    return torch.einsum("bgrts,bgsk->bgrtk", scores.softmax(-1), v)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_what_a_gpu_adds_to_scores_is_finite_in_every_precision(monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype) -> None:
    added: list[torch.Tensor] = []
    fused = torch.nn.functional.scaled_dot_product_attention

    def noted(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor, *, scale: float) -> torch.Tensor:
        added.append(mask)
        return fused(q, k, v, mask, scale=scale)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", noted)
    q, k = torch.ones(1, 2, 1, 3, 4, dtype=dtype), torch.ones(1, 2, 3, 4, dtype=dtype)
    seen = attention._attend_on_gpu(q, k, k, torch.full((1, 1, 3, 3), MASKED), None)
    assert added[0].isfinite().all()
    assert torch.equal(seen, q), "a position that sees nothing gives numbers all the same"


@pytest.mark.parametrize("has_bias", [False, True])
@pytest.mark.parametrize(("groups", "repeats"), [(2, 1), (2, 3), (1, 4)])
@pytest.mark.parametrize(("queries", "keys", "causal"), [(8, 8, True), (7, 7, True), (8, 8, False), (3, 9, False), (1, 5, False)])
def test_attention_and_its_gradients_are_those_of_the_formula(
    queries: int, keys: int, causal: bool, groups: int, repeats: int, has_bias: bool
) -> None:
    random = torch.Generator().manual_seed(1)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=random, dtype=torch.float64).requires_grad_()

    q, k, v = draw(2, groups, repeats, queries, 4), draw(2, groups, keys, 4), draw(2, groups, keys, 4)
    bias = draw(groups, repeats, queries, keys) if has_bias else None
    seen = torch.rand(2, 1, queries, keys, generator=random) > 0.3
    seen[..., 0] = True
    if causal:
        seen = seen & torch.ones(queries, keys, dtype=torch.bool).tril()
    mask = torch.where(seen, 0.0, MASKED).double()
    weight = torch.randn(2, groups, repeats, queries, 4, generator=random, dtype=torch.float64)
    inputs = [each for each in (q, k, v, bias) if each is not None]
    expected = naive(q, k, v, mask, bias)
    found = attend(q, k, v, mask, bias, causal=causal)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    for ours, theirs in zip(torch.autograd.grad((found * weight).sum(), inputs), torch.autograd.grad((expected * weight).sum(), inputs), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_a_causal_stack_of_even_length_is_done_in_blocks_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    q, k, v = torch.randn(2, 1, 2, 8, 4), torch.randn(2, 1, 8, 4), torch.randn(2, 1, 8, 4)
    mask = torch.where(torch.ones(8, 8, dtype=torch.bool).tril(), 0.0, MASKED)[None, None].expand(2, -1, -1, -1)
    in_two = attend(q, k, v, mask, causal=True)
    monkeypatch.setattr(attention, "CAUSAL_BLOCKS", 1)
    torch.testing.assert_close(in_two, attend(q, k, v, mask, causal=True))


def test_a_query_that_may_see_nothing_gives_numbers() -> None:
    found = attend(torch.randn(1, 1, 1, 2, 4), torch.randn(1, 1, 3, 4), torch.randn(1, 1, 3, 4), torch.full((1, 1, 2, 3), MASKED))
    assert torch.isfinite(found).all()


def test_the_path_of_a_gpu_gives_the_same() -> None:
    q, k, v = torch.randn(2, 2, 3, 5, 4), torch.randn(2, 2, 7, 4), torch.randn(2, 2, 7, 4)
    mask, bias = torch.where(torch.rand(2, 1, 5, 7) > 0.3, 0.0, MASKED), torch.randn(2, 3, 5, 7)
    mask[..., 0] = 0
    for added in (None, bias):
        torch.testing.assert_close(attention._attend_on_gpu(q, k, v, mask, added), attend(q, k, v, mask, added), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(attention._attend_on_gpu(q, k, v, None, None), attend(q, k, v, None), rtol=1e-4, atol=1e-5)
