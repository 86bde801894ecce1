"""The nats of each label, made in pieces, and the gradients that flow from any weighing of them, are those of torch's own."""

import pytest
import torch

from kernels.models.blocks import token_nats as made
from kernels.models.blocks.token_nats import token_nats


@pytest.mark.parametrize("has_bias", [False, True])
@pytest.mark.parametrize("logits_of_chunk", [11 * 3, 1 << 20])
def test_nats_and_gradients_are_those_over_all_logits(monkeypatch: pytest.MonkeyPatch, logits_of_chunk: int, has_bias: bool) -> None:
    monkeypatch.setattr(made, "LOGITS_OF_CHUNK", logits_of_chunk)
    random = torch.Generator().manual_seed(1)
    hidden, weight = (torch.randn(size, 6, generator=random).requires_grad_() for size in (8, 11))
    bias = torch.randn(11, generator=random).requires_grad_() if has_bias else None
    inputs = [each for each in (hidden, weight, bias) if each is not None]
    targets, weights = torch.tensor([0, 3, 7, 10, 5, 5, 1, 2]), torch.randn(8, generator=random)
    found = token_nats(hidden, weight, targets, bias)
    logits = hidden @ weight.t() if bias is None else hidden @ weight.t() + bias
    expected = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    torch.testing.assert_close(found, expected)
    ours, theirs = (torch.autograd.grad((each * weights).square().sum(), inputs) for each in (found, expected))
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-5)


def test_half_precision_is_near_to_single() -> None:
    hidden, weight, targets = torch.randn(8, 6), torch.randn(11, 6), torch.randint(0, 11, (8,))
    torch.testing.assert_close(token_nats(hidden.bfloat16(), weight, targets), token_nats(hidden, weight, targets), rtol=0.05, atol=0.05)
