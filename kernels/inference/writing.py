"""What models write behind prompts, several answers of each and up to strings that end them: by our engines, or by an API."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from kernels.inference.api import model as api
from kernels.inference.api.model import ApiModel
from kernels.inference.decoding import engine_for, pieces_of, stop_ids
from kernels.specs.tasks import Progress, unwatched

if TYPE_CHECKING:
    from kernels.inference.asked_models import AskedModel


class Writing(NamedTuple):
    """How answers are written."""

    max_new_tokens: int
    """Of an answer at most."""
    temperature: float
    """0 takes the likeliest token; 1 draws from the model's own distribution."""
    seed: int
    """Of the draws."""
    stops: tuple[str, ...] = ()
    """Strings that end an answer and are no part of it."""
    num_answers: int = 1
    """Of each prompt."""


def written(model: "AskedModel", prompts: Sequence[Sequence[int]], how: Writing, progress: Progress = unwatched) -> list[list[str]]:
    """Return the answers behind each prompt, given as token ids.

    An answer ends with a string that ends it, with what ends a text or turn, or where the model's context has no room.

    Raises:
        ConnectionError, PermissionError: an API cannot be asked.
        ValueError: a prompt has no token or more than the model reads, or the model continues no texts.
    """
    if isinstance(model, ApiModel):
        return api.written(model, prompts, how.max_new_tokens, how.temperature, how.seed, how.stops, how.num_answers)
    engine = engine_for(model, prompts, how.max_new_tokens, how.num_answers)
    pieces = pieces_of(engine, prompts, how.max_new_tokens, how.temperature, how.seed, stop_ids(model), how.stops, how.num_answers)
    texts = [[""] * how.num_answers for _ in prompts]
    num_done = 0
    for piece in pieces:
        texts[piece.request][piece.answer] += piece.text
        if piece.ending is not None:
            num_done += 1
            progress(num_done // how.num_answers, len(prompts))
    return texts
