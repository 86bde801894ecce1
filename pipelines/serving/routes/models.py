"""``/v1/models``: the models that are served (OpenAI)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipelines.serving.models.served import Served
from pipelines.serving.serving import serving_of
from pipelines.serving.wire.faults import as_json


def told_of(served: Served) -> dict[str, object]:
    """Return a model as it is told. ``version`` is ours; ``root``, ``parent`` and ``max_model_len`` are called and told as vLLM does.

    An adapter's parent is its base, and its root the folder that it was read from.
    """
    return {
        "id": served.name,
        "object": "model",
        "created": int(served.version.made_at),
        "owned_by": "modelmill",
        "root": served.name if served.folder is None else str(served.folder),
        "parent": None if served.base is None else served.base.name,
        "version": served.version.content,
        "max_model_len": served.most_tokens,
        "is_encoder": served.engine is None,
    }


async def models(request: Request) -> Response:
    """Return all models, each before the adapters on it."""
    return as_json({"object": "list", "data": [told_of(each) for served in serving_of(request).shelf for each in (served, *served.adapters)]})


ROUTE = Route("/v1/models", models)
