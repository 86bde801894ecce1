"""``mill up`` in the terminal: one bar for the cells, one for the cell at work."""

import logging
import os
import warnings
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from pipelines.terminal.application import Terminal, styled
from pipelines.terminal.workbench import Workbench
from resources.devices.launchers import warm_up
from resources.storage.manifest import Cell
from resources.storage.progress import Progress as Event
from resources.storage.progress import listening

if TYPE_CHECKING:
    from pipelines.planning.bring_up import Result


class WordsColumn(TextColumn):
    """A column of words that do nothing."""

    def render(self, task: Task) -> Text:
        """Return the words of one bar."""
        return styled((self.text_format.format(task=task), str(self.style)))


def bring_up_with_bars(bench: Workbench, num_waiting: int, chosen: set[str], cells: set[Cell] | None) -> "Result":
    """Bring a recipe up to date and draw how it goes.

    ``num_waiting`` is an upper bound: cells whose parents turn out unchanged need no work.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Dagster's notes on its own beta parameters are for us, not for users
        from pipelines.daemon.instance import open_instance
        from pipelines.planning.bring_up import bring_up
        from pipelines.planning.materialize import materialize_jobs

        if any(bench.graph.artifacts[asset].uses_gpu for asset in chosen):
            warm_up()
        logging.getLogger("dagster").setLevel(logging.CRITICAL)
        jobs = materialize_jobs(bench.graph, bench.recipe.path, bench.home, bench.lake)
        instance = open_instance(bench.home)
        terminal = Terminal(file=os.fdopen(os.dup(1), "w"))  # Dagster redirects descriptor 1 while a step runs
        columns = (WordsColumn("{task.description}"), BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, WordsColumn("{task.fields[note]}", style="dim"), console=terminal) as bars:
            whole = bars.add_task("cells", total=num_waiting, note="")
            part = bars.add_task("", total=None, note="", visible=False)

            def listen(event: Event) -> None:
                label = str(event.cell)
                match event.kind:
                    case "begun":
                        bars.reset(part, description=label, total=None, note="", visible=True)
                    case "advanced":
                        bars.update(part, description=label, completed=event.step, total=event.num_steps or None, note=event.message[:60])
                    case "made" | "unchanged":
                        bars.advance(whole)
                        bars.update(part, visible=False)
                        if event.kind == "made" and bench.graph.artifacts[event.cell.asset].uses_gpu:
                            terminal.print(styled(("made", "green"), f" {label}"))
                    case _ if event.message:
                        terminal.print(styled((event.kind, "red"), f" {label}: {event.message}"))
                    case _:
                        bars.update(whole, note=f"checked {label}")

            with bench.home.lock("up"), listening(listen):
                result = bring_up(bench.graph, jobs, instance, bench.lake, bench.home, chosen, cells)
            bars.update(whole, total=len(result.made) + len(result.failed), completed=len(result.made), note="")
        instance.dispose()
        return result
