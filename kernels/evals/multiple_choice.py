"""Multiple choice by log-likelihood: the answer is the option that the model finds most likely after the prompt.

Scores as in EleutherAI's lm-evaluation-harness (github.com/EleutherAI/lm-evaluation-harness, lm_eval/api/task.py of 0.4.13): ``accuracy``
compares the options' log-likelihoods (its acc), ``accuracy_normalized`` the same divided by the option's characters (its acc_norm), and
``accuracy_per_byte`` by its UTF-8 bytes (its acc_bytes). Options are asked as they stand in the file, their spaces too. A prompt that exceeds
the model's context loses its beginning, and the items tell how many tokens. An option of no character is scored by ``accuracy`` alone: a
likelihood divided by no length is no likelihood, and the normalized scores never choose it.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from pydantic import Field

from kernels.evals.statistics import bootstrap_interval
from kernels.inference.asked_models import AskedModel
from kernels.inference.likelihoods.likelihood import Request, log_likelihoods
from kernels.inference.likelihoods.requests import num_tokens_cut
from kernels.models.formats.chats import text_encoder
from kernels.specs.config import Config
from kernels.specs.sources import Reject
from kernels.specs.tasks import EvalResult, ItemTexts, Score

if TYPE_CHECKING:
    import polars as pl

_OPTION = re.compile(r"(?:^|\n)([A-Z])\. ")
_LABELS = ("", "Answer", "A", "Solution", "The answer is")
"""What stands between question and answer where others print an item, in the words that decontamination compares."""
_LABELS_ABROAD = ("答案", "答", "回答", "정답", "คำตอบ", "ตอบ", "Đáp án", "Respuesta", "Réponse", "Antwort", "Ответ", "الإجابة", "उत्तर")
"""The same of questions with other letters than ASCII's."""
_BLANK = re.compile(r"(?<!\w)_+(?!\w)")
_METRICS: dict[str, Callable[[str], int]] = {
    "accuracy": lambda option: 1,
    "accuracy_normalized": len,
    "accuracy_per_byte": lambda option: len(option.encode()),
}
METRICS = tuple(_METRICS)
"""What each metric divides the log-likelihood of an option by."""


class MultipleChoiceConfig(Config):
    """Which items are asked, and how many resamples the interval takes."""

    num_items: int = Field(gt=0)
    """Items asked at most; the subset is a seeded choice, the same for every model."""
    seed: int
    """Seed of the subset and of the bootstrap."""
    num_bootstrap: int = Field(default=1000, gt=0)
    """Bootstrap resamples (Efron and Tibshirani 1993 advise 1000 for intervals)."""


class Item(NamedTuple):
    """One question: its key in the file, the prompt, the options that may follow it, and the right one's index."""

    key: str
    prompt: str
    options: tuple[str, ...]
    expected: int
    about: str | None = None
    """What other items may be about too, such as a passage; None where each is about something else."""


