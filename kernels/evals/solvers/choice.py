"""The answer is the option that a model finds likeliest: behind a prompt, or in the blank of one.

Asked of models that continue texts: the likelihood of an option behind the prompt (lm-evaluation-harness, lm_eval/api/task.py of 0.4.13,
``multiple_choice``); in a blank, that of the text from there on, or of what is behind it alone. A prompt longer than a model's context loses
examples, then its beginning; both are counted.

Two calibrations (of what a model finds likely anyway): ``contextual`` divides by the mean probability of an option where the prompt has no content
(Zhao et al. 2021, arXiv 2102.09690, with their three empty contents), ``pmi`` by its probability behind the template's premise (Holtzman et al. 2021,
arXiv 2104.08315).
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from kernels.evals.datasets.items import Item
from kernels.evals.likeliest import require_finite
from kernels.evals.prompting.config import PromptConfig
from kernels.evals.prompting.prompts import Prompt, content_free, log_sum, put, words_of
from kernels.evals.solvers.encoding import encode, encode_in_chat
from kernels.evals.solvers.reasoning import Reasoning, reasoned
from kernels.evals.solvers.solving import Put, Solved, Solver
from kernels.evals.templates.template import BLANK, Template
from kernels.inference.likelihoods.likelihood import Request, log_likelihoods
from kernels.inference.likelihoods.requests import num_tokens_cut
from kernels.specs.tasks import CONTINUES_TEXTS, Progress

if TYPE_CHECKING:
    from kernels.inference.asked_models import AskedModel

TOGETHER = 256
"""Items that are asked together: what they begin with is read once."""
CONTENT_FREE = ("N/A", "", "[MASK]")


class ChoiceConfig(PromptConfig):
    """How options are weighed."""

    calibration: Literal["none", "contextual", "pmi"] = "none"
    """What a model finds likely anyway is taken away by a prompt without content, or by the template's premise."""
    combine: Literal["mean", "vote"] = "mean"
    """Of several templates or lines of reasoning: whether log-likelihoods are averaged, or each has a vote."""
    reasoning: Reasoning | None = None
    """What the model is to write before it is asked (chain of thought)."""


class Choice(NamedTuple):
    """How likely the options of an item are, as each prompt has it: [prompts][options] nats; and the options as asked."""

    by_prompt: tuple[tuple[float, ...], ...]
    options: tuple[str, ...]
    combine: Literal["mean", "vote"]
    names: tuple[str, ...]
    """Of the templates, one a prompt."""

    def weights(self, lengths: Sequence[int] | None = None) -> list[float]:
        """Return the weight of each option: mean log-likelihood, or votes with that to break ties.

        Divided by lengths, an option without any never wins.
        """
        divided = [[_divided(value, lengths, place) for place, value in enumerate(row)] for row in self.by_prompt]
        means = [math.fsum(column) / len(column) if math.isfinite(sum(column)) else -math.inf for column in zip(*divided, strict=True)]
        if self.combine == "mean":
            return means
        votes = [row.index(max(row)) for row in divided]
        order = sorted(range(len(means)), key=means.__getitem__)
        return [votes.count(option) + order.index(option) / (len(means) + 1) for option in range(len(means))]

    def best(self, lengths: Sequence[int] | None = None) -> int:
        """Return the option of the highest weight, the first of equals."""
        weights = self.weights(lengths)
        return weights.index(max(weights))

    def probabilities(self) -> list[float]:
        """Return the probability of each option among them, by the mean log-likelihoods."""
        return [math.exp(value) for value in normalised(self._replace(combine="mean").weights())]


def _divided(value: float, lengths: Sequence[int] | None, place: int) -> float:
    if lengths is None:
        return value
    return value / lengths[place] if lengths[place] else -math.inf


class _Asked(NamedTuple):
    """A prompt that is asked, the template that made it, and what the model wrote of its reasoning before."""

    prompt: Prompt
    template: Template
    begun: str = ""


class _Told(NamedTuple):
    """Log-likelihood of each option (nats), and how many tokens of the prompt found no room."""

    options: list[float]
    num_cut: int


def solve(model: "AskedModel", asked: Sequence[Put], config: ChoiceConfig, progress: Progress) -> list[Solved]:
    """Return the choice among the options of each item.

    Raises:
        ValueError: a likelihood is not finite, the model has no chat template and is to be asked by it, or a template makes no sense of what is
        asked.
    """
    found: list[Solved] = []
    free = {template.name: _free(model, asked, template, config) for template in config.chosen_templates}
    for start in range(0, len(asked), TOGETHER):
        some = asked[start : start + TOGETHER]
        rows = [[_Asked(_put(model, each, template, config), template) for template in config.chosen_templates] for each in some]
        if config.reasoning is not None:
            rows = _with_reasoning(model, rows, config.reasoning, config.seed)
        flat = [each for row in rows for each in row]
        told = _tell(model, flat)
        if config.calibration == "pmi":
            told = [_less(given, alone.options) for given, alone in zip(told, _tell(model, [_premise(each) for each in flat]), strict=True)]
        if config.calibration == "contextual":
            told = [_less(given, free[each.template.name]) for given, each in zip(told, flat, strict=True)]
        answers = iter(told)
        found += [_solved(each.item, row, [next(answers) for _ in row], config) for each, row in zip(some, rows, strict=True)]
        progress(len(found), len(asked))
    return found


