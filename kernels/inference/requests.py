"""What a model is asked the likelihood of, and which models are asked anything."""

from typing import TYPE_CHECKING, NamedTuple

from kernels.inference.asked_models import AskedModel, window_of
from kernels.models.formats.own import attention_of
from kernels.specs.objectives import Attention

if TYPE_CHECKING:
    from kernels.models.formats.checkpoints import LanguageModel

TOKENS_PER_BATCH = 2048
"""Rows times longest row of one forward pass: bounds memory, and changes results only by rounding."""


class Request(NamedTuple):
    """Token ids that are given, and those whose log-likelihood is asked."""

    context: tuple[int, ...]
    continuation: tuple[int, ...]
    image: int | None = None
    """Number of the image whose places the context holds; None where it holds none."""


def attention_of_asked(lm: "LanguageModel") -> Attention:
    """Return who may look at whom in a model that is asked what follows a text.

    Raises:
        ValueError: it predicts masked tokens, and has no answer.
    """
    attention = attention_of(lm.model)
    if attention == "bidirectional":
        raise ValueError(
            f"{type(lm.model).__name__} predicts masked tokens and continues no text; ask a causal, prefix or encoder-decoder model for text and "
            "likelihoods"
        )
    return attention


def num_tokens_cut(model: AskedModel, request: Request) -> int:
    """Return how many tokens at the beginning of a request's context find no room; an encoder-decoder's continuation takes none from it."""
    apart = model.attention == "encoder_decoder"
    length = len(request.context) + (0 if apart else len(request.continuation) - 1)
    return max(0, length - (window_of(model) or length))
