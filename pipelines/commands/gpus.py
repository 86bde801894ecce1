"""``mill gpus``: the GPUs of this machine and of those that share its home, and who holds which."""

import time

from rich.table import Table

from pipelines.terminal.application import RECIPE, RecipeOption, app, console
from pipelines.terminal.units import duration
from pipelines.terminal.workbench import Workbench
from resources.devices.leases import holdings, known_gpus, visible_gpus, waiting
from resources.devices.nodes import node_name


@app.command()
def gpus(recipe: RecipeOption = RECIPE) -> None:
    """List the GPUs of this machine, and of others that share the home, what holds each, and what waits for some."""
    leases = Workbench(recipe).home.leases
    of_nodes = {folder.name: known_gpus(folder) for folder in sorted(leases.iterdir()) if folder.is_dir()} if leases.is_dir() else {}
    of_nodes |= {node_name(): visible_gpus()}
    table = Table("node", "GPU", "held for", "process", "for")
    for node, names in of_nodes.items():
        for held in holdings(leases / node, names):
            row = (held.whose, str(held.pid), duration(time.time() - held.since)) if held.is_held else ("free", "", "")
            table.add_row(node, held.gpu, *row)
    console.print(table if table.row_count else "no GPU: trainings run on the CPU")
    for node in of_nodes:
        if (first := waiting(leases / node)) is not None:
            console.print(f"{first.whose} (process {first.pid}) waits for GPUs of {node} and is the next to get them")
