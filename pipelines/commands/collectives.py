"""``mill collectives``: whether processes that train together can talk, whether what they say is right, and how fast, by the size of messages."""

import json
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.table import Table

from kernels.charts.bandwidths import plot_bandwidths
from pipelines.planning.self_test import CollectivesRequest
from pipelines.terminal.application import RECIPE, RecipeOption, app, console
from pipelines.terminal.units import size
from pipelines.terminal.workbench import Workbench
from resources.devices.jobs import RESULT_FILE, Job, meeting_in
from resources.devices.launchers import run_together
from resources.devices.leases import lease_devices, num_cores, visible_gpus
from resources.devices.nodes import node_name

SIZES = tuple(1 << power for power in range(10, 27, 4))
"""1 KiB to 64 MiB."""
WORKER = "resources.devices.plain_worker"


@app.command()
def collectives(
    recipe: RecipeOption = RECIPE,
    processes: Annotated[int, typer.Option(min=0, help="Processes that talk; 0: one a GPU, or two where there are none.")] = 0,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where messages are.")] = "auto",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write what was found into a file, as JSON.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a plot of the bandwidths into a PNG file.")] = None,
) -> None:
    """Run every collective operation between processes of this machine, check what it gives, and time it."""
    gpus = [] if device == "cpu" else visible_gpus()
    if device == "cuda" and not gpus:
        raise typer.BadParameter("this machine has no GPU; take 'auto' or 'cpu'")
    count = processes or max(2, len(gpus))
    if count < 2:
        raise typer.BadParameter("one process has nobody to talk to; give --processes of at least 2")
    found = _found(Workbench(recipe).home.leases / node_name(), gpus, count)
    console.print(_table(found))
    wrong = sorted({process for each in found["measured"] for process in each["wrong"]})
    for process in wrong:
        names = ", ".join(each["operation"] for each in found["measured"] if process in each["wrong"])
        console.print(f"process {process} got something else than it should have: {names}")
    for process in found["slow"]:
        console.print(f"process {process} is slow: its fastest link takes {1000 * min(filter(None, found['links'][process])):.3g} ms there and back")
    if not wrong and not found["slow"]:
        console.print(f"{count} processes on {found['device']}: all operations gave what they should, and no process is slow")
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=1))
    if plot is not None:
        plot.write_bytes(plot_bandwidths(_bandwidths(found)))
    raise typer.Exit(1 if wrong else 0)


def _found(leases: Path, gpus: list[str], count: int) -> dict[str, Any]:
    """Return what was found. Raises RuntimeError: a process failed."""
    with tempfile.TemporaryDirectory() as folder, lease_devices(leases, gpus, count, "mill collectives") as held:
        scratch = Path(folder)
        request = CollectivesRequest(num_processes=count, sizes=SIZES)
        threads = max(1, num_cores() // count)
        job = Job(request=request, scratch=scratch, device=held[0].device, num_threads=threads, meeting=meeting_in(scratch, count))
        if fault := run_together(WORKER, job.save(), [lease.environment for lease in held]):
            raise RuntimeError(fault.words)
        return json.loads((scratch / RESULT_FILE).read_text())


def _table(found: dict[str, Any]) -> Table:
    table = Table("operation", "message", "ms", "algorithm, GB/s", "bus, GB/s", "right")
    for each in found["measured"]:
        right = "yes" if not each["wrong"] else f"no: {', '.join(map(str, each['wrong']))}"
        bandwidths = (f"{each[f'{kind}_bandwidth'] / 1e9:.3g}" for kind in ("algorithm", "bus"))
        table.add_row(each["operation"], size(each["size_bytes"]), f"{1000 * each['seconds']:.3g}", *bandwidths, right)
    return table


def _bandwidths(found: dict[str, Any]) -> dict[str, list[tuple[int, float]]]:
    points: dict[str, list[tuple[int, float]]] = {}
    for each in found["measured"]:
        points.setdefault(each["operation"], []).append((each["size_bytes"], each["bus_bandwidth"]))
    return points
