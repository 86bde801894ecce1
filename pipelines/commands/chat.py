"""``mill chat``: talk with a checkpoint."""

import sys
from typing import Annotated

import typer

from kernels.documents.visible import visible
from kernels.specs.names import nearest
from pipelines.terminal.application import RECIPE, RecipeOption, app, console, styled
from pipelines.terminal.workbench import Workbench
from resources.storage.manifest import Cell


@app.command()
def chat(
    model: Annotated[str, typer.Argument(help="A model of the recipe, such as dpo.")],
    recipe: RecipeOption = RECIPE,
    temperature: Annotated[float, typer.Option(help="0 takes the likeliest token each time.")] = 0.7,
    max_new_tokens: Annotated[int, typer.Option(help="Longest answer, in tokens.")] = 200,
    seed: Annotated[int, typer.Option(help="Of the sampling.")] = 0,
) -> None:
    """Talk with a checkpoint in the terminal."""
    from assets.models.names import model_asset
    from kernels.inference.decoding import chat as answer_to
    from kernels.models.formats import checkpoints
    from kernels.specs.turns import Turn

    bench = Workbench(recipe)
    if model not in bench.recipe.entries.models:
        raise ValueError(f"no model is named {model!r}; {nearest(model, list(bench.recipe.entries.models))}")
    cell = Cell(bench.recipe.name, model_asset(model))
    folder = bench.lake.folder(cell)
    with console.status(f"loading {model}"), bench.lake.reading([(cell, folder.name)]):
        loaded = checkpoints.load(folder, "cpu")
    console.print(f"{model} of {bench.recipe.name}; an empty line or ctrl-d ends")
    turns: list[Turn] = []
    while (line := _ask()) is not None:
        turns.append(Turn(role="user", content=line))
        answer = ""
        for piece in answer_to(loaded, turns, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed):
            answer += piece
            sys.stdout.write(visible(piece))
            sys.stdout.flush()
        console.print()
        turns.append(Turn(role="assistant", content=answer.rstrip()))


def _ask() -> str | None:
    try:
        return console.input(styled(("> ", "bold cyan"))).strip() or None
    except EOFError:
        return None
