"""Ctrl-C and SIGTERM end a command, with all processes that it has started, whatever it is doing.

Whatever stands was published whole, and training goes on from its last state: an end by a signal is no worse than a ``kill -9``. Nothing is waited
for but a training that keeps a state behind the step it is at, and a second signal ends that too.

Dagster puts handlers of its own in place while a run is under way, which only make a note; so the signal is not taken from a handler but from the
descriptor that Python's interpreter writes each signal's number to, in a thread that does nothing else.
"""

import os
import select
import signal
import threading
from types import FrameType

from resources.devices.descendants import end_descendants

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SHOW_CURSOR = b"\x1b[?25h"


def end_on_signals() -> None:
    """From now on a signal ends this process with the code 128 + its number. Call it once, from the main thread."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup and shells in the background have it
            signal.signal(number, _leave_it_to_the_thread)
    terminal = os.dup(2)  # Dagster redirects descriptors 1 and 2 while a step runs
    threading.Thread(target=_wait, args=(reader, terminal), name="signals", daemon=True).start()


def leave_signals() -> None:
    """From now on signals are left to whoever puts handlers in place: a server that ends in its own time. Call it from the main thread."""
    signal.set_wakeup_fd(-1)
    for number in ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def _leave_it_to_the_thread(number: int, frame: FrameType | None) -> None:
    """Do nothing: that there is a handler has the interpreter write to the descriptor."""


def _wait(reader: int, terminal: int) -> None:
    while (number := _read(reader)) not in ENDING:
        pass
    try:
        if os.isatty(terminal):
            os.write(terminal, SHOW_CURSOR)
        os.write(terminal, f"\nended by {signal.Signals(number).name}; what is made stands, the same command goes on from here\n".encode())
    except OSError:
        pass  # nobody looks any more
    _say_nothing_more()
    end_descendants(os.getpid(), lambda: bool(select.select([reader], [], [], 0)[0]) and _read(reader) in ENDING)
    os._exit(128 + number)


def _read(reader: int) -> int:
    """Return the number of the next signal: the writing end is never closed."""
    return os.read(reader, 1)[0]


def _say_nothing_more() -> None:
    """Write what the command would say of the end of its jobs to nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
