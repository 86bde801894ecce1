"""``/v1/models``: the models that are served (OpenAI)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipelines.serving.models.served import Served
from pipelines.serving.serving import serving_of
from pipelines.serving.wire.faults import as_json


def told_of(served: Served) -> dict[str, object]:
    """Return a model as it is told. ``version`` and ``max_model_len`` are ours, the latter by the name that vLLM gives it."""
    return {
        "id": served.name,
        "object": "model",
        "created": int(served.version.made_at),
        "owned_by": "modelmill",
        "version": served.version.content,
        "max_model_len": served.most_tokens,
        "is_encoder": served.engine is None,
    }


async def models(request: Request) -> Response:
    """Return all models."""
    return as_json({"object": "list", "data": [told_of(served) for served in serving_of(request).shelf]})


ROUTE = Route("/v1/models", models)
