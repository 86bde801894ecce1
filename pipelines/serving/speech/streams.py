"""Several answers under way, read as they come."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

_Value = TypeVar("_Value")


async def together(sources: Sequence[AsyncIterator[_Value]]) -> AsyncIterator[tuple[int, _Value]]:
    """Yield what comes from each of some sources, with its number."""

    async def following(source: AsyncIterator[_Value]) -> _Value:
        return await anext(source)

    pending = {asyncio.create_task(following(source)): number for number, source in enumerate(sources)}
    try:
        while pending:
            done, _ = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                number = pending.pop(task)
                try:
                    value = task.result()
                except StopAsyncIteration:
                    continue
                pending[asyncio.create_task(following(sources[number]))] = number
                yield number, value
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
