"""Threads beside threads: those of torch watch for further work for milliseconds after each call, on cores that a reader's own threads need."""

import ctypes
import functools
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any


@contextmanager
def torch_by_one_thread() -> Generator[None]:
    """Have torch compute by this thread alone what it is asked by this thread, and let others be.

    ``torch.set_num_threads`` would be of the whole process: of threads that begin meanwhile too, for as long as they live. Where torch's OpenMP is
    not found nothing changes, and both kinds of threads wait for each other.
    """
    import torch

    count = torch.get_num_threads()  # which is when a thread learns how many there are
    openmp = _openmp()
    if openmp is None:
        yield
        return
    openmp.omp_set_num_threads(1)
    try:
        yield
    finally:
        openmp.omp_set_num_threads(count)


@functools.cache
def _openmp() -> Any:
    """Return the OpenMP that torch computes by, None where it is none of what is loaded for all."""
    import torch

    loaded, count = ctypes.CDLL(None), torch.get_num_threads()
    if not hasattr(loaded, "omp_set_num_threads"):
        return None
    loaded.omp_set_num_threads(count + 1)
    is_of_torch = torch.get_num_threads() == count + 1
    loaded.omp_set_num_threads(count)
    return loaded if is_of_torch else None
