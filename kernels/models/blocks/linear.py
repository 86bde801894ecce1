"""Linear layers and norms whose parameters stay in their own precision while they compute in that of what passes through."""

import torch
from torch import nn


class Linear(nn.Module):
    """``x W^T + b``: the weight [O, I] is cast to the type of ``x`` inside, which costs less than autocast's bookkeeping."""

    def __init__(self, num_in: int, num_out: int, *, bias: bool = False) -> None:
        """Allocate the parameters; who builds a model fills them."""
        super().__init__()
        self.weight = nn.Parameter(torch.empty(num_out, num_in))
        self.bias = nn.Parameter(torch.zeros(num_out)) if bias else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return [..., O] of [..., I]."""
        return nn.functional.linear(x, self.weight.to(x.dtype), None if self.bias is None else self.bias.to(x.dtype))


class RmsNorm(nn.Module):
    """Root mean square norm (Zhang and Sennrich 2019, arXiv 1910.07467), computed in float32."""

    def __init__(self, width: int, eps: float) -> None:
        """Start as the identity of scale."""
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return [..., D] of [..., D]."""
        wide = x.float()
        return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps) * self.weight).to(x.dtype)


class LayerNorm(nn.Module):
    """Layer norm (Ba et al. 2016, arXiv 1607.06450), computed in float32."""

    def __init__(self, width: int, eps: float, *, bias: bool = True) -> None:
        """Start as the identity of scale and place."""
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width)) if bias else None
        self.eps = eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return [..., D] of [..., D]."""
        return nn.functional.layer_norm(x.float(), x.shape[-1:], self.weight, self.bias, self.eps).to(x.dtype)
