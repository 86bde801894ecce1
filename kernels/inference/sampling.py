"""How the next token is chosen: what a distribution is changed by, and draws from it that follow from a request's own seed.

Changes come in one order: penalties, temperature, the k likeliest (Fan et al. 2018, arXiv 1805.04833), the nucleus (Holtzman et al. 2020,
arXiv 1904.09751), and what is likely enough beside the likeliest (min-p, Nguyen et al. 2024, arXiv 2407.01082). Shape letter: V vocabulary.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

_RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0.0, 100.0),
    "top_k": (0, float("inf")),
    "top_p": (0.0, 1.0),
    "min_p": (0.0, 1.0),
    "repetition_penalty": (0.01, 100.0),
    "presence_penalty": (-2.0, 2.0),
    "frequency_penalty": (-2.0, 2.0),
}


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How tokens of a request are chosen. The defaults change nothing of what the model says."""

    temperature: float = 1.0
    """What logits are divided by; 0 takes the likeliest token."""
    top_k: int = 0
    """How many of the likeliest tokens may be drawn; 0 for all."""
    top_p: float = 1.0
    """The fewest likeliest tokens that have this probability together may be drawn."""
    min_p: float = 0.0
    """The smallest probability that may be drawn, as a share of the largest."""
    repetition_penalty: float = 1.0
    """What logits of tokens that were given or made are divided by, negative ones multiplied (Keskar et al. 2019, arXiv 1909.05858)."""
    presence_penalty: float = 0.0
    """What is taken from logits of tokens that were made, once."""
    frequency_penalty: float = 0.0
    """What is taken from logits of tokens that were made, for each time."""
    seed: int = 0
    """Of the draws."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError: a value is none that it may be (names it)."""
        for each in fields(self):
            low, high = _RANGES.get(each.name, (float("-inf"), float("inf")))
            value = getattr(self, each.name)
            if not low <= value <= high:
                raise ValueError(f"{each.name}: {value} is not from {low:g} to {high:g}")
        if self.top_p == 0:
            raise ValueError("top_p: 0 leaves no token; take a number above it, or temperature 0 for the likeliest token")

    @property
    def changes_logits(self) -> bool:
        """Whether penalties are asked for."""
        return self.repetition_penalty != 1 or self.presence_penalty != 0 or self.frequency_penalty != 0


def penalised(logits_V: Any, sampling: Sampling, given: Mapping[int, int], made: Mapping[int, int]) -> Any:
    """Return logits less what tokens lose that were given or made (how often, by token)."""
    import torch

    if not sampling.changes_logits:
        return logits_V
    logits_V = logits_V.clone()
    if sampling.repetition_penalty != 1 and (given or made):
        seen = torch.tensor(sorted({*given, *made}), device=logits_V.device)
        found = logits_V[seen]
        logits_V[seen] = torch.where(found > 0, found / sampling.repetition_penalty, found * sampling.repetition_penalty)
    if made:
        tokens, counts = (torch.tensor(list(each), device=logits_V.device) for each in (made.keys(), made.values()))
        logits_V[tokens] -= sampling.presence_penalty + sampling.frequency_penalty * counts
    return logits_V


def distribution(logits_V: Any, sampling: Sampling) -> Any:
    """Return the probabilities that a token is drawn by, [V] float64, of logits that were penalised; that of the likeliest is 1 at temperature 0."""
    import torch

    if sampling.temperature == 0:
        found = torch.zeros(logits_V.shape, dtype=torch.float64, device=logits_V.device)
        found[logits_V.argmax()] = 1.0
        return found
    scaled_V = logits_V.double() / sampling.temperature
    if 0 < sampling.top_k < len(scaled_V):
        least = scaled_V.topk(sampling.top_k).values[-1]
        scaled_V = scaled_V.masked_fill(scaled_V < least, float("-inf"))
    found = scaled_V.softmax(-1)
    if sampling.top_p < 1:
        ordered, places = found.sort(descending=True, stable=True)
        is_out = ordered.cumsum(-1) - ordered >= sampling.top_p  # what stands before it has as much already
        found[places[is_out]] = 0.0
    if sampling.min_p > 0:
        found[found < sampling.min_p * found.max()] = 0.0
    return found / found.sum()


def drawn(probabilities_V: Any, chance: float) -> int:
    """Return the token that a number from 0 to below 1 falls on, tokens lying one behind the other, each as wide as it is probable."""
    import torch

    ends_V = probabilities_V.cumsum(-1)
    place = torch.tensor(chance * float(ends_V[-1]), dtype=ends_V.dtype, device=ends_V.device)
    return int(torch.searchsorted(ends_V, place, right=True).clamp(max=int(probabilities_V.nonzero()[-1])))
