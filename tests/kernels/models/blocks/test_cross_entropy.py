"""The loss in pieces, and its gradients, are those of torch's cross-entropy over all logits at once."""

import pytest
import torch

from kernels.models.blocks import cross_entropy
from kernels.models.blocks.cross_entropy import token_loss


def plain(
    hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor, divide_by: float, z_loss: float, bias: torch.Tensor | None
) -> torch.Tensor:
    logits = hidden @ weight.t() if bias is None else hidden @ weight.t() + bias
    valid = targets >= 0
    nats = torch.nn.functional.cross_entropy(logits, targets, ignore_index=-100, reduction="sum")
    return (nats + z_loss * (logits.logsumexp(-1).square() * valid).sum()) / divide_by


@pytest.mark.parametrize("has_bias", [False, True])
@pytest.mark.parametrize("z_loss", [0.0, 0.01])
@pytest.mark.parametrize("logits_of_chunk", [11 * 3, 1 << 20])
def test_loss_and_gradients_are_those_over_all_logits(monkeypatch: pytest.MonkeyPatch, logits_of_chunk: int, z_loss: float, has_bias: bool) -> None:
    monkeypatch.setattr(cross_entropy, "LOGITS_OF_CHUNK", {"cpu": logits_of_chunk})
    random = torch.Generator().manual_seed(1)
    hidden, weight = (torch.randn(size, 6, generator=random).requires_grad_() for size in (8, 11))
    bias = torch.randn(11, generator=random).requires_grad_() if has_bias else None
    targets = torch.tensor([0, 3, -100, 10, 5, -100, 1, 2])
    inputs = [each for each in (hidden, weight, bias) if each is not None]
    found = token_loss(hidden, weight, targets, torch.tensor(9.0), z_loss=z_loss, bias_V=bias)
    expected = plain(hidden, weight, targets, 9.0, z_loss, bias)
    torch.testing.assert_close(found.total, expected)
    assert float(found.nats) == pytest.approx(plain(hidden, weight, targets, 1.0, 0.0, bias).item(), rel=1e-5)
    for factor in (1.0, 3.0):
        ours = torch.autograd.grad(found.total * factor, inputs, retain_graph=True)
        theirs = torch.autograd.grad(expected * factor, inputs, retain_graph=True)
        for mine, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-6)


def test_labels_that_count_nothing_give_no_gradient() -> None:
    hidden = torch.randn(3, 4).requires_grad_()
    token_loss(hidden, torch.randn(5, 4), torch.tensor([-100, 2, -100]), torch.tensor(1.0)).total.backward()
    assert hidden.grad is not None
    assert hidden.grad[[0, 2]].abs().sum() == 0 and hidden.grad[1].abs().sum() > 0


@pytest.mark.filterwarnings("ignore")  # of the compiler by itself
def test_compiled_and_plain_give_the_same() -> None:
    hidden, weight, targets = torch.randn(8, 6), torch.randn(11, 6), torch.randint(0, 11, (8,))
    found = [token_loss(hidden, weight, targets, torch.tensor(8.0), compiled=compiled).total for compiled in (False, True)]
    torch.testing.assert_close(*found)
