"""Streams of server-sent events (html.spec.whatwg.org, 9.2), and answers that nobody waits for any more.

A client that goes ends what was done for it, whether it reads a stream or waits for the whole.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from pipelines.serving.wire.faults import ANTHROPIC, Refused

DONE = b"data: [DONE]\n\n"
"""The last event of OpenAI's older streams."""
_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)


def event(data: Any, name: str | None = None) -> bytes:
    """Return an event; its data are ASCII, since some clients take other characters of Unicode for ends of lines."""
    head = "" if name is None else f"event: {name}\n"
    return f"{head}data: {json.dumps(data, allow_nan=False)}\n\n".encode("ascii")


async def run_through(found: AsyncIterator[Any]) -> None:
    """Have what yields come to its end; what it yields is for streams."""
    async for _ in found:
        pass


class Events:
    """A response that is a stream of events."""

    def __init__(self, events: AsyncIterator[bytes], close: Callable[[], None], headers: dict[str, str]) -> None:
        """Take what is sent.

        Args:
            events: as `event` makes them; a `Refused` that they raise is told as the last one.
            close: called in the end, however that comes, even where nothing was sent.
            headers: further ones.
        """
        self._events, self._close, self._headers = events, close, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send all, or what there is until the client goes."""
        sending = asyncio.create_task(self._send(scope["path"], send))
        gone = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            self._close()
            for task in (sending, gone):
                task.cancel()
            await asyncio.gather(sending, gone, return_exceptions=True)

    async def _send(self, path: str, send: Send) -> None:
        told = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store", "x-accel-buffering": "no", **self._headers}
        headers = [(name.lower().encode(), value.encode()) for name, value in told.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            async for each in self._events:
                await send({"type": "http.response.body", "body": each, "more_body": True})
        except Refused as refused:
            await send({"type": "http.response.body", "body": _last_words(refused, path), "more_body": True})
        except OSError:
            raise
        except Exception:
            _log.exception("a stream of %s broke", path)
            words = Refused(500, "the server failed; its log says why")
            await send({"type": "http.response.body", "body": _last_words(words, path), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _last_words(refused: Refused, path: str) -> bytes:
    return event(refused.told(path), "error" if path.startswith(ANTHROPIC) else None)


async def while_there(request: Request, work: Coroutine[Any, Any, _Result], close: Callable[[], None] = lambda: None) -> _Result:
    """Return what some work gives, and end it where the client goes first; ``close`` is called in the end, however that comes.

    Raises:
        ClientDisconnect: the client has gone.
    """
    working = asyncio.create_task(work)
    gone = asyncio.create_task(_gone(request.receive))
    try:
        await asyncio.wait((working, gone), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        close()
        for task in (working, gone):
            task.cancel()
        await asyncio.gather(working, gone, return_exceptions=True)


async def _gone(receive: Callable[[], Awaitable[Any]]) -> None:
    """Return when the client has gone: a request that was read has nothing else to say."""
    while (await receive())["type"] != "http.disconnect":
        pass
