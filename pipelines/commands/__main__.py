"""The command line: ``mill``. Each command is a file beside this one, a few lines over the planner, the lake and the warehouse."""

import atexit
import contextlib
import gc
import importlib
import io
import os
import pkgutil
import sys

import pipelines.commands
from pipelines.terminal.interruption import end_on_signals

FIRST = ("up", "plan", "status", "show", "why", "sql", "history", "init", "doctor", "chat", "serve", "ui")
"""Of the help; the other commands follow by name."""

GARBAGE_OBJECTS = 20_000
"""New objects after which Python looks for garbage; at its own 700 an eighth of a command goes into that, as imports make objects that stay."""


def main() -> None:
    """Run the command line and end the process with its code, behind all that runs at its exit.

    The interpreter would take the modules apart before it ends, which takes seconds where hundreds are loaded.
    """
    gc.set_threshold(GARBAGE_OBJECTS)
    code = 1  # of what nobody caught

    def end() -> None:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):  # whoever read it is gone
                stream.flush()
        os._exit(code)

    atexit.register(end)  # first, and so called last
    try:
        run()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        raise


def run() -> None:
    """Run the command line; what the user can mend is one line, not a traceback."""
    end_on_signals()
    from pipelines.terminal.application import app, console, styled  # what takes long to load is loaded when a signal can end it
    from pipelines.terminal.complaints import complaint

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a character still shows the line
    try:
        found = sorted(info.name for info in pkgutil.iter_modules(pipelines.commands.__path__) if info.name != "__main__")
        for name in sorted(found, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name)):
            importlib.import_module(f"pipelines.commands.{name}")
        app()
    except BrokenPipeError:  # whoever read the output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except Exception as error:
        console.print(styled((complaint(error), "red")))
        sys.exit(2)


if __name__ == "__main__":
    main()
