"""Multiple choice by log-likelihood: the answer is the option that the model finds most likely after the prompt.

Scores as in EleutherAI's lm-evaluation-harness (github.com/EleutherAI/lm-evaluation-harness, lm_eval/api/task.py):
``accuracy`` compares the options' log-likelihoods (acc), ``accuracy_normalized`` the same divided by the option's UTF-8 bytes
(acc_norm). A prompt that exceeds the model's context loses its beginning, and the items tell how many tokens.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from pydantic import Field

from kernels.evals.statistics import bootstrap_interval
from kernels.inference.likelihood import Request, log_likelihoods
from kernels.specs.config import Config
from kernels.specs.sources import Reject
from kernels.specs.tasks import EvalResult, Score

if TYPE_CHECKING:
    import polars as pl

    from kernels.models.formats.checkpoints import LanguageModel

METRICS = ("accuracy", "accuracy_normalized")
_OPTION = re.compile(r"(?:^|\n)([A-Z])\. ")


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
    head, *parts = _OPTION.split(read_field(key, row, "options"))
    letters, options = parts[::2], tuple(option.strip() for option in parts[1::2])
    if head or len(letters) < 2 or letters != [chr(ord("A") + index) for index in range(len(letters))]:
        return Reject(key, "options_unreadable", row["options"])
    answer = read_field(key, row, "answer")
    letter, _, text = answer.partition(". ")
    expected = letters.index(letter) if letter in letters else -1
    if expected < 0 or options[expected] != text.strip():
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


def read_questions(path: Path) -> Iterator[str]:
    """Yield the question of every record, the rejected ones too."""
    return (read_field(key, row, "question") for key, row in read_rows(path))


def choose_subset(num_available: int, num_items: int, seed: int) -> list[int]:
    """Return the ascending indices of ``num_items`` items, or of all where there are no more, drawn by a seeded permutation."""
    import numpy as np

    return sorted(np.random.default_rng(seed).permutation(num_available)[:num_items].tolist())


def encode(model: "LanguageModel", prompt: str, option: str) -> Request:
    """Return prompt and `` option`` as token ids, split where the harness splits them: behind the prompt's own number of tokens.

    The tokenizer's own beginning of sequence is kept, where it sets one, and a closing token is not.
    """
    tokenizer = model.tokenizer
    given = tokenizer.encode(prompt, add_special_tokens=False)
    whole = tokenizer.encode(f"{prompt} {option}", add_special_tokens=False)
    start = tokenizer.encode("")[:1]
    begin: list[int] = start if start == [tokenizer.bos_token_id] else []
    return Request((*begin, *whole[: len(given)]), tuple(whole[len(given) :]))


def run_multiple_choice(model: "LanguageModel", items: Sequence[Item], rejects: Sequence[Reject], config: MultipleChoiceConfig) -> EvalResult:
    """Return both accuracies over the chosen items; the items frame ends with the rejected records and why they were not asked.

    Raises:
        ValueError: there are no items.
    """
    import polars as pl

    chosen = [items[index] for index in choose_subset(len(items), config.num_items, config.seed)]
    if not chosen:
        raise ValueError("no items to ask: num_items is below 1 or the data file is empty")
    requests = [[encode(model, item.prompt, option) for option in item.options] for item in chosen]
    flat = iter(log_likelihoods(model, [request for group in requests for request in group]))
    limit = model.model.config.max_position_embeddings
    rows: list[dict[str, Any]] = []
    for item, group in zip(chosen, requests, strict=True):
        totals = [next(flat) for _ in group]
        per_byte = [total / len(option.encode()) for total, option in zip(totals, item.options, strict=True)]
        answer, normalized = totals.index(max(totals)), per_byte.index(max(per_byte))
        cut = max(len(request.context) + len(request.continuation) - 1 - limit for request in group)
        rows.append({
            "item": item.key, "prompt": item.prompt, "options": list(item.options), "log_likelihoods": totals,
            "expected": item.options[item.expected], "answer": item.options[answer], "answer_normalized": item.options[normalized],
            "correct": answer == item.expected, "correct_normalized": normalized == item.expected, "num_tokens_cut": max(cut, 0),
        })  # fmt: skip
    rows += [{"item": reject.key, "rejected": reject.reason} for reject in rejects]
    frame = pl.DataFrame(rows, schema=_item_schema())
    chance = math.fsum(1 / len(item.options) for item in chosen) / len(chosen)
    scores = [
        _accuracy(metric, [row[column] for row in rows[: len(chosen)]], chance, config)
        for metric, column in zip(METRICS, ("correct", "correct_normalized"), strict=True)
    ]
    return EvalResult(scores, frame)


def _item_schema() -> "dict[str, pl.DataType | type[pl.DataType]]":
    import polars as pl

    strings = dict.fromkeys(("expected", "answer", "answer_normalized"), pl.String)
    flags = dict.fromkeys(("correct", "correct_normalized"), pl.Boolean)
    lists = {"options": pl.List(pl.String), "log_likelihoods": pl.List(pl.Float64)}
    return {"item": pl.String, "prompt": pl.String, **lists, **strings, **flags, "num_tokens_cut": pl.Int64, "rejected": pl.String}


def _accuracy(metric: str, correct: Sequence[bool], chance: float, config: MultipleChoiceConfig) -> Score:
    interval = bootstrap_interval(correct, config.num_bootstrap, config.seed)
    return Score(metric, sum(correct) / len(correct), interval.low, interval.high, chance, len(correct))
