"""The answer is what a model writes behind a prompt, once or several times, and what is read out of it.

Of several answers to an item the one that most of them give is the answer (self-consistency, Wang et al. 2022, arXiv 2203.11171); all of them are
kept.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import Field

from kernels.evals.datasets.items import Item
from kernels.evals.prompting.config import PromptConfig
from kernels.evals.prompting.prompts import Prompt, put
from kernels.evals.solvers.encoding import prompt_tokens
from kernels.evals.solvers.solving import Put, Solved, Solver
from kernels.evals.templates.template import Template
from kernels.inference.asked_models import window_of
from kernels.inference.writing import Writing, written
from kernels.specs.tasks import CONTINUES_TEXTS, Progress

if TYPE_CHECKING:
    from kernels.inference.asked_models import AskedModel

Extract = Callable[[str], str | None]
"""Reads the answer out of what was written; None where there is none."""


class WritingConfig(PromptConfig):
    """How answers are written."""

    max_new_tokens: int = Field(gt=0)
    """Tokens of an answer at most."""
    temperature: float = Field(default=0.0, ge=0)
    """0 takes the likeliest token; 1 draws from the model's own distribution."""
    num_samples: int = Field(default=1, gt=0)
    """Answers to each item; what most of them say is the answer."""
    stops: tuple[str, ...] = ()
    """Strings that end an answer."""


class Written(NamedTuple):
    """What a model wrote to an item."""

    texts: tuple[str, ...]
    extracted: tuple[str | None, ...]
    """What was read out of each."""

    @property
    def answer(self) -> str | None:
        """What most of the answers say, the first of equals; None where nothing could be read out of any."""
        counts = Counter(each for each in self.extracted if each is not None)
        return counts.most_common(1)[0][0] if counts else None


def writing(extract: Extract) -> Solver:
    """Return the solver whose answers are read by ``extract``."""

    def solve(model: "AskedModel", asked: Sequence[Put], config: WritingConfig, progress: Progress) -> list[Solved]:
        template, *others = config.chosen_templates
        if others:
            raise ValueError("templates: an answer that is written has one; give one template, or num_samples for several answers")
        prompts = [_put(model, each, template, config) for each in asked]
        room = _room(model, config)
        tokens = [prompt_tokens(model, prompt) for prompt in prompts]
        how = Writing(config.max_new_tokens, config.temperature, config.seed, config.stops, config.num_samples)
        texts = written(model, [each[-room:] if room else each for each in tokens], how, progress)
        found: list[Solved] = []
        for each, prompt, read, answers in zip(asked, prompts, tokens, texts, strict=True):
            answer = Written(tuple(answers), tuple(extract(text) for text in answers))
            num_cut = max(0, len(read) - room) if room else 0
            found.append(Solved(answer, _row(each.item, prompt, answer, num_cut)))
        return found

    return Solver(config=WritingConfig, solve=solve, attentions=CONTINUES_TEXTS, asks_likelihoods=False, columns=_columns)


def _room(model: "AskedModel", config: WritingConfig) -> int:
    """Return how many tokens of a prompt find room before an answer, 0 where nothing bounds them. Raises ValueError: none does."""
    window = window_of(model)
    if window is None or model.attention == "encoder_decoder":
        return window or 0
    if window <= config.max_new_tokens:
        raise ValueError(f"max_new_tokens: {config.max_new_tokens} leave no room for a prompt in the model's {window}; ask for fewer")
    return window - config.max_new_tokens


def _put(model: "AskedModel", each: Put, template: Template, config: WritingConfig) -> Prompt:
    room = _room(model, config)
    return put(each.item, template, each.shots, chat=config.chat, has_room=lambda prompt: not room or len(prompt_tokens(model, prompt)) <= room)


def _row(item: Item, prompt: Prompt, answer: Written, num_cut: int) -> dict[str, Any]:
    return {
        "prompt": prompt.shown,
        "expected": item.references[0] if item.references else None,
        "references": list(item.references),
        "texts": list(answer.texts),
        "answer": answer.answer,
        "num_tokens_cut": num_cut,
        "num_shots_cut": prompt.num_shots_cut,
    }


def _columns() -> dict[str, Any]:
    import polars as pl

    lists = {"references": pl.List(pl.String), "texts": pl.List(pl.String)}
    return {"prompt": pl.String, "expected": pl.String, **lists, "answer": pl.String, "num_tokens_cut": pl.Int64, "num_shots_cut": pl.Int64}
