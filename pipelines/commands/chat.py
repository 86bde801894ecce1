"""``mill chat``: talk with a checkpoint, or with a model of an API."""

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from kernels.documents.visible import visible
from kernels.specs.layout import Layout
from kernels.specs.names import nearest
from pipelines.terminal.answering import AnswerTo, Drawn, Way, answering
from pipelines.terminal.application import RECIPE, RecipeOption, app, console, styled
from pipelines.terminal.devices import DeviceOption, leased_for
from pipelines.terminal.guesses import BackendOption, DraftOption, LookupOption, WeightsOption, guessing_by
from pipelines.terminal.units import bytes_of
from pipelines.terminal.workbench import Workbench
from resources.storage.manifest import Cell

if TYPE_CHECKING:
    from kernels.inference.asking import Use


@app.command()
def chat(
    model: Annotated[str, typer.Argument(help="A model of the recipe, such as dpo.")],
    recipe: RecipeOption = RECIPE,
    temperature: Annotated[float, typer.Option(help="0 takes the likeliest token each time.")] = 0.7,
    max_new_tokens: Annotated[int, typer.Option(help="Longest answer, in tokens.")] = 200,
    seed: Annotated[int, typer.Option(help="Of the sampling.")] = 0,
    backend: BackendOption = None,
    weights: WeightsOption = None,
    lookup: LookupOption = False,
    draft: DraftOption = None,
    device: DeviceOption = "auto",
    memory: Annotated[str | None, typer.Option(help="Do with so much, such as 300MB: layers pass through it from disk.")] = None,
    tensor: Annotated[int, typer.Option(min=1, help="Processes that compute each block together.")] = 1,
    pipeline: Annotated[int, typer.Option(min=1, help="Processes that have different blocks, or groups of them.")] = 1,
) -> None:
    """Talk with a checkpoint, or with a model of an API, in the terminal."""
    from assets.models.names import model_asset
    from kernels.inference.api.endpoint import is_of_api
    from kernels.inference.backends.choosing import Choice

    bench = Workbench(recipe)
    if model not in bench.recipe.entries.models:
        raise ValueError(f"no model is named {model!r}; {nearest(model, list(bench.recipe.entries.models))}")
    cell = Cell(bench.recipe.name, model_asset(model))
    folder = bench.lake.folder(cell)
    num = tensor * pipeline
    layout = Layout(processes=num, tensor=tensor, pipeline=pipeline) if num > 1 else None
    choice = Choice(backend, weights)
    with ExitStack() as stack:
        with console.status(f"loading {model}"), bench.lake.reading([(cell, folder.name)]):
            of_here = "cpu" if is_of_api(folder) else device
            leases = stack.enter_context(leased_for(bench.home, of_here, choice, num, f"mill chat {model}"))
            guessing = stack.enter_context(guessing_by(bench, lookup, draft, weights, leases[0].device))
            way = Way(choice._replace(guessing=guessing), None if memory is None else bytes_of(memory), layout)
            ready = stack.enter_context(answering(folder, way, leases, Drawn(max_new_tokens, temperature, seed)))
        console.print(f"{model} of {bench.recipe.name}; an empty line or ctrl-d ends")
        _talk(ready.answer_to)
        if guessing is not None and ready.engine is not None:
            console.print(styled((_share(ready.engine.use), "dim")))


def _talk(answer_to: AnswerTo) -> None:
    from kernels.specs.turns import Turn

    turns: list[Turn] = []
    while (line := _ask()) is not None:
        turns.append(Turn(role="user", content=line))
        answer = ""
        for piece in answer_to(turns):
            answer += piece
            sys.stdout.write(visible(piece))
            sys.stdout.flush()
        console.print()
        turns.append(Turn(role="assistant", content=answer.rstrip()))


def _share(use: "Use") -> str:
    """Return how guesses fared, in words."""
    share = f", {use.num_guessed_right / use.num_guessed:.0%} of them right" if use.num_guessed else ""
    return f"{use.num_guessed} tokens guessed{share}"


def _ask() -> str | None:
    try:
        return console.input(styled(("> ", "bold cyan"))).strip() or None
    except EOFError:
        return None
