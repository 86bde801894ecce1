"""Our own engine: keys and values in pages, and for rounded weights the CPU's own kernels."""

from typing import TYPE_CHECKING

from kernels.inference.backends.backend import BFLOAT16, LOADED, Backend, Manner, Room
from kernels.inference.engine import Engine
from kernels.inference.engines import can_be_rounded, engine_of
from kernels.models.formats.checkpoints import shape_of_folder

if TYPE_CHECKING:
    from kernels.inference.native.packing import Bits
    from kernels.models.formats.checkpoints import LanguageModel

BITS: "dict[str, Bits]" = {"int8": 8, "int4": 4}


def _open(lm: "LanguageModel", weights: str, room: Room, manner: Manner) -> Engine:
    if weights == BFLOAT16:
        lm = lm._replace(model=lm.model.bfloat16())
    return engine_of(lm, **room._asdict(), **manner._asdict(), bits=BITS.get(weights))


SPEC = Backend(
    name="own",
    why="every kind of model, on a CPU or a GPU",
    weights=(LOADED, BFLOAT16, *BITS),
    lacking=lambda: None,
    open=_open,
    of_cpu=frozenset(BITS),
    reads_files=lambda folder, weights: weights in BITS and can_be_rounded(shape_of_folder(folder)),
)
