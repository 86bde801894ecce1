"""What a model is asked the likelihood of."""

from typing import NamedTuple

from kernels.inference.asked_models import AskedModel, window_of

TOKENS_PER_BATCH = 2048
"""Rows times longest row of one forward pass: bounds memory, and changes results only by rounding."""


class Request(NamedTuple):
    """Token ids that are given, and those whose log-likelihood is asked."""

    context: tuple[int, ...]
    continuation: tuple[int, ...]
    image: int | None = None
    """Number of the image whose places the context holds; None where it holds none."""


def num_tokens_cut(model: AskedModel, request: Request) -> int:
    """Return how many tokens at the beginning of a request's context find no room; an encoder-decoder's continuation takes none from it."""
    apart = model.attention == "encoder_decoder"
    length = len(request.context) + (0 if apart else len(request.continuation) - 1)
    return max(0, length - (window_of(model) or length))
