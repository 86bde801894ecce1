"""Back ends by their names: whoever adds a file beside this one that declares one adds a back end."""

import functools
from typing import TYPE_CHECKING

from kernels.inference.asking import Answers
from kernels.inference.backends import own, vllm
from kernels.inference.backends.backend import Backend, Manner, Room
from kernels.specs.families import collect
from kernels.specs.names import nearest

if TYPE_CHECKING:
    from kernels.models.formats.checkpoints import LanguageModel

AS_IT_COMES = Manner()


@functools.cache
def backends() -> dict[str, Backend]:
    """Return all back ends by name. Raises ImportError where a module of one does not load."""
    found = collect(("kernels.inference.backends",))
    if found.broken:
        raise ImportError("; ".join(found.broken.values()))
    return found.specs


def usual(lm: "LanguageModel", weights: str | None = None, manner: Manner = AS_IT_COMES) -> str:
    """Return the name of the back end that answers by a model where none is named.

    On a GPU that is vLLM, where it is installed and can; else our own. On a CPU it is our own even for one who talks alone: at 8 bits it makes more
    tokens a second than llama.cpp, for one and for sixteen at once (tests/bench/serving.py), and no file has to be written and read first.
    """
    import torch

    has_gpu = torch.cuda.is_available()
    can = has_gpu and (weights is None or weights in vllm.SPEC.weights) and vllm.EXTRA.is_installed() and vllm.fault(lm, manner) is None
    return (vllm.SPEC if can else own.SPEC).name


def opened(name: str, lm: "LanguageModel", room: Room, weights: str | None = None, manner: Manner = AS_IT_COMES) -> Answers:
    """Return what answers by a model.

    Args:
        name: of the back end.
        lm: a model that continues texts.
        room: for all that is under way.
        weights: one of the back end's forms; None takes the usual one.
        manner: how it is to answer.

    Raises:
        ValueError: no back end has the name, it lacks something here, has no such weights, or cannot express the model or
            answer so (says what to do).
    """
    backend = backends().get(name)
    if backend is None:
        raise ValueError(f"no back end is named {name!r}; {nearest(name, backends())}")
    if weights is not None and weights not in backend.weights:
        raise ValueError(f"the back end {name} has no weights {weights!r}; {nearest(weights, backend.weights)}")
    if (missing := backend.lacking()) is not None:
        raise ValueError(f"the back end {name} cannot answer here: {missing}")
    return backend.open(lm, weights or backend.weights[0], room, manner)
