"""``/v1/responses`` in its common part (platform.openai.com, Responses): an answer as items. Nothing is stored, so that no answer can be named later.

What is told at once is the response that the last event of a stream holds.
"""

import secrets
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pipelines.serving.serving import headers_of, model_for, serving_of
from pipelines.serving.speech.answers import Part, Parts
from pipelines.serving.speech.conversing import begin
from pipelines.serving.speech.items import ResponsesBody
from pipelines.serving.text.calls import Call
from pipelines.serving.wire.bodies import read_body
from pipelines.serving.wire.events import Events, event, run_through, while_there
from pipelines.serving.wire.faults import as_json

_Event = dict[str, Any]


class Items:
    """An answer as it grows, item by item: what events tell of it, and the whole."""

    def __init__(self, parts: Parts, body: ResponsesBody) -> None:
        """Have nothing of the answer."""
        self._parts, self._tells_logprobs = parts, bool(body.include)
        self._output: list[dict[str, Any]] = []
        self._is_open = False
        self.response = {**_head(parts, body), "output": self._output}

    async def events(self) -> AsyncIterator[_Event]:
        """Yield the events that tell of the answer."""
        yield {"type": "response.created", "response": {**self.response, "output": []}}
        yield {"type": "response.in_progress", "response": {**self.response, "output": []}}
        async for part in self._parts.come():
            logprobs = self._parts.served.spelling.told(part.tokens) if self._tells_logprobs else []
            for each in part.said if part.said or not logprobs else ("",):
                for told in self._words(each, logprobs) if isinstance(each, str) else self._call(each):
                    yield told
                logprobs = [] if isinstance(each, str) else logprobs
            if part.finish is not None:
                for told in self._end(part):
                    yield told

    def _words(self, text: str, logprobs: list[Any]) -> Iterator[_Event]:
        if not self._is_open:
            item = {"id": f"msg_{secrets.token_hex(12)}", "type": "message", "status": "in_progress", "role": "assistant", "content": []}
            self._is_open = True
            yield self._told("output_item.added", self._add(item), item={**item, "content": []})
            words = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
            item["content"] = [words]
            yield self._of_words("content_part.added", part={**words, "logprobs": []})
        words = self._output[-1]["content"][0]
        words["text"] += text
        words["logprobs"] += logprobs
        yield self._of_words("output_text.delta", delta=text, logprobs=logprobs)

    def _call(self, call: Call) -> Iterator[_Event]:
        yield from self._close()
        item = {"id": f"fc_{secrets.token_hex(12)}", "type": "function_call", "status": "in_progress", "call_id": call.id, "name": call.name}
        place = self._add({**item, "status": "completed", "arguments": call.arguments})
        yield self._told("output_item.added", place, item={**item, "arguments": ""})
        yield self._told("function_call_arguments.delta", place, item_id=item["id"], delta=call.arguments)
        yield self._told("function_call_arguments.done", place, item_id=item["id"], name=call.name, arguments=call.arguments)
        yield self._told("output_item.done", place, item=self._output[-1])

    def _close(self, status: str = "completed") -> Iterator[_Event]:
        if self._is_open:
            item = self._output[-1]
            item["status"] = status
            words = item["content"][0]
            yield self._of_words("output_text.done", text=words["text"], logprobs=words["logprobs"])
            yield self._of_words("content_part.done", part=words)
            yield self._told("output_item.done", len(self._output) - 1, item=item)
        self._is_open = False

    def _end(self, part: Part) -> Iterator[_Event]:
        status = "incomplete" if part.finish == "length" else "completed"
        yield from self._close(status)
        given, made = len(self._parts.asked.tokens), self._parts.num_made
        self.response |= {
            "status": status,
            "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
            "usage": {
                "input_tokens": given,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": made,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": given + made,
            },
        }
        yield {"type": f"response.{status}", "response": self.response}

    def _add(self, item: dict[str, Any]) -> int:
        self._output.append(item)
        return len(self._output) - 1

    def _told(self, event_name: str, place: int, **words: Any) -> _Event:
        return {"type": f"response.{event_name}", "output_index": place, **words}

    def _of_words(self, name: str, **words: Any) -> _Event:
        return self._told(name, len(self._output) - 1, item_id=self._output[-1]["id"], content_index=0, **words)


def _head(parts: Parts, body: ResponsesBody) -> dict[str, Any]:
    """Return what a response says beside the answer: how it was asked."""
    told = body.model_dump(mode="json", by_alias=True)
    sampling = parts.asked.sampling
    return {
        "id": f"resp_{secrets.token_hex(12)}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": parts.served.name,
        "usage": None,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "tool_choice": told["tool_choice"] or "auto",
        "tools": told["tools"] or [],
        "text": told["text"] or {"format": {"type": "text"}},
        "truncation": "disabled",
        "store": False,
        "metadata": body.metadata or {},
        **{name: told[name] for name in ("instructions", "max_output_tokens", "previous_response_id", "user")},
    }


async def respond(request: Request) -> Response | ASGIApp:
    """Return the answer, whole or as a stream."""
    body = await read_body(request, ResponsesBody, serving_of(request).most_body_bytes)
    served = model_for(request, body.model)
    many = body.parallel_tool_calls is not False
    parts = await begin(request, served, body.turns(), body.wishes, body.offered, body.choice, many_calls=many)
    items = Items(parts, body)
    if body.stream:
        return Events(_stream(items), parts.withdraw, headers_of(served))
    await while_there(request, run_through(items.events()), parts.withdraw)
    return as_json(items.response, headers=headers_of(served))


async def _stream(items: Items) -> AsyncIterator[bytes]:
    number = 0
    async for told in items.events():
        yield event({**told, "sequence_number": number}, told["type"])
        number += 1


ROUTE = Route("/v1/responses", respond, methods=["POST"])
