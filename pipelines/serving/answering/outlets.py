"""What came to a request and was not read yet: written by the thread of the engine, read by the event loop.

The engine never waits for a reader. What a slow one leaves lying grows together into one piece an answer, and past a limit its request is given up.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from typing import NamedTuple

from kernels.inference.asking import Asked, Ending, Piece, Told

MOST_UNREAD_TOKENS = 8192
"""Of a request, before it is given up."""


class Said(NamedTuple):
    """What came to an answer since it was last read."""

    answer: int
    tokens: list[Told]
    text: str
    given: list[Told]
    """Tokens of the prompt that were to be told."""
    ending: Ending | None = None
    stop: int | str | None = None


class Outlet:
    """The way from the engine to the reader of one request."""

    def __init__(self, asked: Asked, client: str, loop: asyncio.AbstractEventLoop) -> None:
        """Have nothing."""
        self.asked, self.client, self.began = asked, client, time.perf_counter()
        self.number: int | None = None
        """Of the request in the engine, once it is there."""
        self.num_left = asked.num_answers
        """Answers that have not ended."""
        self._loop, self._ready, self._lock = loop, asyncio.Event(), threading.Lock()
        self._unread: dict[int, Said] = {}
        self._num_unread = 0
        self._failure: Exception | None = None

    # --- by the engine's thread ---

    def put(self, piece: Piece) -> None:
        """Take what came to an answer."""
        with self._lock:
            before = self._unread.get(piece.answer, Said(piece.answer, [], "", []))
            before.given.extend(piece.given)
            if piece.told is not None:
                before.tokens.append(piece.told)
                self._num_unread += 1
            self._unread[piece.answer] = before._replace(text=before.text + piece.text, ending=piece.ending, stop=piece.stop)
        self.num_left -= piece.ending is not None
        self._loop.call_soon_threadsafe(self._ready.set)

    def fail(self, error: Exception) -> None:
        """Have the reader be told of an error, behind what came before it."""
        with self._lock:
            self._failure = error
        self._loop.call_soon_threadsafe(self._ready.set)

    @property
    def is_full(self) -> bool:
        """Whether more lies here than may."""
        return self._num_unread > MOST_UNREAD_TOKENS

    # --- by the reader ---

    async def said(self) -> AsyncIterator[Said]:
        """Yield what comes, until all answers have ended. Raises what the request failed by."""
        left = self.asked.num_answers
        while left:
            await self._ready.wait()
            self._ready.clear()
            with self._lock:
                unread, self._unread, self._num_unread = list(self._unread.values()), {}, 0
                failure = self._failure
            for each in unread:
                left -= each.ending is not None
                yield each
            if failure is not None:
                raise failure
