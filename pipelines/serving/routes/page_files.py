"""``/pages/NAME``: what the page loads."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipelines.serving.wire.faults import Refused

_FOLDER = Path(__file__).parents[1] / "pages"
_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FILES = frozenset(path.name for path in _FOLDER.iterdir() if path.suffix in _KINDS)
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page_file(name: str) -> Response:
    """Return a file of the page's. Raises Refused: there is none of the name."""
    if name not in _FILES:
        raise Refused(404, f"the page has no file {name!r}")
    headers = {"content-security-policy": _POLICY, "referrer-policy": "no-referrer", "cache-control": "no-cache"}
    return Response((_FOLDER / name).read_bytes(), headers=headers, media_type=_KINDS[Path(name).suffix])


async def file(request: Request) -> Response:
    """Return the file of a name."""
    return page_file(request.path_params["name"])


ROUTE = Route("/pages/{name}", file)