def read_rows(path: Path | None) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield ``(file:line, record)`` of a JSONL file whose records hold strings.

    Raises:
        ValueError: there is no file, or a line is not such a record.
    """
    if path is None:
        raise ValueError("this eval reads a data file; name one in the recipe")
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            key = f"{path.name}:{number}"
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise ValueError(f"{key}: not JSON ({error}); repair or fetch the file again") from error
            if not isinstance(row, dict) or not all(isinstance(value, str) for value in cast(dict[str, Any], row).values()):
                raise ValueError(f"{key}: not an object of strings; give a file of question, options and answer")
            yield key, cast(dict[str, str], row)


def read_field(key: str, row: dict[str, str], name: str) -> str:
    """Return one field of a record without surrounding space.

    Raises:
        ValueError: the record has no such field, or it is blank.
    """
    if not row.get(name, "").strip():
        raise ValueError(f"{key}: no {name!r}, only {sorted(row)}; give a file of the eval's own format")
    return row[name].strip()


def parse_item(key: str, row: dict[str, str], prompt: str) -> Item | Reject:
    """Return the item of a record whose options read ``A. x``, newline, ``B. y`` and whose answer repeats one of them.

    Returns:
        A `Reject` where the letters do not run from A, or the answer is not literally one of the options.
    """
    read_field(key, row, "options")
    head, *parts = _OPTION.split(row["options"].strip("\n"))
    letters, options = parts[::2], tuple(parts[1::2])
    if head.strip() or len(letters) < 2 or letters != [chr(ord("A") + index) for index in range(len(letters))]:
        return Reject(key, "options_unreadable", row["options"])
    read_field(key, row, "answer")
    answer = row["answer"]
    letter, _, text = answer.strip().partition(".")
    expected = letters.index(letter) if letter in letters else -1
    if expected < 0 or options[expected].strip() != text.strip():
        return Reject(key, "answer_not_an_option", answer)
    return Item(key, prompt, options, expected)


def read_items(path: Path | None, prompt: Callable[[str], str], max_rejects: int = 0) -> tuple[list[Item], list[Reject]]:
    """Return a file's items and rejected records; ``prompt`` makes the prompt of a question.

    Raises:
        ValueError: more records are rejected than the data set is known to hold.
    """
    items: list[Item] = []
    rejects: list[Reject] = []
    for key, row in read_rows(path):
        item = parse_item(key, row, prompt(read_field(key, row, "question")))
        if isinstance(item, Item):
            items.append(item)
            continue
        rejects.append(item)
        if len(rejects) > max_rejects:
            known = f"{max_rejects} such records are known in this data set"
            raise ValueError(f"{key}: {item.reason} {item.detail!r}; {known}, this is one more: repair the file")
    return items, rejects


def read_item_texts(path: Path) -> Iterator[ItemTexts]:
    """Yield what must not occur in training data of every record of question, options and answer, the rejected ones too."""
    for key, row in read_rows(path):
        question = read_field(key, row, "question")
        item = parse_item(key, row, question)
        options = item.options if isinstance(item, Item) else (row.get("options", ""), row.get("answer", ""))
        yield item_texts(question, options)


def item_texts(question: str, options: Sequence[str]) -> ItemTexts:
    """Return the texts of one item: its parts, and the question with each option behind it, with and without a label between, or in its blank."""
    given = [option for option in options if option.strip()]
    labels = _LABELS if question.isascii() else (*_LABELS, *_LABELS_ABROAD)
    filled = [_BLANK.sub(lambda blank, option=option: option, question) for option in given if _BLANK.search(question)]
    return ItemTexts((question, *given), (*(f"{question} {label} {option}" for option in given for label in labels), *filled))


def choose_subset(num_available: int, num_items: int, seed: int) -> list[int]:
    """Return the ascending indices of ``num_items`` items, or of all where there are no more, drawn by a seeded permutation."""
    import numpy as np

    return sorted(np.random.default_rng(seed).permutation(num_available)[:num_items].tolist())


def encode(model: AskedModel, prompt: str, option: str) -> Request:
    """Return prompt and `` option`` as token ids, encoded together and split as the harness does, behind the prompt's own number of tokens.

    White space at the end of the prompt goes to the option first. What the tokenizer puts before a text stands before the prompt, and a closing token
    does not stand behind. Where the option is swallowed by the prompt's last token, that token is asked.
    """
    encoder = text_encoder(model.tokenizer)
    given, whole = encoder.contents([prompt.rstrip(), f"{prompt} {option}"])
    split = min(len(given), len(whole) - 1)
    return Request((*encoder.before_a_text(), *whole[:split]), tuple(whole[split:]))


def run_multiple_choice(model: AskedModel, items: Sequence[Item], rejects: Sequence[Reject], config: MultipleChoiceConfig) -> EvalResult:
    """Return the three accuracies over the chosen items; the items frame ends with the rejected records and why they were not asked.

    Raises:
        ValueError: there are no items, or the model gives a likelihood that is not finite.
    """
    import polars as pl

    chosen = [items[index] for index in choose_subset(len(items), config.num_items, config.seed)]
    if not chosen:
        raise ValueError("no items to ask: num_items is below 1 or the data file is empty")
    requests = [[encode(model, item.prompt, option) for option in item.options] for item in chosen]
    flat = iter(log_likelihoods(model, [request for group in requests for request in group]))
    rows: list[dict[str, Any]] = []
    for item, group in zip(chosen, requests, strict=True):
        totals = [next(flat) for _ in group]
        cut = max(num_tokens_cut(model, request) for request in group)
        rows.append({
            "item": item.key, "prompt": item.prompt, "options": list(item.options), "log_likelihoods": totals,
            "expected": item.options[item.expected], **_answers(item, totals), "num_tokens_cut": cut,
        })  # fmt: skip
    rows += [{"item": reject.key, "rejected": reject.reason} for reject in rejects]
    frame = pl.DataFrame(rows, schema=_item_schema())
    chance = math.fsum(1 / len(item.options) for item in chosen) / len(chosen)
    about = [item.key if item.about is None else item.about for item in chosen]
    correct = {metric: [row[_column("correct", metric)] for row in rows[: len(chosen)]] for metric in _METRICS}
    return EvalResult([accuracy(metric, correct[metric], about, chance, config) for metric in _METRICS], frame)


def likeliest(key: str, log_likelihoods: Sequence[float]) -> int:
    """Return which option of an item is the likeliest, the first of equals.

    Raises:
        ValueError: a likelihood is not finite: the first option would stand for an answer that the model has not given.
    """
    if not all(map(math.isfinite, log_likelihoods)):
        raise ValueError(f"{key}: a likelihood is not finite; look for a model that gives NaN")
    return log_likelihoods.index(max(log_likelihoods))


def _answers(item: Item, totals: Sequence[float]) -> dict[str, Any]:
    """Return by each metric the option of the highest score, the first of equals, and whether it is the right one. Raises ValueError: `likeliest`."""
    likeliest(item.key, totals)
    found: dict[str, Any] = {}
    for metric, length in _METRICS.items():
        lengths = [length(option) for option in item.options]
        scores = [total / size if size else -math.inf for total, size in zip(totals, lengths, strict=True)]
        answer = scores.index(max(scores))
        found |= {_column("answer", metric): item.options[answer], _column("correct", metric): answer == item.expected}
    return found


def _column(name: str, metric: str) -> str:
    """Return the column of the items frame: ``answer``, ``answer_normalized``, ``answer_per_byte``."""
    return name + metric.removeprefix("accuracy")


def _item_schema() -> "dict[str, pl.DataType | type[pl.DataType]]":
    import polars as pl

    answers = {_column("answer", metric): pl.String for metric in _METRICS}
    flags = {_column("correct", metric): pl.Boolean for metric in _METRICS}
    lists = {"options": pl.List(pl.String), "log_likelihoods": pl.List(pl.Float64)}
    return {
        "item": pl.String,
        "prompt": pl.String,
        **lists,
        "expected": pl.String,
        **answers,
        **flags,
        "num_tokens_cut": pl.Int64,
        "rejected": pl.String,
    }


def accuracy(metric: str, correct: Sequence[bool], about: Sequence[str], chance: float, config: MultipleChoiceConfig) -> Score:
    """Return the share of right answers as a score; ``about`` says of each item what it is about: the interval is of other things as these are."""
    interval = bootstrap_interval(correct, config.num_bootstrap, config.seed, about=about)
    return Score(metric, sum(correct) / len(correct), interval.low, interval.high, chance, len(correct))
