"""Several processes of a training on this machine, as tests run them: forked from a server that has torch loaded, each on one thread."""

import multiprocessing
import tempfile
import time
import traceback
from collections.abc import Callable
from typing import Any

from kernels.specs.layout import Layout, Rank
from resources.devices.launchers import PRELOADED

SECONDS = 600.0
"""After which processes that have not ended are taken to wait for each other for ever."""
_TOKENIZERS = ["transformers.models.auto.tokenization_auto", "transformers.tokenization_utils_tokenizers"]
_PRELOADED = [*PRELOADED, *_TOKENIZERS, "torch.distributed.fsdp", "pytest", "polars", "scipy.optimize"]

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(_PRELOADED)


def on_processes(layout: Layout, function: Callable[..., Any], *given: Any) -> list[Any]:
    """Return what a function of a module, called with the rank and what is given, returns in each process of a layout.

    Raises AssertionError with what was raised in a process, or that none ended.
    """
    with tempfile.TemporaryDirectory() as folder:
        answers: Any = _processes.SimpleQueue()
        meeting = f"file://{folder}/meeting"
        ranks = [Rank(layout, number, meeting) for number in range(layout.processes)]
        started = [_processes.Process(target=_run, args=(answers, rank, function, given)) for rank in ranks]
        for process in started:
            process.start()
        try:
            return _collected(answers, started)
        finally:
            for process in started:
                process.kill()
                process.join()


def _collected(answers: Any, started: list[Any]) -> list[Any]:
    found: dict[int, Any] = {}
    until = time.monotonic() + SECONDS
    while len(found) < len(started):
        while not answers.empty():
            number, answer, fault = answers.get()
            assert fault is None, f"process {number}: {fault}"
            found[number] = answer
        codes = [process.exitcode for process in started]
        assert not any(codes) and time.monotonic() < until, f"processes ended with {codes}; those with None wait for something"
        time.sleep(0.01)
    return [found[number] for number in range(len(started))]


def _run(answers: Any, rank: Rank, function: Callable[..., Any], given: tuple[Any, ...]) -> None:
    import torch

    torch.set_num_threads(1)
    try:
        answers.put((rank.number, function(rank, *given), None))
    except BaseException:
        answers.put((rank.number, None, traceback.format_exc()))
        raise
