"""The application: all routes behind the guard, and what is told of errors that no route tells itself."""

import asyncio
import importlib
import logging
import pkgutil
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

import pipelines.serving.routes
from pipelines.serving.guards import Guard
from pipelines.serving.serving import Serving
from pipelines.serving.wire.faults import Refused

_GONE = 499
"""What nginx puts down of a client that went; nobody is there to read it."""
_log = logging.getLogger(__name__)


def routes() -> list[Route]:
    """Return the routes that the modules of their folder declare, in order of path."""
    folder = pipelines.serving.routes
    modules = [importlib.import_module(f"{folder.__name__}.{info.name}") for info in pkgutil.iter_modules(folder.__path__)]
    return sorted((cast(Route, module.ROUTE) for module in modules), key=lambda route: route.path)


def application(serving: Serving, watch: Callable[[], Coroutine[Any, Any, None]] | None = None) -> Starlette:
    """Return the application of a server.

    Args:
        serving: its state; what is on its shelf ends with the application.
        watch: what goes on beside requests, for ever.
    """
    found = routes()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        watching = None if watch is None else asyncio.create_task(watch())
        try:
            yield
        finally:
            if watching is not None:
                watching.cancel()
                with suppress(asyncio.CancelledError):
                    await watching
            serving.shelf.fail_all(Refused(503, "the server has ended"))
            serving.shelf.close()

    app = Starlette(
        routes=found,
        lifespan=lifespan,
        middleware=[Middleware(Guard, serving=serving, paths=frozenset(route.path for route in found))],
        exception_handlers={Refused: _refused, HTTPException: _of_starlette, ClientDisconnect: _gone, Exception: _failed},
    )
    app.state.serving = serving
    return app


async def _refused(request: Request, error: Exception) -> Response:
    return cast(Refused, error).response(request.url.path)


async def _of_starlette(request: Request, error: Exception) -> Response:
    found = cast(HTTPException, error)
    words = {404: f"there is no {request.url.path}", 405: f"{request.url.path} takes no {request.method}"}.get(found.status_code, found.detail)
    return Refused(found.status_code, words, headers=found.headers).response(request.url.path)


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=_GONE)


async def _failed(request: Request, error: Exception) -> Response:
    return Refused(500, "the server failed; its log says why").response(request.url.path)
