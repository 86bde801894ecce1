"""Back ends by their names: whoever adds a file beside this one that declares one adds a back end."""

import functools
from typing import TYPE_CHECKING

from kernels.inference.backends.backend import Answers, Backend, Room
from kernels.specs.families import collect
from kernels.specs.names import nearest

if TYPE_CHECKING:
    from kernels.models.formats.checkpoints import LanguageModel


@functools.cache
def backends() -> dict[str, Backend]:
    """Return all back ends by name. Raises ImportError where a module of one does not load."""
    found = collect(("kernels.inference.backends",))
    if found.broken:
        raise ImportError("; ".join(found.broken.values()))
    return found.specs


def opened(name: str, lm: "LanguageModel", room: Room, weights: str | None = None) -> Answers:
    """Return what answers by a model.

    Args:
        name: of the back end.
        lm: a model that continues texts.
        room: for all that is under way.
        weights: one of the back end's forms; None takes the usual one.

    Raises:
        ValueError: no back end has the name, it lacks something here, has no such weights or cannot express the model (says what to do).
    """
    backend = backends().get(name)
    if backend is None:
        raise ValueError(f"no back end is named {name!r}; {nearest(name, backends())}")
    if weights is not None and weights not in backend.weights:
        raise ValueError(f"the back end {name} has no weights {weights!r}; {nearest(weights, backend.weights)}")
    if (missing := backend.lacking()) is not None:
        raise ValueError(f"the back end {name} cannot answer here: {missing}")
    return backend.open(lm, weights or backend.weights[0], room)
