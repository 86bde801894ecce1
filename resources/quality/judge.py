"""A process of its own for Great Expectations: it loads there while this process does other work, which takes as long as all else in a small run.

It judges one suite at a time, and ends when nobody can call it any more. Outside `apart` all is called in this process.
"""

import gc
import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from multiprocessing.reduction import ForkingPickler
from typing import Any, ParamSpec, TypeVar

import pyarrow as pa
import pyarrow.ipc  # pyright: ignore[reportUnusedImport]

from resources.quality.loading import load

GARBAGE_OBJECTS = 20_000
"""New objects after which Python looks for garbage there: imports make objects that stay."""
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def _packed(table: pa.Table) -> tuple[Any, ...]:
    """Say how a table is sent: its own rows alone, where pickle would send all that it is a slice of."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return _unpacked, (sink.getvalue(),)


def _unpacked(rows: pa.Buffer) -> pa.Table:
    return pa.ipc.open_stream(rows).read_all()


ForkingPickler.register(pa.Table, _packed)


@dataclass
class _Judge:
    process: subprocess.Popen[bytes]
    line: Connection
    meanwhile: list[str]
    is_asked: bool = True
    """Whether an answer is due: at first, that it has loaded."""


_running: list[_Judge] = []


@contextmanager
def apart(meanwhile: Sequence[str] = ()) -> Iterator[None]:
    """Have a process for it while the block runs; ``meanwhile`` are modules to be used here later, imported when this process would wait for it."""
    ours, theirs = Pipe()
    with theirs:  # -P: no folder of the user's is searched for modules
        command = [sys.executable, "-P", "-W", "ignore", "-m", __name__, str(theirs.fileno())]
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
    _running.append(_Judge(process, ours, list(meanwhile)))
    try:
        yield
    finally:
        _running.pop()
        process.kill()  # all that it was asked for has been answered; it may still be loading
        process.wait()
        ours.close()


def call(function: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
    """Return what a function of a module returns, called in the process if it runs.

    Raises:
        RuntimeError: the process is gone.
        Exception: what the function raises.
    """
    if not _running:
        return function(*arguments, **named)
    begin(function, *arguments, **named)
    return _answer(_running[-1])


def begin(function: Callable[Arguments, object], *arguments: Arguments.args, **named: Arguments.kwargs) -> None:
    """Have a function called as `call` does, but wait for it only when more is asked for, or at `end`, which raise what it raises."""
    if not _running:
        function(*arguments, **named)
        return
    judge = _running[-1]
    _answer(judge)
    with _told_if_gone(judge):
        judge.line.send((function, arguments, named))
    judge.is_asked = True


def end() -> None:
    """Wait for what was begun."""
    if _running:
        _answer(_running[-1])


def _answer(judge: _Judge) -> Any:
    """Wait for the answer that is due, if one is, and return it."""
    if not judge.is_asked:
        return None
    judge.is_asked = False
    while judge.meanwhile and not judge.line.poll():
        with suppress(ImportError, OSError):  # who needs it will say so
            importlib.import_module(judge.meanwhile.pop(0))
    with _told_if_gone(judge):
        is_answer, value = judge.line.recv()
    if not is_answer:
        raise value
    return value


@contextmanager
def _told_if_gone(judge: _Judge) -> Iterator[None]:
    try:
        yield
    except (EOFError, OSError) as error:
        raise RuntimeError(f"the process that judges rows ended with {judge.process.wait()}; see that memory is left, and run again") from error


def serve(line: Connection) -> None:
    """Answer calls until the other end of the line is closed; the first answer says that all is loaded."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who called, who ends this process
    gc.set_threshold(GARBAGE_OBJECTS)
    asked: tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]] = (load, (), {})
    while True:
        function, arguments, named = asked
        try:
            answer: tuple[bool, Any] = True, function(*arguments, **named)
        except Exception as error:
            answer = False, error
        try:
            line.send(answer)
            asked = line.recv()
        except (EOFError, OSError):
            return


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])))
    os._exit(0)  # taking down all that was imported takes a third of a second
