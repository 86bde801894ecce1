"""The decorator of loops that Numba compiles. Import it, and modules that use it, only inside functions: Numba takes half a second to load.

Machine code is cached below the folder that asked (compiled_cache.py), so that a loop is compiled once a machine. Loops take NumPy arrays and
numbers, release the global interpreter lock, and divide as NumPy does.
"""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import numba  # pyright: ignore[reportMissingTypeStubs]

from kernels.specs.compiled_cache import cache_folder
from kernels.specs.instead import instead

with instead({"scipy": None}):  # for products of matrices, which no loop here takes: a third of a second
    importlib.import_module("numba.np.arraymath")

Function = TypeVar("Function", bound=Callable[..., Any])


class Compiler(Protocol):
    """A decorator that keeps the type of what it decorates."""

    def __call__(self, function: Function, /) -> Function:
        """Return a function compiled to machine code at its first call."""
        ...


def compiler(root: Path) -> Compiler:
    """Return the decorator for loops in and below a folder."""
    folder = str(cache_folder(root))

    def compiled(function: Function, /) -> Function:
        config = cast(Any, numba).config
        config.CACHE_DIR = folder  # read when a function is decorated
        return cast(Function, cast(Any, numba).njit(cache=True, nogil=True, error_model="numpy")(function))

    return compiled
