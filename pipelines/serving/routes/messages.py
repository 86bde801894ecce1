"""``/v1/messages`` (docs.anthropic.com, Messages): the next answer in a conversation, in blocks of words and of calls."""

import json
import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pipelines.serving.serving import headers_of, model_for, serving_of
from pipelines.serving.speech.answers import Part, Parts
from pipelines.serving.speech.anthropic import MessagesBody
from pipelines.serving.speech.conversing import begin
from pipelines.serving.speech.tools import AUTO
from pipelines.serving.text.calls import Call
from pipelines.serving.wire.bodies import read_body
from pipelines.serving.wire.events import Events, event, run_through, while_there
from pipelines.serving.wire.faults import as_json

_Event = dict[str, Any]


class Blocks:
    """An answer as it grows, block by block: what events tell of it, and the whole."""

    def __init__(self, parts: Parts, body: MessagesBody) -> None:
        """Have nothing of the answer."""
        self._parts, self._stops = parts, body.stop_sequences or ()
        self.message: dict[str, Any] = {
            "id": f"msg_{secrets.token_hex(12)}",
            "type": "message",
            "role": "assistant",
            "model": parts.served.name,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": len(parts.asked.tokens), "output_tokens": 0},
        }
        self._is_open = False

    async def events(self) -> AsyncIterator[_Event]:
        """Yield the events that tell of the answer, and put the whole together."""
        yield {"type": "message_start", "message": {**self.message, "content": []}}
        async for part in self._parts.come():
            for each in part.said:
                for told in self._words(each) if isinstance(each, str) else self._call(each):
                    yield told
            if part.finish is not None:
                for told in self._end(part):
                    yield told

    def _words(self, text: str) -> Iterator[_Event]:
        if not self._is_open:
            self.message["content"].append({"type": "text", "text": ""})
            self._is_open = True
            yield {"type": "content_block_start", "index": self._index, "content_block": {"type": "text", "text": ""}}
        self.message["content"][-1]["text"] += text
        yield {"type": "content_block_delta", "index": self._index, "delta": {"type": "text_delta", "text": text}}

    def _call(self, call: Call) -> Iterator[_Event]:
        yield from self._close()
        block = {"type": "tool_use", "id": call.id, "name": call.name}
        self.message["content"].append({**block, "input": json.loads(call.arguments)})
        yield {"type": "content_block_start", "index": self._index, "content_block": {**block, "input": {}}}
        yield {"type": "content_block_delta", "index": self._index, "delta": {"type": "input_json_delta", "partial_json": call.arguments}}
        yield {"type": "content_block_stop", "index": self._index}

    def _close(self) -> Iterator[_Event]:
        if self._is_open:
            yield {"type": "content_block_stop", "index": self._index}
        self._is_open = False

    def _end(self, part: Part) -> Iterator[_Event]:
        yield from self._close()
        reason = {"length": "max_tokens", "tool_calls": "tool_use"}.get(str(part.finish), "end_turn")
        stop = part.stop if part.stop in self._stops and reason == "end_turn" else None
        ending = {"stop_reason": reason if stop is None else "stop_sequence", "stop_sequence": stop}
        self.message |= ending
        self.message["usage"]["output_tokens"] = self._parts.num_made
        yield {"type": "message_delta", "delta": ending, "usage": {"output_tokens": self._parts.num_made}}
        yield {"type": "message_stop"}

    @property
    def _index(self) -> int:
        return len(self.message["content"]) - 1


async def answer(request: Request) -> Response | ASGIApp:
    """Return the answer, whole or as a stream."""
    body = await read_body(request, MessagesBody, serving_of(request).most_body_bytes)
    served, told = model_for(request, body.model), body.tool_choice
    choice = AUTO if told is None else told.choice
    many = told is None or not told.disable_parallel_tool_use
    parts = await begin(request, served, body.turns(), body.wishes, body.offered, choice, many_calls=many)
    blocks = Blocks(parts, body)
    if body.stream:
        return Events(_stream(blocks), parts.withdraw, headers_of(served))
    await while_there(request, run_through(blocks.events()), parts.withdraw)
    return as_json(blocks.message, headers=headers_of(served))


async def _stream(blocks: Blocks) -> AsyncIterator[bytes]:
    async for told in blocks.events():
        yield event(told, told["type"])


ROUTE = Route("/v1/messages", answer, methods=["POST"])
