"""``/v1/models/NAME``: one model that is served (OpenAI)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipelines.serving.routes.models import told_of
from pipelines.serving.serving import serving_of
from pipelines.serving.wire.faults import as_json


async def model(request: Request) -> Response:
    """Return the model of a name."""
    return as_json(told_of(serving_of(request).shelf.get(request.path_params["name"])))


ROUTE = Route("/v1/models/{name:path}", model)
