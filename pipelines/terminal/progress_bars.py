"""``mill up`` as it goes: in a terminal a bar for all cells and one for the cell at work, in a file or a pipe a line a stage."""

import logging
import os
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

import kernels.curation
from assets.graph.state import CellStatus
from kernels.specs.compiled_cache import is_filled
from pipelines.terminal.application import Terminal, styled
from pipelines.terminal.units import duration
from pipelines.terminal.workbench import Selection, Workbench
from resources.devices.launchers import warm_up
from resources.quality import judge
from resources.storage.progress import Progress as Event
from resources.storage.progress import listening

NEEDED = ("kernels.curation.compiled", "matplotlib.figure")
"""What whoever makes a corpus will import, and what takes longest."""

if TYPE_CHECKING:
    from pipelines.planning.bring_up import Result


class WordsColumn(TextColumn):
    """A column of words that do nothing."""

    def render(self, task: Task) -> Text:
        """Return the words of one bar."""
        return styled((self.text_format.format(task=task), str(self.style)))


def bring_up_with_bars(bench: Workbench, waiting: Sequence[CellStatus], chosen: Selection) -> "Result":
    """Bring a recipe up to date and show how it goes.

    More cells may be ``waiting`` than need work: those whose parents turn out unchanged need none.
    """
    assets = {status.cell.asset for status in waiting}
    is_judged = any(suite.has_data_docs for asset in assets for suite in bench.graph.suites.get(asset, []))
    with judge.apart(NEEDED) if is_judged else nullcontext(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Dagster's notes on its own beta parameters are for us, not for users
        from pipelines.daemon.instance import open_instance
        from pipelines.planning.bring_up import bring_up
        from pipelines.planning.materialize import materialize_jobs

        if any(bench.graph.artifacts[asset].uses_gpu for asset in chosen.assets):
            warm_up()
        logging.getLogger("dagster").setLevel(logging.CRITICAL)
        jobs = materialize_jobs(bench.graph, bench.recipe.path, bench.home, bench.lake)
        instance = open_instance(bench.home)
        terminal = Terminal(file=os.fdopen(os.dup(1), "w"))  # Dagster redirects descriptor 1 while a step runs
        if not is_filled(Path(kernels.curation.__file__).parent):
            terminal.print("first run here: the loops that filter and deduplicate are compiled once, which takes about a minute")
        view: View = Bars(terminal, bench, len(waiting)) if terminal.is_terminal else StageLines(terminal)
        with view.shown(), bench.home.lock("up"), listening(view.listen):
            result = bring_up(bench.graph, jobs, instance, bench.lake, bench.home, chosen.assets, chosen.cells)
        view.end(result)
        instance.dispose()
        return result


class View(Protocol):
    """Shows how bringing up goes."""

    def shown(self) -> AbstractContextManager[object]:
        """Show it while the block runs."""
        ...

    def listen(self, event: Event) -> None:
        """Take what happened."""
        ...

    def end(self, result: "Result") -> None:
        """Take what it came to."""
        ...


class StageLines:
    """A line for each stage when it is done, and one for each cell that fails or is stopped."""

    def __init__(self, terminal: Terminal, clock: Callable[[], float] = time.monotonic) -> None:
        """Print to a terminal."""
        self.terminal, self.clock = terminal, clock
        self.asset, self.num_made, self.began_at = "", 0, clock()

    def shown(self) -> AbstractContextManager[object]:
        """See `View`."""
        return nullcontext()

    def listen(self, event: Event) -> None:
        """See `View`."""
        if event.kind == "begun" and event.cell.asset != self.asset:
            self._flush()
            self.asset, self.began_at = event.cell.asset, self.clock()
        elif event.kind == "made":
            self.num_made += 1
        elif event.kind == "failed":
            self._flush()
            self.terminal.print(f"failed {event.cell}: {event.message}", soft_wrap=True)

    def end(self, result: "Result") -> None:
        """See `View`."""
        self._flush()

    def _flush(self) -> None:
        if self.num_made:
            cells = "cell" if self.num_made == 1 else "cells"
            self.terminal.print(f"made {self.asset}: {self.num_made} {cells}, {duration(self.clock() - self.began_at)}", soft_wrap=True)
        self.num_made = 0


class Bars:
    """A bar for the cells, one for the cell at work."""

    def __init__(self, terminal: Terminal, bench: Workbench, num_waiting: int) -> None:
        """Draw on a terminal."""
        self.terminal, self.bench = terminal, bench
        columns = (WordsColumn("{task.description}"), BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn())
        self.bars = Progress(*columns, WordsColumn("{task.fields[note]}", style="dim"), console=terminal)
        self.whole = self.bars.add_task("cells", total=num_waiting, note="")
        self.part = self.bars.add_task("", total=None, note="", visible=False)

    def shown(self) -> AbstractContextManager[object]:
        """See `View`."""
        return self.bars

    def listen(self, event: Event) -> None:
        """See `View`."""
        label, bars = str(event.cell), self.bars
        match event.kind:
            case "begun":
                bars.reset(self.part, description=label, total=None, note="", visible=True)
            case "advanced":
                bars.update(self.part, description=label, completed=event.step, total=event.num_steps or None, note=event.message[:60])
            case "made" | "unchanged":
                bars.advance(self.whole)
                bars.update(self.part, visible=False)
                if event.kind == "made" and self.bench.graph.artifacts[event.cell.asset].uses_gpu:
                    self.terminal.print(styled(("made", "green"), f" {label}"))
            case "failed":
                self.terminal.print(styled(("failed", "red"), f" {label}: {event.message}"))
            case _:
                bars.update(self.whole, note=f"checked {label}")

    def end(self, result: "Result") -> None:
        """See `View`."""
        self.bars.update(self.whole, total=len(result.made) + len(result.failed), completed=len(result.made), note="")
