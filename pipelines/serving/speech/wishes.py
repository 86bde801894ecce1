"""What a client wishes of an answer, whichever form it was said in, and the request to the engine that it makes."""

import functools
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from kernels.inference.asking import Asked
from kernels.inference.constraints import Constraint, of_schema
from kernels.inference.sampling import Sampling
from kernels.tokens.mixtures.permutation import key_of
from pipelines.serving.models.served import Served
from pipelines.serving.text.calls import CLOSE, OPEN
from pipelines.serving.wire.faults import Refused

MOST_ANSWERS, MOST_STOPS, MOST_STOP_CHARS, MOST_LOGPROBS = 16, 16, 256, 20


@dataclass(frozen=True, kw_only=True)
class Held:
    """What answers are held to: JSON of a schema, perhaps as a call."""

    schema: dict[str, Any]
    param: str
    """The parameter that asks for it."""
    is_call: bool = False


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """How an answer is to be made. None stands for what nobody asked for."""

    most_tokens: int | None
    most_tokens_param: str = "max_tokens"
    """How the client's form calls it."""
    sampling: dict[str, float | int | None] = field(default_factory=dict[str, float | int | None])
    """Of `Sampling`, by its names."""
    seed: int | None = None
    stops: Sequence[str] = ()
    num_answers: int = 1
    num_logprobs: int | None = None
    held: Held | None = None


async def asked_of(served: Served, tokens: Sequence[int], wishes: Wishes, place: int = 0, first_told: int | None = None) -> Asked:
    """Return what the engine is asked.

    Args:
        served: who answers.
        tokens: of the prompt.
        wishes: of the client.
        place: of the prompt among those of one request, each of which is drawn for by a seed of its own.
        first_told: see `Asked`.

    Raises:
        Refused: prompt or answer find no room, nothing is cut (names both numbers); or a wish cannot be met (names it).
    """
    if served.engine is None:
        raise Refused(400, f"{served.name} is an encoder and continues no text; ask another model, or ask it for embeddings", param="model")
    seed = secrets.randbits(63) if wishes.seed is None else wishes.seed
    given = {name: value for name, value in wishes.sampling.items() if value is not None}
    try:
        sampling = Sampling(**given, seed=key_of("prompt", seed, place))  # pyright: ignore[reportArgumentType]  # what a schema has checked
    except ValueError as error:
        raise Refused(400, str(error), param=str(error).partition(":")[0]) from error
    room = room_for(served, tokens, wishes)
    return Asked(
        tokens=tokens,
        max_new_tokens=room if wishes.most_tokens is None else wishes.most_tokens,
        sampling=sampling,
        stop_tokens=served.stops,
        stops=tuple(wishes.stops),
        num_answers=wishes.num_answers,
        num_logprobs=wishes.num_logprobs,
        first_told=first_told,
        adapter=served.adapter,
        constraint=None if wishes.held is None else await _constraint(served, wishes.held),
    )


def room_for(served: Served, tokens: Sequence[int], wishes: Wishes) -> int:
    """Return how many tokens an answer has room for. Raises Refused: prompt or answer find none."""
    count = len(tokens)
    if count > served.most_tokens:
        words = f"the prompt has {count} tokens, and {served.name} reads {served.most_tokens} at most; shorten it: nothing is cut"
        raise Refused(400, words, code="context_length_exceeded")
    room = served.room(count)
    if wishes.most_tokens is not None and wishes.most_tokens > room:
        words = f"{wishes.most_tokens_param} is {wishes.most_tokens}, and behind the prompt's {count} tokens {served.name} has room for {room}"
        raise Refused(400, f"{words}; ask for fewer", param=wishes.most_tokens_param, code="context_length_exceeded")
    return room


async def _constraint(served: Served, held: Held) -> Constraint:
    marks = {"before": f"{OPEN}\n", "behind": f"\n{CLOSE}"} if held.is_call else {}
    try:
        return await served.aside(functools.partial(of_schema, served.lm, held.schema, **marks))
    except ValueError as error:
        raise Refused(400, f"{held.param}: {error}", param=held.param) from error
