"""``mill chat``: talk with a checkpoint."""

import sys
from typing import Annotated, Literal

import typer

from kernels.documents.visible import visible
from kernels.specs.names import nearest
from pipelines.terminal.application import RECIPE, RecipeOption, app, console, styled
from pipelines.terminal.workbench import Workbench
from resources.storage.manifest import Cell

MOST_KEPT_TOKENS = 32_768
"""Of a conversation."""


@app.command()
def chat(
    model: Annotated[str, typer.Argument(help="A model of the recipe, such as dpo.")],
    recipe: RecipeOption = RECIPE,
    temperature: Annotated[float, typer.Option(help="0 takes the likeliest token each time.")] = 0.7,
    max_new_tokens: Annotated[int, typer.Option(help="Longest answer, in tokens.")] = 200,
    seed: Annotated[int, typer.Option(help="Of the sampling.")] = 0,
    bits: Annotated[Literal["8", "4"] | None, typer.Option(help="Round weights to so many bits: faster on a CPU, and a little less true.")] = None,
) -> None:
    """Talk with a checkpoint in the terminal."""
    from assets.models.names import model_asset
    from kernels.inference.decoding import chat as answer_to
    from kernels.inference.engines import engine_of
    from kernels.models.formats import checkpoints
    from kernels.specs.turns import Turn

    bench = Workbench(recipe)
    if model not in bench.recipe.entries.models:
        raise ValueError(f"no model is named {model!r}; {nearest(model, list(bench.recipe.entries.models))}")
    cell = Cell(bench.recipe.name, model_asset(model))
    folder = bench.lake.folder(cell)
    with console.status(f"loading {model}"), bench.lake.reading([(cell, folder.name)]):
        loaded = checkpoints.load(folder, "cpu")
        room = min(checkpoints.max_positions(loaded.model) or MOST_KEPT_TOKENS, MOST_KEPT_TOKENS) + max_new_tokens
        engine = engine_of(loaded, most_kept_tokens=room, bits={"8": 8, "4": 4, None: None}[bits])
    console.print(f"{model} of {bench.recipe.name}; an empty line or ctrl-d ends")
    turns: list[Turn] = []
    while (line := _ask()) is not None:
        turns.append(Turn(role="user", content=line))
        answer = ""
        for piece in answer_to(loaded, turns, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed, engine=engine):
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
