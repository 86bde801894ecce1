"""``/``: the page on which people talk with the models. All that it loads is of this server, and its policy allows nothing else."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipelines.serving.routes.page_files import page_file


async def page(request: Request) -> Response:
    """Return the page."""
    return page_file("index.html")


ROUTE = Route("/", page)
