"""``/detokenize``: tokens as text, control tokens as they are spelled (in the form of vLLM's route of this name)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipelines.serving.serving import headers_of, model_for, serving_of
from pipelines.serving.speech.prompts import TokenId, require_tokens
from pipelines.serving.wire.bodies import Body, read_body
from pipelines.serving.wire.faults import as_json


class DetokenizeBody(Body):
    """Tokens."""

    model: str
    tokens: list[TokenId]


async def detokenize(request: Request) -> Response:
    """Return the text."""
    body = await read_body(request, DetokenizeBody, serving_of(request).most_body_bytes)
    served = model_for(request, body.model)
    require_tokens(served, body.tokens, "tokens")
    text: str = await served.aside(lambda: served.lm.tokenizer.decode(body.tokens, skip_special_tokens=False))
    return as_json({"prompt": text}, headers=headers_of(served))


ROUTE = Route("/detokenize", detokenize, methods=["POST"])