def _put(model: "AskedModel", each: Put, template: Template, config: ChoiceConfig) -> Prompt:
    """Return an item as it is asked, with as many examples as find room."""

    def has_room(prompt: Prompt) -> bool:
        longest = max((word for words in prompt.options for word in words), key=len)
        return num_tokens_cut(model, _request(model, _Asked(prompt, template), longest)) == 0

    return put(each.item, template, each.shots, chat=config.chat, has_room=has_room)


def _with_reasoning(model: "AskedModel", rows: Sequence[Sequence[_Asked]], reasoning: Reasoning, seed: int) -> list[list[_Asked]]:
    """Return each prompt as often as the model reasons on it, each time with what it wrote."""
    lines = iter(reasoned(model, [each.prompt for row in rows for each in row], reasoning, seed))
    return [[each._replace(begun=line) for each in row for line in next(lines)] for row in rows]


def _tell(model: "AskedModel", asked: Sequence[_Asked]) -> list[_Told]:
    """Return how likely the options of prompts are; of an option that several words stand for, their probabilities are added."""
    requests = [[[_request(model, each, word) for word in words] for words in each.prompt.options] for each in asked]
    flat = iter(log_likelihoods(model, [request for options in requests for words in options for request in words]))
    told: list[_Told] = []
    for options in requests:
        values = [log_sum([next(flat) for _ in words]) for words in options]
        told.append(_Told(values, max(num_tokens_cut(model, request) for words in options for request in words)))
    return told


def _request(model: "AskedModel", asked: _Asked, word: str) -> Request:
    """Return what is asked of one word: itself behind the prompt or, in a blank, it and what is behind it, or that alone."""
    prompt, template = asked.prompt, asked.template
    if prompt.turns:
        if BLANK in prompt.turns[-1].content:
            raise ValueError(f"the template {template.name!r} has a blank, which no answer of a chat fills; ask it without chat")
        return encode_in_chat(model, prompt, asked.begun, f" {word}" if asked.begun else word)
    if BLANK in prompt.text:
        left, _, right = prompt.text.rpartition(BLANK)
        return encode(model, left + word, right) if template.scores == "behind" else encode(model, left, word + right)
    return encode(model, prompt.text + asked.begun, template.delimiter + word)


def _premise(asked: _Asked) -> _Asked:
    """Return the options of a prompt behind its template's premise alone."""
    return _Asked(asked.prompt._replace(text=asked.template.premise, turns=()), asked.template)


def _free(model: "AskedModel", asked: Sequence[Put], template: Template, config: ChoiceConfig) -> list[float]:
    """Return the log of the mean probability of each option where the prompt has no content, nothing where that is not wanted.

    Raises:
        ValueError: the options are other ones from item to item.
    """
    if config.calibration != "contextual":
        return []
    item, shots = asked[0]
    words = words_of(item, template)
    if any(words_of(each.item, template) != words for each in asked):
        raise ValueError("calibration: contextual needs the same options for every item, and these differ; take pmi")
    prompts: list[_Asked] = []
    for text in CONTENT_FREE:
        emptied = item._replace(fields=content_free(item, text))
        prompts.append(_Asked(_put(model, Put(emptied, shots), template, config), template))
    told = [normalised(each.options) for each in _tell(model, prompts)]
    return [log_sum(column) - math.log(len(column)) for column in zip(*told, strict=True)]


def normalised(values: Sequence[float]) -> list[float]:
    """Return log-probabilities of options among each other."""
    total = log_sum(values)
    return [value - total for value in values]


def _less(told: _Told, alone: Sequence[float]) -> _Told:
    return told._replace(options=[value - other for value, other in zip(told.options, alone, strict=True)])


def _solved(item: Item, asked: Sequence[_Asked], told: Sequence[_Told], config: ChoiceConfig) -> Solved:
    """Return what was answered to an item. Raises ValueError: a likelihood is not finite: the first option would stand for an answer not given."""
    require_finite(item.key, [value for each in told for value in each.options])
    options = tuple(words[0] for words in asked[0].prompt.options)
    choice = Choice(tuple(tuple(each.options) for each in told), options, config.combine, tuple(each.template.name for each in asked))
    best = choice.best()
    row: dict[str, Any] = {
        "prompt": asked[0].prompt.shown,
        "options": list(item.options),
        "log_likelihoods": choice.weights(),
        "expected": ", ".join(item.options[index] for index in item.expected),
        "answer": item.options[best],
        "correct": best in item.expected,
        "num_tokens_cut": max(each.num_cut for each in told),
        "num_shots_cut": max(each.prompt.num_shots_cut for each in asked),
    }
    row |= {"reasoning": [each.begun for each in asked if each.begun]} if config.reasoning is not None else {}
    row |= {"log_likelihoods_by_prompt": [list(each) for each in choice.by_prompt]} if len(asked) > 1 else {}
    return Solved(choice, row)


def _columns() -> dict[str, Any]:
    import polars as pl

    lists = {"options": pl.List(pl.String), "log_likelihoods": pl.List(pl.Float64)}
    counts = {"num_tokens_cut": pl.Int64, "num_shots_cut": pl.Int64}
    more = {"reasoning": pl.List(pl.String), "log_likelihoods_by_prompt": pl.List(pl.List(pl.Float64))}
    return {"prompt": pl.String, **lists, "expected": pl.String, "answer": pl.String, "correct": pl.Boolean, **counts, **more}


CHOICE = Solver(config=ChoiceConfig, solve=solve, attentions=CONTINUES_TEXTS, asks_likelihoods=True, columns=_columns)
