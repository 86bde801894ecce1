"""Bodies of requests: bounded, JSON, of a schema. What would change the meaning of a request and is not known is refused by its name."""

import asyncio
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json
from starlette.requests import Request

from pipelines.serving.wire.faults import Refused

BODY_SECONDS = 30.0
"""In which a body must have come."""
_READ_ON = 4
"""How many times as long as it may be a body is read, and thrown away."""
MOST_DEPTH = 64
"""Of lists and objects in each other."""


class Body(BaseModel):
    """A body, or a part of one."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Loose(BaseModel):
    """A part of a body in which clients put more than is known, all of it harmless."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, allow_inf_nan=False)


_Body = TypeVar("_Body", bound=Body)


async def read_body(request: Request, kind: type[_Body], most_bytes: int) -> _Body:
    """Return the body of a request.

    Raises:
        Refused: it is too long or too slow, no JSON, too deep, or none of its kind (names the parameter).
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(415, "the body must be JSON; say so: Content-Type: application/json")
    data = await _bytes(request, most_bytes)
    try:
        value: Any = from_json(data, allow_inf_nan=False)
    except ValueError as error:
        raise Refused(400, f"the body is no JSON that can be read: {error}") from error
    if not isinstance(value, dict):
        raise Refused(400, "the body must be a JSON object")
    if _is_deeper(value, MOST_DEPTH):
        raise Refused(400, f"the body has more than {MOST_DEPTH} lists and objects in each other")
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise _fault(error) from error


async def _bytes(request: Request, most_bytes: int) -> bytes:
    """Return the bytes of a body. What is a little too long is read to its end all the same, so that the client hears why it is refused."""
    told, data, count = int(request.headers.get("content-length", "0")), bytearray(), 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            if told <= _READ_ON * most_bytes:
                async for chunk in request.stream():
                    count += len(chunk)
                    if count <= most_bytes:
                        data += chunk
                    elif count > _READ_ON * most_bytes:
                        break
    except TimeoutError:
        raise Refused(408, f"the body did not come within {BODY_SECONDS:g} s", headers={"Connection": "close"}) from None
    if max(count, told) > most_bytes:
        words = f"the body has more than {most_bytes} bytes; shorten it, or raise --most-body-bytes"
        raise Refused(413, words, headers={"Connection": "close"})
    return bytes(data)


def _is_deeper(value: Any, most: int) -> bool:
    """Return whether lists and objects stand deeper in each other than they may."""
    level = [value]
    for _ in range(most):
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each) if isinstance(inner, dict | list)]
        if not level:
            return False
    return True


def _fault(error: ValidationError) -> Refused:
    """Return the first thing that is wrong with a body; where it might be of several types, what is wrong with the one that it is of."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    first = next((each for each in found if not each["type"].endswith("_type")), found[0])
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        words = f"{place}: this parameter is not known here, and may change what is meant; leave it out"
        return Refused(400, words, param=place, code="unknown_parameter")
    return Refused(400, f"{place}: {first['msg']}" if place else first["msg"], param=place or None)
