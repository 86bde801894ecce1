"""``mill launch`` and ``mill land``: a model trained by another trainer, on a machine that has what it asks for, and brought back."""

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from kernels.specs.layout import ELSEWHERE, Elsewhere
from pipelines.terminal.application import RECIPE, RecipeOption, app, console
from pipelines.terminal.workbench import Workbench
from resources.devices.leases import visible_gpus


@app.command()
def launch(
    model: Annotated[str, typer.Argument(help="A model of the recipe that is trained on a mixture.")],
    to: Annotated[Path, typer.Option("--to", help="Folder that is written, all that the trainer reads in it; it must not be there.")],
    back_end: Annotated[
        Elsewhere | None, typer.Option("--back-end", help=f"Who trains it, {' or '.join(ELSEWHERE)}; left out, as the model's run says.")
    ] = None,
    recipe: RecipeOption = RECIPE,
) -> None:
    """Write what another trainer needs to train a model: first weights and data in its form, and the command; nothing is run."""
    from kernels.training.elsewhere.folders import prepare
    from pipelines.planning.launching import prepared

    if to.exists():
        raise ValueError(f"{to}: is there already; name a folder that is not")
    bench = Workbench(recipe)
    with console.status(f"{model} for another trainer"):
        found = prepared(bench.recipe.entries, bench.lake, model)
        chosen = back_end or found.asked.layout.back_end
        if chosen not in ELSEWHERE:
            raise ValueError(f"{model}: its run names no other trainer; give --back-end {' or '.join(ELSEWHERE)}")
        made = prepare(chosen, found.asked, found.trainable, found.mixture, found.tokenizer, to)
    console.print(f"sh {to / 'launch.sh'} runs:\n\n{made.shell}\n")
    for note in made.notes:
        console.print(f"- {note}")
    lacking = [need for need in made.needs if not _is_here(need)]
    console.print(f"this machine lacks: {', '.join(lacking)}" if lacking else "this machine has what it needs")


@app.command()
def land(
    folder: Annotated[Path, typer.Argument(help="That mill launch wrote.")],
    to: Annotated[Path, typer.Option("--to", help="Folder that the checkpoint is written to; it must not be there.")],
    checkpoint: Annotated[Path | None, typer.Option(help="As the trainer keeps it; left out, the last one in the folder.")] = None,
) -> None:
    """Write what another trainer trained as a checkpoint in Transformers' form, which a recipe takes by adopt_transformers."""
    from kernels.training.elsewhere.folders import land as bring_back

    with console.status(f"reading {checkpoint or folder}"):
        bring_back(folder, checkpoint, to)
    console.print(f"{to} holds the checkpoint; a recipe takes it by {{method: adopt_transformers, data: {to}}}")


def _is_here(need: str) -> bool:
    return bool(visible_gpus()) if need == "CUDA" else importlib.util.find_spec(need) is not None
