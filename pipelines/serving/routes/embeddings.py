"""``/v1/embeddings`` (platform.openai.com, Embeddings): texts as vectors, by a model that is an encoder."""

import base64
import struct
from typing import Annotated, Any, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kernels.inference.pooled import mean_pooled
from pipelines.serving.serving import client_of, headers_of, model_for, serving_of
from pipelines.serving.speech.prompts import TokenId, prompts_of
from pipelines.serving.speech.sampled import Harmless
from pipelines.serving.wire.bodies import read_body
from pipelines.serving.wire.events import while_there
from pipelines.serving.wire.faults import Refused, as_json


class EmbeddingsBody(Harmless):
    """Texts, or their tokens."""

    model: str
    input: str | Annotated[list[str] | list[TokenId] | list[list[TokenId]], Field(min_length=1)]
    encoding_format: Literal["float", "base64"] | None = None


async def embed(request: Request) -> Response:
    """Return the vectors: means of last hidden states, not scaled."""
    body = await read_body(request, EmbeddingsBody, serving_of(request).most_body_bytes)
    served = model_for(request, body.model)
    if served.engine is not None:
        raise Refused(400, f"{served.name} continues texts, and was made for no vectors of them; serve an encoder and ask that", param="model")
    texts = [prompt.tokens for prompt in await prompts_of(served, body.input)]
    try:
        vectors = await while_there(request, served.worker.errand(client_of(request), lambda: mean_pooled(served.lm, texts)))
    except ValueError as error:
        raise Refused(400, f"input: {error}", param="input", code="context_length_exceeded") from error
    found = [{"object": "embedding", "index": index, "embedding": _told(vector, body)} for index, vector in enumerate(vectors)]
    count = sum(map(len, texts))
    usage = {"prompt_tokens": count, "total_tokens": count}
    return as_json({"object": "list", "data": found, "model": served.name, "usage": usage}, headers=headers_of(served))


def _told(vector: list[float], body: EmbeddingsBody) -> Any:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode() if body.encoding_format == "base64" else vector


ROUTE = Route("/v1/embeddings", embed, methods=["POST"])
