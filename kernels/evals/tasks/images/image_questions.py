"""Questions about images with options to tell apart: the answer is the option that the model finds most likely behind image and question.

The data are a folder in LLaVA's form (kernels/reading/images/conversations.py), of which one split is asked; records have ``options``. An answer is
scored with the end of its turn, so that "1" is told from "12". ``accuracy_blind`` asks the same of a grey picture: what the model knows unseen.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kernels.evals.datasets.items import choose_subset
from kernels.evals.likeliest import likeliest
from kernels.evals.statistics.measures import mean_of, result
from kernels.evals.texts import item_texts
from kernels.inference.likelihoods.likelihood import log_likelihoods
from kernels.inference.likelihoods.requests import Request
from kernels.models.formats.chats import image_chats
from kernels.reading.images.conversations import PLACE, SUFFIXES, TRAIN, VALIDATION, ImageConversation, read_split
from kernels.reading.images.decoding import FILLING, UnreadableImage, decode_file, normalised
from kernels.specs.config import Config
from kernels.specs.needs import DataFile
from kernels.specs.sources import Reject
from kernels.specs.tasks import EvalResult, ItemTexts, Progress, Task, TaskTexts, unwatched
from kernels.tokens.image_chats import ImageChatEncoder

if TYPE_CHECKING:
    import polars as pl

    from kernels.models.formats.checkpoints import LanguageModel


METRICS = ("accuracy", "accuracy_blind")
LEARNED = (TRAIN, VALIDATION)
"""Splits of the folder that are no eval's."""


class ImageQuestionsConfig(Config):
    """Questions about images."""

    num_items: int = Field(gt=0)
    """Items asked at most; the subset is a seeded choice, the same for every model."""
    seed: int
    """Seed of the subset and of the bootstrap."""
    num_bootstrap: int = Field(default=1000, gt=0)
    """Bootstrap resamples (Efron and Tibshirani 1993 advise 1000 for intervals)."""

    split: str = Field(default="test", pattern=r"^\w+$")
    """Which file of the folder is asked: ``test`` is ``test.json`` or ``test.jsonl``."""


class Seen(NamedTuple):
    """A question with its image, [size, size, 3]."""

    asked: ImageConversation
    pixels: NDArray[np.uint8]


