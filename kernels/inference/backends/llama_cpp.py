"""llama.cpp on a CPU or whatever it was built for: a Llama becomes a GGUF file in a folder that is gone once it is loaded."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from kernels.inference.backends.backend import Backend, Manner, Room
from kernels.inference.cache.pages import PAGE
from kernels.inference.engine import Engine
from kernels.inference.engines import engine_by
from kernels.inference.readers.llama_cpp import EXTRA, PURPOSE, Format, LlamaCpp, quantize
from kernels.models.formats.checkpoints import QUANTIZATION_KEY
from kernels.models.gguf_files import stack_for_gguf, write_gguf

if TYPE_CHECKING:
    from kernels.models.formats.checkpoints import LanguageModel

FORMATS: dict[str, Format] = {kind: kind for kind in get_args(Format)}


def _open(lm: "LanguageModel", weights: str, room: Room, manner: Manner) -> Engine:
    if manner.is_invariant:
        raise ValueError("llama.cpp adds sums up in an order that depends on what else is asked; ask by the back end own where no bit may")
    num_pages = -(-room.most_kept_tokens // PAGE)
    reader = llama_cpp_reader(lm, FORMATS[weights], Room(num_pages * PAGE, room.most_tokens, room.most_sequences))
    return engine_by(lm, reader, num_pages, most_tokens=room.most_tokens, most_sequences=room.most_sequences, guesser=manner.guesser)


def llama_cpp_reader(lm: "LanguageModel", kind: Format, room: Room) -> LlamaCpp:
    """Return what reads a model by llama.cpp.

    Raises:
        ModuleNotFoundError: the extra is not installed.
        ValueError: the model is none that a GGUF file of a Llama holds.
    """
    import torch

    if hasattr(lm.model.config, QUANTIZATION_KEY):
        raise ValueError("the checkpoint's own weights are of 8 bits, which llama.cpp does not read; ask it by the back end own")
    stack_for_gguf(lm.model)  # before a file is written
    with tempfile.TemporaryDirectory() as folder:
        path, made = Path(folder) / "F32.gguf", Path(folder) / f"{kind}.gguf"
        write_gguf(lm.model, path)
        if kind != "F32":
            quantize(path, made, kind, torch.get_num_threads())
        return LlamaCpp(made, torch.get_num_threads(), most_kept_tokens=room.most_kept_tokens, most_tokens=room.most_tokens)


SPEC = Backend(
    name="llama_cpp",
    why="Llamas on machines that our own kernels are not for",
    weights=tuple(FORMATS),
    lacking=lambda: EXTRA.lacks(PURPOSE),
    open=_open,
    of_cpu=frozenset(FORMATS),
)
