"""The command line: ``mill``. Each command is a file beside this one, a few lines over the planner, the lake and the warehouse."""

import importlib
import sys

from rich.markup import escape

from pipelines.commands.application import app, console
from resources.storage.home import Busy

ORDER = ("up", "plan", "status", "show", "why", "sql", "init", "doctor", "chat", "ui", "graph", "schema")
"""Of the help."""


def main() -> None:
    """Run the command line; what the user can mend is one line, not a traceback."""
    for name in ORDER:
        importlib.import_module(f"pipelines.commands.{name}")
    try:
        app()
    except (ValueError, FileNotFoundError, FileExistsError, Busy) as error:
        console.print(f"[red]{escape(str(error))}[/]")
        sys.exit(2)


if __name__ == "__main__":
    main()
