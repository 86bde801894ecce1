"""Log-likelihoods of continuations under a model that continues texts, by the engine of all answers (engine.py) where the model reads in pages."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kernels.inference.api import model as api
from kernels.inference.api.model import ApiModel
from kernels.inference.asked_models import AskedModel, attention_of_asked, window_of
from kernels.inference.asking import Asked
from kernels.inference.engines import engine_of, reads_in_pages
from kernels.inference.likelihoods import encoder_decoder, whole_rows
from kernels.inference.likelihoods.requests import Request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kernels.models.formats.checkpoints import LanguageModel

MOST_TOKENS, MOST_KEPT_TOKENS = 1024, 16_384
"""Of a step, and of all contexts and continuations that are kept: they bound memory, and change results only by rounding."""


def log_likelihoods(model: AskedModel, requests: Sequence[Request], pixels: "NDArray[np.float32] | None" = None) -> list[float]:
    """Return the summed log-probability (nats, float32 softmax) of each request's continuation after its context.

    A model of an API is asked as api/model.py says; what follows is of those here. A float32 model computes its matrix products in bfloat16. Where a
    model reads in pages each context is read once, and so is what several begin with; where it keeps what it read otherwise whole rows pass together
    (whole_rows.py), and an encoder-decoder is asked as encoder_decoder.py says.

    Args:
        model: one that continues texts.
        requests: what is asked.
        pixels: the images that requests name by number, [I, 3, height, width], normalised; only a causal decoder reads any.

    Raises:
        ValueError: a context is empty, a continuation is longer than the model's context, an image with its text is, the model continues no texts, or
            an API tells no log-probabilities of prompts.
    """
    limit = window_of(model) or sys.maxsize
    _check(requests, limit)
    if isinstance(model, ApiModel):
        texts = [(*request.context, *request.continuation)[-limit - 1 :] for request in requests]
        return api.log_likelihoods(model, [(text, len(request.continuation)) for text, request in zip(texts, requests, strict=True)])
    if attention_of_asked(model) == "encoder_decoder":
        return _each(model, requests, lambda some: encoder_decoder.log_likelihoods(model, some))
    if pixels is not None or not reads_in_pages(model):
        return _each(model, requests, lambda some: whole_rows.log_likelihoods(model, some, limit, pixels))
    return _told(model, [(request.context[-(limit - len(request.continuation) + 1) :], request.continuation) for request in requests])


def _each(model: "LanguageModel", requests: Sequence[Request], ask: Callable[[Sequence[Request]], list[float]]) -> list[float]:
    """Return what is said to requests together, or to each by itself where no bit of it may depend on the others."""
    return [likelihood for request in requests for likelihood in ask([request])] if model.is_invariant else ask(requests)


def _told(model: "LanguageModel", texts: Sequence[tuple[tuple[int, ...], tuple[int, ...]]]) -> list[float]:
    """Return the log-likelihoods of continuations behind contexts that find room."""
    import torch

    results = [0.0] * len(texts)
    places: dict[tuple[int, ...], list[int]] = {}
    for place, (context, _) in enumerate(texts):
        places.setdefault(context, []).append(place)
    contexts = sorted(places)  # what begins alike is read one behind the other
    asked = [Asked(tokens=each, max_new_tokens=0, continuations=[texts[place][1] for place in places[each]]) for each in contexts]
    lengths = [len(each.tokens) + sum(map(len, each.continuations)) for each in asked]
    engine = engine_of(model, most_kept_tokens=max(MOST_KEPT_TOKENS, *lengths), most_tokens=MOST_TOKENS, is_invariant=model.is_invariant)
    with torch.autocast(torch.device(model.device).type, dtype=torch.bfloat16):
        for piece in engine.answers(asked):
            for told in piece.given:
                assert told.logprob is not None, "continuations are told with their log-probabilities"
                results[places[contexts[piece.request]][piece.answer]] += told.logprob
    return results


def _check(requests: Sequence[Request], limit: int) -> None:
    """Raise ValueError: a request finds no room in a model's context, or has no beginning."""
    for request in requests:
        given, asked = len(request.context), len(request.continuation)
        if not given or asked > limit:
            raise ValueError(f"{given} tokens before {asked}: give 1 or more before at most {limit}")
        if request.image is not None and given + asked - 1 > limit:
            raise ValueError(f"an image and its text are {given + asked - 1} tokens, and the model reads {limit}")
