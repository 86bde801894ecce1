"""``/metrics``: what is counted, as Prometheus reads it."""

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipelines.serving.serving import serving_of


async def metrics(request: Request) -> Response:
    """Return all counts."""
    return Response(generate_latest(serving_of(request).metrics.registry), headers={"content-type": CONTENT_TYPE_LATEST})


ROUTE = Route("/metrics", metrics)
