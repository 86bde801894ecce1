"""``/v1/completions`` (platform.openai.com, the older Completions): texts that go on."""

import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Annotated, Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from kernels.inference.asking import Asked, Told
from pipelines.serving.models.served import Served
from pipelines.serving.serving import client_of, headers_of, model_for, serving_of
from pipelines.serving.speech.answers import Parts
from pipelines.serving.speech.prompts import Prompt, TokenId, prompts_of
from pipelines.serving.speech.sampled import Sampled
from pipelines.serving.speech.streams import together
from pipelines.serving.speech.wishes import Wishes, asked_of
from pipelines.serving.text.spelling import LEAST_LOGPROB
from pipelines.serving.wire.bodies import read_body
from pipelines.serving.wire.events import DONE, Events, event, while_there
from pipelines.serving.wire.faults import Refused, as_json

_USUAL_MOST_TOKENS = 16


class CompletionsBody(Sampled):
    """Texts, and how they are to go on."""

    prompt: str | Annotated[list[str] | list[TokenId] | list[list[TokenId]], Field(min_length=1)]
    max_tokens: Annotated[int, Field(ge=0)] | None = None
    echo: bool | None = None
    logprobs: Annotated[int, Field(ge=0, le=5)] | None = None
    best_of: Annotated[int, Field(ge=1, le=1)] | None = None
    suffix: None = None

    @property
    def thinks_aloud(self) -> bool:
        """Whether log-probabilities of the prompts are told."""
        return bool(self.echo) and self.logprobs is not None

    @property
    def wishes(self) -> Wishes:
        """How answers are to be made."""
        return Wishes(
            most_tokens=_USUAL_MOST_TOKENS if self.max_tokens is None else self.max_tokens,
            sampling=self.sampling,
            seed=self.seed,
            stops=self.stops,
            num_answers=self.n or 1,
            num_logprobs=self.logprobs,
        )


class Text:
    """A text in the older form of log-probabilities, as it grows: where each token begins in it."""

    def __init__(self, served: Served, *, is_told: bool) -> None:
        """Have nothing. ``is_told``: whether log-probabilities are asked for."""
        self._served, self._is_told, self._num_chars = served, is_told, 0

    def told(self, tokens: Sequence[Told]) -> dict[str, Any] | None:
        """Return what is told of tokens that come behind those before."""
        if not self._is_told:
            return None
        spelling = self._served.spelling
        texts = [spelling.text(told.token) for told in tokens]
        offsets: list[int] = []
        for text in texts:
            offsets.append(self._num_chars)
            self._num_chars += len(text)
        return {
            "tokens": texts,
            "token_logprobs": [None if told.logprob is None else max(told.logprob, LEAST_LOGPROB) for told in tokens],
            "top_logprobs": [
                None if told.logprob is None else {spelling.text(token): max(logprob, LEAST_LOGPROB) for token, logprob in told.likeliest}
                for told in tokens
            ],
            "text_offset": offsets,
        }


async def complete(request: Request) -> Response | ASGIApp:
    """Return how texts go on, whole or as a stream."""
    body = await read_body(request, CompletionsBody, serving_of(request).most_body_bytes)
    served = model_for(request, body.model)
    prompts = await prompts_of(served, body.prompt)
    parts = await _begin(served, body, prompts, client_of(request))
    head = {"id": f"cmpl-{secrets.token_hex(12)}", "object": "text_completion", "created": int(time.time()), "model": served.name}
    head["system_fingerprint"] = served.version.content
    choices, num_given = _choices(served, body, prompts, parts), sum(len(prompt.tokens) for prompt in prompts)

    def usage() -> dict[str, int]:
        made = sum(each.num_made for each in parts)
        return {"prompt_tokens": num_given, "completion_tokens": made, "total_tokens": num_given + made}

    if body.stream:
        return Events(_stream(choices, head, body, usage), lambda: _withdraw(parts), headers_of(served))
    found = await while_there(request, _whole(choices), lambda: _withdraw(parts))
    return as_json({**head, "choices": found, "usage": usage()}, headers=headers_of(served))


async def _begin(served: Served, body: CompletionsBody, prompts: Sequence[Prompt], client: str) -> list[Parts]:
    """Return the answers to prompts, as they begin. Raises Refused: one cannot be asked, or not now."""
    wishes = body.wishes
    if wishes.most_tokens == 0 and not body.thinks_aloud:
        raise Refused(400, "max_tokens: 0 asks for nothing; take 1 or more, or echo with logprobs", param="max_tokens")
    if body.thinks_aloud and served.lm.attention == "encoder_decoder":
        raise Refused(400, f"echo with logprobs: {served.name} reads prompts by an encoder, which tells nothing of their tokens", param="echo")
    asked: list[Asked] = []
    for place, prompt in enumerate(prompts):
        if body.thinks_aloud and len(prompt.tokens) < 2:
            raise Refused(400, "prompt: has one token, and nothing stands before it that would make it likely", param="prompt")
        asked.append(await asked_of(served, prompt.tokens, wishes, place, max(1, prompt.num_before) if body.thinks_aloud else None))
    parts: list[Parts] = []
    try:
        for each in asked:
            parts.append(Parts(served, each, client))
    except Refused:
        _withdraw(parts)
        raise
    return parts


def _withdraw(parts: Sequence[Parts]) -> None:
    for each in parts:
        each.withdraw()


async def _choices(served: Served, body: CompletionsBody, prompts: Sequence[Prompt], parts: Sequence[Parts]) -> AsyncIterator[dict[str, Any]]:
    """Yield what comes to the answers, each piece in the form of a whole one; prompts that are echoed come once all is told of them."""
    count = body.wishes.num_answers
    texts = [[Text(served, is_told=body.logprobs is not None) for _ in range(count)] for _ in prompts]
    given = [[] if prompt.num_before else [Told(prompt.tokens[0])] for prompt in prompts]
    is_echoed = [not body.echo] * len(prompts)
    async for place, part in together([each.come() for each in parts]):
        prompt = prompts[place]
        given[place] += part.given
        if not is_echoed[place] and (not body.thinks_aloud or len(given[place]) == len(prompt.tokens) - prompt.num_before):
            is_echoed[place] = True
            for answer, text in enumerate(texts[place]):
                yield {"index": place * count + answer, "text": prompt.text, "logprobs": text.told(given[place]), "finish_reason": None}
        if part.tokens or part.text or part.finish is not None:
            logprobs = texts[place][part.answer].told(part.tokens)
            yield {"index": place * count + part.answer, "text": part.text, "logprobs": logprobs, "finish_reason": part.finish}


async def _whole(choices: AsyncIterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the answers, their pieces put together."""
    found: dict[int, dict[str, Any]] = {}
    async for piece in choices:
        before = found.setdefault(piece["index"], piece)
        if before is piece:
            continue
        before["text"] += piece["text"]
        before["finish_reason"] = piece["finish_reason"]
        for name, values in (piece["logprobs"] or {}).items():
            before["logprobs"][name] += values
    return [found[index] for index in sorted(found)]


async def _stream(
    choices: AsyncIterator[dict[str, Any]], head: dict[str, Any], body: CompletionsBody, usage: Callable[[], dict[str, int]]
) -> AsyncIterator[bytes]:
    extra = {"usage": None} if body.tells_usage else {}
    async for piece in choices:
        yield event({**head, "choices": [piece], **extra})
    if body.tells_usage:
        yield event({**head, "choices": [], "usage": usage()})
    yield DONE


ROUTE = Route("/v1/completions", complete, methods=["POST"])
