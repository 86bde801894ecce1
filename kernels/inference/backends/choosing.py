"""Back ends by their names: whoever adds a file beside this one that declares one adds a back end."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kernels.inference.asking import Answers
from kernels.inference.backends import own, vllm
from kernels.inference.backends.backend import BFLOAT16, Backend, Manner, Room
from kernels.models.formats import checkpoints
from kernels.specs.families import collect
from kernels.specs.names import nearest

if TYPE_CHECKING:
    from kernels.inference.guessing.guesser import Guessing
    from kernels.models.formats.checkpoints import LanguageModel

AS_IT_COMES = Manner()


class Choice(NamedTuple):
    """By what a checkpoint is asked, and how."""

    backend: str | None = None
    """None takes the usual one."""
    weights: str | None = None
    """A form of the back end's; None takes the usual one."""
    guessing: "Guessing | None" = None
    """Guesses ahead."""
    is_invariant: bool = False
    """Whether answers are the same to the bit whatever is answered beside them."""

    def manner(self, lm: "LanguageModel", most_kept_tokens: int) -> Manner:
        """Return how a back end is to answer by a model. Raises ValueError: what guesses ahead does not fit it."""
        return Manner(None if self.guessing is None else self.guessing(lm, most_kept_tokens), self.is_invariant)


@functools.cache
def backends() -> dict[str, Backend]:
    """Return all back ends by name. Raises ImportError where a module of one does not load."""
    found = collect(("kernels.inference.backends",))
    if found.broken:
        raise ImportError("; ".join(found.broken.values()))
    return found.specs


def known(name: str, weights: str | None = None) -> tuple[Backend, str]:
    """Return a back end by its name, and which of its forms of weights is meant. Raises ValueError: there is none of a name."""
    backend = backends().get(name)
    if backend is None:
        raise ValueError(f"no back end is named {name!r}; {nearest(name, backends())}")
    if weights is not None and weights not in backend.weights:
        raise ValueError(f"the back end {name} has no weights {weights!r}; {nearest(weights, backend.weights)}")
    return backend, weights or backend.weights[0]


def is_of_cpu(choice: Choice) -> bool:
    """Return whether the CPU computes what is chosen, whatever else the machine has. Raises ValueError: see `known`."""
    backend, form = known(choice.backend or own.SPEC.name, choice.weights)
    return form in backend.of_cpu


def usual(folder: Path, device: str, choice: Choice) -> str:
    """Return the name of the back end that answers by a checkpoint where none is named.

    On a GPU that is vLLM, where it is installed and can; else our own. On a CPU it is our own even for one who talks alone: at 8 bits it makes more
    tokens a second than llama.cpp, for one and for sixteen at once (tests/bench/serving.py), and no file has to be written and read first.
    """
    can = device == "cuda" and choice.weights in (None, *vllm.SPEC.weights) and choice.guessing is None and not choice.is_invariant
    if can and vllm.SPEC.lacking() is None and not hasattr(checkpoints.shape_of_folder(folder), checkpoints.QUANTIZATION_KEY):
        return (vllm.SPEC if vllm.fault(checkpoints.outline(folder, device), AS_IT_COMES) is None else own.SPEC).name
    return own.SPEC.name


def loaded(folder: Path, device: str, choice: Choice) -> "tuple[str, LanguageModel]":
    """Return the name of the back end that answers by a checkpoint, and the checkpoint as that wants it: whole, or no more than its outline.

    Raises:
        FileNotFoundError: see `kernels.models.formats.checkpoints.load`.
        ValueError: see there, and `known`.
    """
    name = choice.backend or usual(folder, device, choice)
    backend, form = known(name, choice.weights)
    if backend.reads_files(folder, form):
        return name, checkpoints.outline(folder, device)
    return name, checkpoints.load(folder, device, "bfloat16" if form == BFLOAT16 else "float32")


def opened(name: str, lm: "LanguageModel", room: Room, weights: str | None = None, manner: Manner = AS_IT_COMES) -> Answers:
    """Return what answers by a model.

    Args:
        name: of the back end.
        lm: a model that continues texts, as `loaded` returns it.
        room: for all that is under way.
        weights: one of the back end's forms; None takes the usual one.
        manner: how it is to answer.

    Raises:
        ValueError: no back end has the name, it lacks something here, has no such weights, or cannot express the model or
            answer so (says what to do).
    """
    backend, form = known(name, weights)
    if (missing := backend.lacking()) is not None:
        raise ValueError(f"the back end {name} cannot answer here: {missing}")
    return backend.open(lm, form, room, manner)
