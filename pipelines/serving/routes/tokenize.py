"""``/tokenize``: a text or a conversation as the tokens in which the model would read it (in the form of vLLM's route of this name)."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipelines.serving.serving import headers_of, model_for, serving_of
from pipelines.serving.speech.conversing import MOST_TURNS
from pipelines.serving.speech.messages import Message, turns_of
from pipelines.serving.speech.tools import with_tools
from pipelines.serving.wire.bodies import Body, read_body
from pipelines.serving.wire.faults import Refused, as_json


class TokenizeBody(Body):
    """A text, or a conversation whose next answer is to be asked."""

    model: str
    prompt: str | None = None
    messages: Annotated[list[Message], Field(min_length=1, max_length=MOST_TURNS)] | None = None


async def tokenize(request: Request) -> Response:
    """Return the ids, how many they are, and how many the model reads."""
    body = await read_body(request, TokenizeBody, serving_of(request).most_body_bytes)
    served, prompt = model_for(request, body.model), body.prompt
    if (prompt is None) == (body.messages is None):
        raise Refused(400, "give either prompt or messages", param="prompt")
    if prompt is not None:
        tokens = await served.aside(lambda: served.text_prompt(prompt))
    else:
        turns = turns_of(body.messages or [])
        tokens = await served.aside(lambda: served.chat_prompt(with_tools(turns, (), takes_tools=served.takes_tools)))
    return as_json({"tokens": tokens, "count": len(tokens), "max_model_len": served.most_tokens}, headers=headers_of(served))


ROUTE = Route("/tokenize", tokenize, methods=["POST"])
