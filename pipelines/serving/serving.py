"""What all routes share: the models, who may ask, what is counted, and whether anything is taken on."""

from dataclasses import dataclass, field

from starlette.requests import Request

from pipelines.serving.metrics import Metrics
from pipelines.serving.models.served import Served
from pipelines.serving.models.shelf import Shelf
from pipelines.serving.wire.keys import Keys

VERSION_HEADER = "x-model-version"
CLIENT, USED = "modelmill.client", "modelmill.used"
"""By what a request's scope tells who asks, and which models it uses."""


@dataclass(eq=False)
class Serving:
    """One server's state."""

    keys: Keys
    is_loopback: bool
    """Whether only this machine reaches it."""
    most_body_bytes: int
    shelf: Shelf = field(default_factory=Shelf)
    num_under_way: int = 0
    """Requests that were begun and not ended."""
    is_draining: bool = False
    """Whether nothing more is taken, since the server is to end."""
    metrics: Metrics = field(init=False)

    def __post_init__(self) -> None:
        self.metrics = Metrics(self.shelf.loads)


def serving_of(request: Request) -> Serving:
    """Return the server that a request came to."""
    return request.app.state.serving


def model_for(request: Request, name: str) -> Served:
    """Return a model that stays while a request is under way, though a newer version take its place. Raises Refused: there is none of the name."""
    served = serving_of(request).shelf.get(name)
    served.take()
    request.scope[USED].append(served)
    return served


def client_of(request: Request) -> str:
    """Return who asks: the owner of a key, or an address where there are none."""
    return request.scope[CLIENT]


def headers_of(served: Served) -> dict[str, str]:
    """Return what responses say of the model that answered."""
    return {VERSION_HEADER: served.version.content}
