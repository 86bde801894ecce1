"""The decorator of loops that Numba compiles. Import it, and modules that use it, only inside functions: Numba takes half a second to load.

Machine code is cached below this folder, so that a loop is compiled once a machine. Numba looks only at a loop's own file to tell whether
its cache is stale, though the code of loops it calls is inside it too: so the cache's folder is named by a digest of all sources here.
Loops take NumPy arrays and numbers, release the global interpreter lock, and divide as NumPy does.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba  # pyright: ignore[reportMissingTypeStubs]

Function = TypeVar("Function", bound=Callable[..., Any])


def _cache_folder() -> Path:
    root = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        text = path.read_bytes()
        if b"\n@compiled" in text:
            digest.update(text)
    return root / "__pycache__" / f"numba-{digest.hexdigest()[:16]}"


cast(Any, numba).config.CACHE_DIR = str(_cache_folder())


def compiled(function: Function) -> Function:
    """Return a function compiled to machine code at its first call."""
    njit = cast(Any, numba).njit
    return cast(Function, njit(cache=True, nogil=True, error_model="numpy")(function))
