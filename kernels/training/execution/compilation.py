"""Whether a training is compiled, and how memory is held between steps.

Compiled, a step takes some two thirds of the time, or on a GPU a third (`make bench NAME=train`), and compilation half a minute or more; so a short
training stays as it is. The choice hangs on the work of the whole training and the kind of device alone, never on a measurement: a training that goes
on after a kill must compute the same bits.
"""

import ctypes
import shutil
import sys
from typing import Any, Literal

LEAST_FLOPS = {"cpu": 10e12, "cuda": 10e15}
"""Work of a training that pays for compilation, by device: some two minutes of two cores, or one and a half of an H100."""
COMPILERS = {"cpu": ("g++", "clang++", "c++"), "cuda": ("gcc", "clang", "cc")}
"""Of which one must be there: for loops in C++, or for what launches Triton's kernels."""
MOST_SHAPES = 1 << 20
"""Shapes that one function may be compiled for."""
MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1
"""Of glibc's mallopt (malloc.h)."""


def compiles(choice: Literal["auto", "never"], total_flops: float, device: str) -> tuple[bool, str]:
    """Return whether to compile, and why not; no words where it is done, or asked to be left."""
    if choice == "never":
        return False, ""
    if total_flops < LEAST_FLOPS[device]:
        return False, ""
    if not any(shutil.which(name) for name in COMPILERS[device]):
        language, remedy = ("C++", "g++") if device == "cpu" else ("C", "gcc")
        return False, f"no {language} compiler is found, so that training runs uncompiled, at two thirds of the speed or less; install {remedy}"
    return True, ""


def compile_every_shape() -> None:
    """Have torch compile for each shape that comes, however many come.

    By default what a function meets behind its eighth shape runs uncompiled, with no more than a line in a log: slower, and in other bits than where
    training goes on after a kill and meets the same shape first.
    """
    import torch._dynamo

    settings: Any = torch._dynamo.config  # a module whose settings the type checker does not see
    settings.recompile_limit = settings.accumulated_recompile_limit = MOST_SHAPES


def keep_freed_memory() -> None:
    """Have glibc keep what is freed for what is asked next, a step's tensors being those of the step before.

    By default it hands large blocks back to the system and gets them anew, a page at a time: 5% of the time of a step. Elsewhere nothing is done.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(MMAP_THRESHOLD, 1 << 30)
        mallopt(TRIM_THRESHOLD, (1 << 31) - 1)
