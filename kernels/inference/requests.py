"""What a model is asked the likelihood of."""

from typing import NamedTuple

TOKENS_PER_BATCH = 2048
"""Rows times longest row of one forward pass: bounds memory, and changes results only by rounding."""


class Request(NamedTuple):
    """Token ids that are given, and those whose log-likelihood is asked."""

    context: tuple[int, ...]
    continuation: tuple[int, ...]
