"""``/v1/chat/completions`` (platform.openai.com, Chat Completions): the next answer in a conversation."""

import secrets
import time
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from kernels.inference.asking import Told
from pipelines.serving.serving import headers_of, model_for, serving_of
from pipelines.serving.speech.answers import Answer, Part, Parts, whole
from pipelines.serving.speech.conversing import MOST_TURNS, begin
from pipelines.serving.speech.messages import Format, FunctionTool, Message, ToolChoice, choice_of, held_of, tools_of, turns_of
from pipelines.serving.speech.sampled import Count, Sampled
from pipelines.serving.speech.tools import MOST_TOOLS
from pipelines.serving.speech.wishes import MOST_LOGPROBS, Wishes
from pipelines.serving.text.calls import Call
from pipelines.serving.wire.bodies import read_body
from pipelines.serving.wire.events import DONE, Events, event, while_there
from pipelines.serving.wire.faults import Refused, as_json


class ChatBody(Sampled):
    """A conversation, and how it is to be answered."""

    messages: Annotated[list[Message], Field(min_length=1, max_length=MOST_TURNS)]
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=MOST_LOGPROBS)] | None = None
    tools: Annotated[list[FunctionTool], Field(max_length=MOST_TOOLS)] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: Format | None = None
    modalities: list[Literal["text"]] | None = None

    @property
    def wishes(self) -> Wishes:
        """How the answer is to be made. Raises Refused: two parameters do not go together."""
        if self.max_tokens is not None and self.max_completion_tokens is not None:
            raise Refused(400, "max_tokens and max_completion_tokens say the same; give one of them", param="max_tokens")
        if self.top_logprobs is not None and not self.logprobs:
            raise Refused(400, "top_logprobs needs logprobs: true", param="top_logprobs")
        is_newer = self.max_completion_tokens is not None
        return Wishes(
            most_tokens=self.max_completion_tokens if is_newer else self.max_tokens,
            most_tokens_param="max_completion_tokens" if is_newer else "max_tokens",
            sampling=self.sampling,
            seed=self.seed,
            stops=self.stops,
            num_answers=self.n or 1,
            num_logprobs=(self.top_logprobs or 0) if self.logprobs else None,
            held=held_of(self.response_format),
        )


async def answer(request: Request) -> Response | ASGIApp:
    """Return the answers, whole or as a stream."""
    body = await read_body(request, ChatBody, serving_of(request).most_body_bytes)
    served, choice = model_for(request, body.model), choice_of(body.tool_choice)
    tools = tools_of(body.tools, choice)
    parts = await begin(request, served, turns_of(body.messages), body.wishes, tools, choice, many_calls=body.parallel_tool_calls is not False)
    head = {
        "id": f"chatcmpl-{secrets.token_hex(12)}",
        "created": int(time.time()),
        "model": served.name,
        "system_fingerprint": served.version.content,
    }
    if body.stream:
        return Events(_stream(parts, head, body), parts.withdraw, headers_of(served))
    answers = await while_there(request, whole(parts), parts.withdraw)
    choices = [_choice(parts, index, found, body) for index, found in enumerate(answers)]
    told = {**head, "object": "chat.completion", "choices": choices, "usage": usage_of(parts)}
    return as_json(told, headers=headers_of(served))


def usage_of(parts: Parts) -> dict[str, int]:
    """Return what a request cost, in tokens."""
    given, made = len(parts.asked.tokens), parts.num_made
    return {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made}


def _choice(parts: Parts, index: int, found: Answer, body: ChatBody) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": found.text if found.text or not found.calls else None, "refusal": None}
    if found.calls:
        message["tool_calls"] = [_call(call) for call in found.calls]
    return {"index": index, "message": message, "logprobs": _logprobs(parts, found.tokens, body), "finish_reason": found.finish}


def _call(call: Call) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _logprobs(parts: Parts, tokens: Sequence[Told], body: ChatBody) -> dict[str, Any] | None:
    return {"content": parts.served.spelling.told(tokens), "refusal": None} if body.logprobs else None


async def _stream(parts: Parts, head: dict[str, Any], body: ChatBody) -> AsyncIterator[bytes]:
    """Yield the events of a stream."""
    extra = {"usage": None} if body.tells_usage else {}
    head = {**head, "object": "chat.completion.chunk"}
    num_calls = [0] * parts.asked.num_answers
    for index in range(parts.asked.num_answers):
        first = {"index": index, "delta": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None}
        yield event({**head, "choices": [first], **extra})
    async for part in parts.come():
        delta = _delta(part, num_calls)
        if delta or part.finish is not None or (body.logprobs and part.tokens):
            logprobs = _logprobs(parts, part.tokens, body) if part.tokens else None
            yield event({**head, "choices": [{"index": part.answer, "delta": delta, "logprobs": logprobs, "finish_reason": part.finish}], **extra})
    if body.tells_usage:
        yield event({**head, "choices": [], "usage": usage_of(parts)})
    yield DONE


def _delta(part: Part, num_calls: list[int]) -> dict[str, Any]:
    delta: dict[str, Any] = {"content": part.text} if part.text else {}
    if part.calls:
        begin = num_calls[part.answer]
        num_calls[part.answer] += len(part.calls)
        delta["tool_calls"] = [{"index": begin + number, **_call(call)} for number, call in enumerate(part.calls)]
    return delta


ROUTE = Route("/v1/chat/completions", answer, methods=["POST"])
