"""The decorator of loops that Numba compiles. Import it, and modules that use it, only inside functions: Numba takes half a second to load.

Machine code is cached (compiled_cache.py), so that a loop is compiled once a machine. Loops
take NumPy arrays and numbers, release the global interpreter lock, and divide as NumPy does.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba  # pyright: ignore[reportMissingTypeStubs]

from kernels.curation.compiled_cache import cache_folder

Function = TypeVar("Function", bound=Callable[..., Any])


cast(Any, numba).config.CACHE_DIR = str(cache_folder())


def compiled(function: Function) -> Function:
    """Return a function compiled to machine code at its first call."""
    njit = cast(Any, numba).njit
    return cast(Function, njit(cache=True, nogil=True, error_model="numpy")(function))
