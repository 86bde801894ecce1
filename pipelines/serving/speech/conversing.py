"""The way from a conversation to an answer under way, for all forms of chat."""

from collections.abc import Sequence
from dataclasses import replace

from starlette.requests import Request

from kernels.specs.turns import Turn
from pipelines.serving.models.served import Served
from pipelines.serving.serving import client_of
from pipelines.serving.speech.answers import Parts
from pipelines.serving.speech.tools import AUTO, Choice, Tool, held_call, with_tools
from pipelines.serving.speech.wishes import Wishes, asked_of
from pipelines.serving.text.calls import CLOSE
from pipelines.serving.wire.faults import Refused

MOST_TURNS = 1024
"""Of a conversation: that each is said is looked up in the whole, which costs their number times its length."""


async def begin(
    request: Request,
    served: Served,
    turns: Sequence[Turn],
    wishes: Wishes,
    tools: Sequence[Tool] = (),
    choice: Choice = AUTO,
    *,
    many_calls: bool = True,
) -> Parts:
    """Return the answer to a conversation, as it begins.

    Args:
        request: whose client asks.
        served: who answers.
        turns: said so far.
        wishes: of the client.
        tools: that may be called.
        choice: whether one is to be.
        many_calls: whether an answer may have several calls.

    Raises:
        Refused: it cannot be asked, or not now (says why).
    """
    offered = tools if choice.may else ()
    if offered and wishes.held is not None:
        words = f"{wishes.held.param}: an answer that is held to a schema can call no tool; leave one of them out, or take tool_choice none"
        raise Refused(400, words, param=wishes.held.param)
    held = held_call(tools, choice)
    if held is not None:
        wishes = replace(wishes, held=held)
    elif offered and not many_calls:
        wishes = replace(wishes, stops=[*wishes.stops, CLOSE])
    tokens = await served.aside(lambda: served.chat_prompt(with_tools(turns, offered, takes_tools=served.takes_tools)))
    return Parts(served, await asked_of(served, tokens, wishes), client_of(request), reads_calls=bool(offered))
