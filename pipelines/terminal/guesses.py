"""What guesses ahead of a model for those who chat or serve: the text itself, or a smaller model of the recipe."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from kernels.specs.names import nearest
from pipelines.terminal.workbench import Workbench
from resources.storage.manifest import Cell

if TYPE_CHECKING:
    from kernels.inference.guessing.guesser import Guesser, Guessing
    from kernels.models.formats.checkpoints import LanguageModel

NUM_GUESSED = 4
"""Tokens that are guessed at a time: more cost more than they bring where text does not repeat itself (tests/bench/guessing.py)."""
BackendOption = Annotated[str | None, typer.Option("--backend", help="What answers: own, transformers, llama_cpp or vllm.")]
WeightsOption = Annotated[str | None, typer.Option("--weights", help="Form of weights, such as int8 or int4: faster, and a little less true.")]
LookupOption = Annotated[bool, typer.Option("--lookup", help="Guess what followed when the last words stood there before; answers are the same.")]
DraftOption = Annotated[str | None, typer.Option("--draft", help="Guess by a smaller model of the recipe; answers are the same.")]


@contextmanager
def guessing_by(bench: Workbench, lookup: bool, draft: str | None, weights: str | None, device: str) -> "Generator[Guessing | None]":
    """Have a way to guess, None where none is asked for; files of a draft stay as long as it is wanted.

    Args:
        bench: of the recipe.
        lookup: whether the text itself is looked up.
        draft: name of the smaller model.
        weights: of the model that answers; the draft's are rounded as they are.
        device: that the draft computes on.

    Raises:
        ValueError: both are asked for, or the recipe has no such model.
        FileNotFoundError: the draft has not been made.
    """
    from assets.models.names import model_asset

    if lookup and draft is not None:
        raise ValueError("lookup and draft: one of them guesses; leave the other out")
    if draft is None:
        yield _looked_up if lookup else None
        return
    if draft not in bench.recipe.entries.models:
        raise ValueError(f"no model is named {draft!r}; {nearest(draft, list(bench.recipe.entries.models))}")
    cell = Cell(bench.recipe.name, model_asset(draft))
    folder = bench.lake.folder(cell)
    with bench.lake.reading([(cell, folder.name)]):
        from kernels.inference.backends import own
        from kernels.inference.backends.choosing import Choice, loaded

        form = weights if weights in own.SPEC.weights else None
        yield _drafted_by(loaded(folder, device, Choice(own.SPEC.name, form))[1], form)


def _looked_up(lm: "LanguageModel", most_kept_tokens: int) -> "Guesser":
    from kernels.inference.guessing.lookup import Lookup

    return Lookup(NUM_GUESSED)


def _drafted_by(draft: "LanguageModel", weights: str | None) -> "Guessing":
    from kernels.inference.backends.own import BITS
    from kernels.inference.drafting import drafting

    def guessing(lm: "LanguageModel", most_kept_tokens: int) -> "Guesser":
        return drafting(lm, draft, most_kept_tokens=most_kept_tokens, count=NUM_GUESSED, bits=BITS.get(weights or ""))

    return guessing
