"""``mill join``: this machine works for trainings of others, which asked for several nodes."""

from typing import Annotated

import typer

from pipelines.terminal.application import RECIPE, RecipeOption, app, console
from pipelines.terminal.workbench import Workbench
from resources.devices.agent import serve
from resources.devices.leases import num_cores, visible_gpus
from resources.devices.nodes import node_name


@app.command()
def join(
    recipe: RecipeOption = RECIPE,
    jobs: Annotated[int, typer.Option(min=0, help="End after so many trainings; 0: when interrupted.")] = 0,
) -> None:
    """Bring this machine's devices to trainings that wait for nodes (`run: {nodes: 2}`), as long as this runs. Nodes share the home."""
    home, gpus = Workbench(recipe).home, visible_gpus()
    what = f"{len(gpus)} GPUs" if gpus else f"{num_cores()} cores"
    console.print(f"{node_name()} brings {what} to trainings of {home.root} that wait for nodes")
    serve(home.nodes, home.leases, gpus, console.print, jobs or None)
