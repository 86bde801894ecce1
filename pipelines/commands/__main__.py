"""The command line: ``mill``. Each command is a file beside this one, a few lines over the planner, the lake and the warehouse."""

import importlib
import pkgutil
import sys

from rich.markup import escape

import pipelines.commands
from pipelines.terminal.application import app, console
from resources.storage.home import Busy

FIRST = ("up", "plan", "status", "show", "why", "sql", "history", "init", "doctor", "chat", "ui")
"""Of the help; the other commands follow by name."""


def main() -> None:
    """Run the command line; what the user can mend is one line, not a traceback."""
    found = sorted(info.name for info in pkgutil.iter_modules(pipelines.commands.__path__) if info.name != "__main__")
    for name in sorted(found, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name)):
        importlib.import_module(f"pipelines.commands.{name}")
    try:
        app()
    except (ValueError, FileNotFoundError, FileExistsError, Busy) as error:
        console.print(f"[red]{escape(str(error))}[/]")
        sys.exit(2)


if __name__ == "__main__":
    main()