def run(model: "LanguageModel", data: Path | None, config: ImageQuestionsConfig, progress: Progress = unwatched) -> EvalResult:
    """Return the accuracy with and without the images, and one row an item; records that cannot be asked end the items, with the reason.

    Raises:
        ValueError: the model reads no images, nothing can be asked, or a likelihood is not finite.
    """
    vision = getattr(model.model.config, "vision_config", None)
    if vision is None or data is None:
        raise ValueError("image_questions: the model reads no images; ask one that does, such as one of pretrain_image_text")
    items, rejects = read_items(data, config, vision.image_size)
    encoder = image_chats(model.tokenizer, (vision.image_size // vision.patch_size) ** 2)
    requests = [[_request(encoder, item.asked, option, number) for option in item.asked.options] for number, item in enumerate(items)]
    flat = [request for group in requests for request in group]
    pixels = normalised(np.stack([item.pixels for item in items]))
    grey = normalised(np.full((1, vision.image_size, vision.image_size, 3), FILLING, np.uint8))
    told = _grouped(log_likelihoods(model, flat, pixels), requests)
    blind = _grouped(log_likelihoods(model, [request._replace(image=0) for request in flat], grey), requests)
    rows = [_row(item.asked, seen, unseen) for item, seen, unseen in zip(items, told, blind, strict=True)]
    chance = sum(1 / len(item.asked.options) for item in items) / len(items)
    images = [row["image"] for row in rows]  # several questions may be about one
    keys = [row["item"] for row in rows]
    measures = [mean_of(name, [row[name.replace("accuracy", "correct")] for row in rows], keys, images, chance) for name in METRICS]
    return result(measures, _frame(rows, rejects), config.num_bootstrap, config.seed)


def read_items(data: Path, config: ImageQuestionsConfig, size: int) -> tuple[list[Seen], list[Reject]]:
    """Return the items that are asked, with their images, and what of the whole split cannot be asked.

    Raises:
        ValueError: nothing can be asked.
    """
    found: list[ImageConversation] = []
    rejects: list[Reject] = []
    for each in read_split(data, config.split):
        if isinstance(each, Reject):
            rejects.append(each)
        elif not each.options:
            rejects.append(Reject(each.key, "options", "none are given"))
        else:
            found.append(each)
    items: list[Seen] = []
    for index in choose_subset(len(found), config.num_items, config.seed):
        try:
            items.append(Seen(found[index], decode_file(data / found[index].image, size)))
        except UnreadableImage as error:
            rejects.append(Reject(found[index].key, error.reason, error.detail))
    if not items:
        raise ValueError(f"{data}: nothing of the split {config.split!r} can be asked ({len(rejects)} records are rejected); mend the data")
    return items, rejects


def read_texts(data: Path) -> Iterator[ItemTexts]:
    """Yield what must not occur in training data of every question of a folder, each once with its options; those that are learned from are left out.

    Raises:
        ValueError: a file of the folder is no split.
    """
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for path in sorted(data.iterdir()):
        if path.suffix in SUFFIXES and path.stem not in LEARNED:
            for each in read_split(data, path.stem):
                if not isinstance(each, ImageConversation):
                    continue
                asked = _question(each), each.options or (each.turns[-1].content,)
                if asked not in seen:
                    seen.add(asked)
                    yield item_texts(*asked)


def _question(asked: ImageConversation) -> str:
    return asked.turns[-2].content.replace(PLACE, "").strip()


def _request(encoder: ImageChatEncoder, asked: ImageConversation, option: str, image: int) -> Request:
    """Return image, question and an option in the place of the answer as token ids."""
    learned = encoder.answered([*asked.turns[:-1], asked.turns[-1]._replace(content=option)])
    assert learned is not None, "the last turn is the assistant's"
    start = learned.mask.index(1)
    return Request(tuple(learned.ids[:start]), tuple(learned.ids[start : len(learned.mask) - learned.mask[::-1].index(1)]), image)


def _grouped(flat: Sequence[float], requests: Sequence[Sequence[Request]]) -> list[list[float]]:
    values = iter(flat)
    return [[next(values) for _ in group] for group in requests]


def _row(asked: ImageConversation, seen: list[float], blind: list[float]) -> dict[str, Any]:
    expected = asked.turns[-1].content
    answers = {"answer": asked.options[likeliest(asked.key, seen)], "answer_blind": asked.options[likeliest(asked.key, blind)]}
    return {
        "item": asked.key, "image": asked.image, "prompt": _question(asked), "options": list(asked.options),
        "log_likelihoods": seen, "expected": expected, **answers, "correct": answers["answer"] == expected,
        "correct_blind": answers["answer_blind"] == expected,
    }  # fmt: skip


def _frame(rows: list[dict[str, Any]], rejects: list[Reject]) -> "pl.DataFrame":
    import polars as pl

    texts = dict.fromkeys(("item", "image", "prompt", "expected", "answer", "answer_blind", "rejected"), pl.String)
    lists = {"options": pl.List(pl.String), "log_likelihoods": pl.List(pl.Float64)}
    flags = dict.fromkeys(("correct", "correct_blind"), pl.Boolean)
    told = [{"item": reject.key, "rejected": reject.reason} for reject in rejects]
    return pl.DataFrame([*rows, *told], schema={**texts, **lists, **flags})


SPEC = Task(
    name="image_questions",
    version=4,
    config=ImageQuestionsConfig,
    need=DataFile(),
    run=run,
    attentions=frozenset({"causal"}),
    reads_images=True,
    texts=TaskTexts(version=2, read=read_texts),
    metrics=METRICS,
)
