"""``/health``: whether the server answers, and which version of each model. Open to all, as those who share out load ask it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipelines.serving.serving import serving_of
from pipelines.serving.wire.faults import as_json


async def health(request: Request) -> Response:
    """Return 200 while requests are taken, else 503."""
    serving = serving_of(request)
    models = [
        {
            "name": served.name,
            "version": served.version.content,
            "made_at": served.version.made_at,
            "failed": None if served.worker.failure is None else str(served.worker.failure),
            "num_guessed": served.worker.load.num_guessed,
            "num_guessed_right": served.worker.load.num_guessed_right,
            "refused": serving.shelf.refusals.get(served.name),
        }
        for served in serving.shelf
    ]
    failed = any(served.worker.failure is not None for served in serving.shelf)
    status = "draining" if serving.is_draining else "failed" if failed else "ok"
    return as_json({"status": status, "models": models}, 200 if status == "ok" else 503)


ROUTE = Route("/health", health)
