"""How a model knows where a token stands. Rotary, ALiBi and T5's bias are relative: inside a document they are the same wherever it lies in a row.

Learned and sinusoidal positions are absolute and start anew with each document.
"""

import math

import torch


def rotary(length: int, width: int, theta: float, device: torch.device, offset: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Return cosines and sines of the rotary angles (Su et al. 2021, arXiv 2104.09864), [length, width / 2] each, float32."""
    return rotary_at(torch.arange(offset, offset + length, device=device), width, theta)


def rotary_at(positions_T: torch.Tensor, width: int, theta: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what `rotary` does, of some positions."""
    inverse = 1.0 / theta ** (torch.arange(0, width, 2, device=positions_T.device, dtype=torch.float32) / width)
    angles = positions_T.float()[:, None] * inverse
    return angles.cos(), angles.sin()


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Return [..., T, width] turned, pairs being (i, i + width / 2), in float32."""
    first, second = x.float().chunk(2, -1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)


def sinusoidal(positions: torch.Tensor, width: int) -> torch.Tensor:
    """Return sinusoids of positions, [..., width] float32: sines, then cosines.

    Wavelengths go from 2 pi to 10,000 x 2 pi, both ends among them, as Vaswani et al. 2017 (arXiv 1706.03762, section 3.5) say and their code does
    (tensor2tensor, ``get_timing_signal_1d``); by the formula printed there, 10,000^(2i/d), the longest is a little shorter.
    """
    frequencies = torch.exp(torch.arange(width // 2, device=positions.device, dtype=torch.float32) * (-math.log(10_000.0) / max(1, width // 2 - 1)))
    angles = positions.float()[..., None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], -1)


def alibi_slopes(num_heads: int) -> list[float]:
    """Return the slope of each head (Press et al. 2022, arXiv 2108.12409, section 3), also where their number is no power of two."""
    whole = 2 ** math.floor(math.log2(num_heads))
    slopes = [2 ** (-8 * (head + 1) / whole) for head in range(whole)]
    between = [2 ** (-4 * (head + 1) / whole) for head in range(0, 2 * (num_heads - whole), 2)]
    return slopes + between


def alibi(num_heads: int, num_queries: int, num_keys: int, device: torch.device) -> torch.Tensor:
    """Return ALiBi's bias on scores, [heads, queries, keys] float32; the last query stands where the last key does. 0 for keys ahead."""
    slopes = torch.tensor(alibi_slopes(num_heads), device=device)
    queries = torch.arange(num_keys - num_queries, num_keys, device=device)
    distances = (queries[:, None] - torch.arange(num_keys, device=device)[None]).clamp(min=0)
    return -slopes[:, None, None] * distances


def bucket(distances: torch.Tensor, num_buckets: int, max_distance: int, *, both_ways: bool) -> torch.Tensor:
    """Return T5's bucket of distances key - query (Raffel et al. 2020, arXiv 1910.10683, section 2.1): exact when near, logarithmic when far."""
    found = torch.zeros_like(distances)
    if both_ways:
        num_buckets //= 2
        found = (distances > 0).long() * num_buckets
        away = distances.abs()
    else:
        away = (-distances).clamp(min=0)
    exact = num_buckets // 2
    far = exact + (torch.log(away.float().clamp(min=1) / exact) / math.log(max_distance / exact) * (num_buckets - exact)).long()
    return found + torch.where(away < exact, away, far.clamp(max=num_buckets - 1))


class RelativeBias(torch.nn.Module):
    """T5's learned bias by bucket of distance: a table [buckets, heads]."""

    def __init__(self, num_heads: int, num_buckets: int, max_distance: int, *, both_ways: bool) -> None:
        """Allocate the table; who builds a model fills it."""
        super().__init__()
        self.weight = torch.nn.Parameter(torch.empty(num_buckets, num_heads))
        self.num_buckets, self.max_distance, self.both_ways = num_buckets, max_distance, both_ways

    def forward(self, num_queries: int, num_keys: int) -> torch.Tensor:
        """Return the bias on scores, [heads, queries, keys] float32; the last query stands where the last key does.

        A distance is looked up once, and each query sees a window of the distances: gradients are summed along them before the table is reached,
        which one of a million places a bucket would keep a GPU busy with for longer than the model.
        """
        distances = torch.arange(1 - num_keys, num_queries, device=self.weight.device)  # of the last query to the first key, and so on
        of_distances = self.weight.float()[bucket(distances, self.num_buckets, self.max_distance, both_ways=self.both_ways)].T
        return of_distances.unfold(1, num_keys, 1).flip(1)
