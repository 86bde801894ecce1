"""``mill serve``: models over HTTP."""

import asyncio
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from assets.evals.names import RELEASE
from kernels.specs.families import specs
from kernels.specs.names import nearest
from pipelines.recipe.schema import RecipeBase
from pipelines.terminal.application import RECIPE, RecipeOption, app, console
from pipelines.terminal.devices import DeviceOption, leased_for
from pipelines.terminal.guesses import BackendOption, DraftOption, LookupOption, WeightsOption, guessing_by
from pipelines.terminal.interruption import leave_signals
from pipelines.terminal.workbench import Workbench


@app.command()
def serve(
    models: Annotated[list[str] | None, typer.Argument(help="Models of the recipe, or release: the one that stands released.")] = None,
    recipe: RecipeOption = RECIPE,
    host: Annotated[str, typer.Option(help="Address to listen at; beyond this machine only with a key.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")] = 8000,
    key_file: Annotated[Path | None, typer.Option(help="Keys of clients, one a line; MILL_API_KEY is one more.")] = None,
    adapter: Annotated[list[str] | None, typer.Option(metavar="NAME=FOLDER", help="A LoRA adapter, as peft writes it, on the model.")] = None,
    backend: BackendOption = None,
    weights: WeightsOption = None,
    lookup: LookupOption = False,
    draft: DraftOption = None,
    device: DeviceOption = "auto",
    invariant: Annotated[bool, typer.Option(help="Answers are the same to the bit whatever is answered beside them; slower.")] = False,
    most_waiting: Annotated[int, typer.Option(min=1, help="Requests that wait for a model; further ones are refused.")] = 256,
    most_of_client: Annotated[int, typer.Option(min=1, help="Requests of one client that are under way.")] = 16,
    most_sequences: Annotated[int, typer.Option(min=1, help="Answers of a model that are under way.")] = 32,
    most_kept_tokens: Annotated[int, typer.Option(min=16, help="That a model reads and makes at once: bounds memory.")] = 32_768,
    most_body_bytes: Annotated[int, typer.Option(min=1024, help="Of a request.")] = 4 << 20,
    grace_seconds: Annotated[float, typer.Option(min=0, help="For what is under way when the server is to end.")] = 60.0,
    watch_seconds: Annotated[float, typer.Option(min=0.1, help="How often the lake is looked at for newer versions.")] = 5.0,
) -> None:
    """Serve models over HTTP, in the forms of OpenAI and Anthropic, with a page to talk with them."""
    from kernels.inference.backends.choosing import Choice
    from pipelines.serving.answering.worker import Limits
    from pipelines.serving.models.offers import Offers
    from pipelines.serving.models.served import Settings
    from pipelines.serving.server import is_loopback, listen, serve_models
    from pipelines.serving.serving import Serving
    from pipelines.serving.wire.keys import KEY_VARIABLE, find_keys

    bench, keys, is_own = Workbench(recipe), find_keys(key_file, os.environ), is_loopback(host)
    if not is_own and not keys:
        raise ValueError(f"{host} can be reached by others; give the server a key, by --key-file or the variable {KEY_VARIABLE}")
    names = _served(bench.recipe.entries, models or [RELEASE])
    adapters = _adapters(adapter or [], names)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    limits = Limits(most_waiting, most_of_client, most_sequences)
    serving = Serving(keys, is_own, most_body_bytes)
    choice = Choice(backend, weights, is_invariant=invariant)
    with (
        leased_for(bench.home, device, choice, 1, f"mill serve {' '.join(names)}") as (lease,),
        guessing_by(bench, lookup, draft, weights, lease.device) as guessing,
        listen(host, port) as socket,
    ):
        settings = Settings(limits, most_kept_tokens, choice._replace(guessing=guessing), lease.device, adapters)
        url = f"http://{f'[{host}]' if ':' in host else host}:{socket.getsockname()[1]}"

        def ready() -> None:
            leave_signals()
            console.print(
                f"{', '.join([*names, *adapters])} of {bench.recipe.name} at {url}, {'with a key' if keys else 'open to all of this machine'}\n"
            )
            console.print(_example(url, names[0], is_open=not keys), soft_wrap=True)

        asyncio.run(serve_models(serving, Offers(bench.lake, bench.graph), names, settings, socket, grace_seconds, watch_seconds, ready))


def _served(entries: RecipeBase, asked: Sequence[str]) -> list[str]:
    """Return the models that are to be served, each once. Raises ValueError: the recipe has none of a name, or its weights are elsewhere."""
    known = [*entries.models, *([RELEASE] if entries.release is not None else [])]
    for name in asked:
        if name not in known:
            raise ValueError(f"no model is named {name!r}; {nearest(name, known)}")
        model = entries.release.candidate if name == RELEASE and entries.release is not None else name
        method = entries.models[model].method
        if not specs("methods")[method].has_weights:
            raise ValueError(f"{model!r} is a model of an API ({method}), whose weights are elsewhere; ask that API, or serve a checkpoint")
    return list(dict.fromkeys(asked))


def _adapters(words: Sequence[str], models: Sequence[str]) -> dict[str, Path]:
    """Return folders by the names of adapters. Raises ValueError: words name none, or a name is another's, or there are several models."""
    found: dict[str, Path] = {}
    for each in words:
        name, _, folder = each.partition("=")
        if not name or not folder:
            raise ValueError(f"--adapter {each}: give the name that clients ask for, and the folder: NAME=FOLDER")
        if name in (*found, *models):
            raise ValueError(f"--adapter {each}: {name} is served already; give each adapter a name of its own")
        found[name] = Path(folder)
    if found and len(models) > 1:
        raise ValueError(f"--adapter: {', '.join(models)} are served, and an adapter belongs to one; serve that model alone")
    return found


def _example(url: str, model: str, *, is_open: bool) -> str:
    """Return a call that a shell takes as it stands."""
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello"}], "stream": True})
    key = "" if is_open else ' -H "Authorization: Bearer $MILL_API_KEY"'
    return f"curl -N {url}/v1/chat/completions -H 'Content-Type: application/json'{key} -d '{body}'"
