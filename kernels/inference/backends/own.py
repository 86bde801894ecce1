"""Our own engine: keys and values in pages, and for rounded weights the CPU's own kernels."""

from typing import TYPE_CHECKING

from kernels.inference.backends.backend import LOADED, Backend, Manner, Room
from kernels.inference.engine import Engine
from kernels.inference.engines import engine_of

if TYPE_CHECKING:
    from kernels.inference.native.packing import Bits
    from kernels.models.formats.checkpoints import LanguageModel

BITS: "dict[str, Bits | None]" = {LOADED: None, "int8": 8, "int4": 4}


def _open(lm: "LanguageModel", weights: str, room: Room, manner: Manner) -> Engine:
    return engine_of(lm, **room._asdict(), **manner._asdict(), bits=BITS[weights])


SPEC = Backend(name="own", why="every kind of model, on a CPU or a GPU", weights=tuple(BITS), lacking=lambda: None, open=_open)
