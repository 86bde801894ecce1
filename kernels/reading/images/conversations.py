"""Conversations about images in LLaVA's form (Liu et al. 2023, arXiv 2304.08485).

A JSON list, or JSON Lines, of objects with ``image``, the name of a file in the folder, and ``conversations``, turns of
``{"from": "human" | "gpt", "value": ...}`` of which the first holds ``<image>``. ``options`` may list the answers that are to be told
apart, the last turn's among them. What is none of this is a counted reject.
"""

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, cast

from kernels.specs.sources import Reject
from kernels.specs.turns import Turn

MARK = "<image>"
"""What stands in the human's turn where the image is."""
PLACE = "\ufffc"
"""What stands there in turns: Unicode's object replacement character."""
SUFFIXES = (".json", ".jsonl")
TRAIN, VALIDATION = "train", "validation"
"""Splits of a folder that a training reads: what is learned, and what that is looked at by."""
_ROLES = {"human": "user", "gpt": "assistant"}


class ImageConversation(NamedTuple):
    """One conversation about one image."""

    key: str
    """``train.json:17``: the file and the number of the record in it, counted from 1."""
    image: str
    """Below the folder."""
    turns: tuple[Turn, ...]
    """User and assistant in turn; `PLACE` stands in the first for the image."""
    options: tuple[str, ...] = ()


def file_of_split(folder: Path, split: str) -> Path:
    """Return the file of a split: ``train.json`` or ``train.jsonl``. Raises ValueError: there is none, or both are there."""
    found = [path for suffix in SUFFIXES if (path := folder / f"{split}{suffix}").is_file()]
    if len(found) != 1:
        held = "both are there" if found else "neither is there"
        raise ValueError(f"{folder}: the split {split!r} is one file, {split}.json or {split}.jsonl, and {held}; write it, or remove one")
    return found[0]


def read_split(folder: Path, split: str) -> Iterator[ImageConversation | Reject]:
    """Yield the conversations of a split, and what is none.

    Raises:
        ValueError: there is no file of the split, or it is not JSON.
    """
    path = file_of_split(folder, split)
    for number, record in enumerate(_records(path), 1):
        yield parse(f"{path.name}:{number}", record)


def _records(path: Path) -> Iterator[Any]:
    if path.suffix == ".jsonl":
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                yield _parsed(line, f"{path}:{number}")
        return
    records = _parsed(path.read_text(encoding="utf-8"), str(path))
    if not isinstance(records, list):
        raise ValueError(f"{path}: not a list of conversations; write one, or JSON Lines as {path.stem}.jsonl")
    yield from cast(list[Any], records)


def _parsed(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{place}: not JSON ({error}); repair or fetch the file again") from error


def parse(key: str, record: Any) -> ImageConversation | Reject:
    """Return the conversation of a record, or why it is none."""
    if not isinstance(record, dict):
        return Reject(key, "not_an_object", type(record).__name__)
    fields = cast(dict[str, Any], record)
    image, turns, options = fields.get("image"), fields.get("conversations"), fields.get("options", [])
    if not isinstance(image, str) or not _is_inside(image):
        return Reject(key, "image_name", repr(image)[:100])
    said = _turns(cast(list[Any], turns)) if isinstance(turns, list) else None
    if not said:
        return Reject(key, "turns", "not turns of human and gpt by turns, the last of them gpt's, none of them empty")
    if said[0].content.count(MARK) != 1 or any(PLACE in turn.content for turn in said):
        return Reject(key, "image_mark", f"{said[0].content.count(MARK)} times {MARK} in the first turn, where it stands once")
    if not _are_options(options, said[-1].content):
        return Reject(key, "options", repr(options)[:100])
    first = said[0]._replace(content=said[0].content.replace(MARK, PLACE))
    return ImageConversation(key, image, (first, *said[1:]), tuple(options))


def _is_inside(name: str) -> bool:
    """Return whether a name leads to a file below the folder, on any system."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and not any(sign in name for sign in "\\:\0")


def _turns(turns: list[Any]) -> tuple[Turn, ...] | None:
    """Return turns of human and gpt in order; None where they are not."""
    if not turns or len(turns) % 2:
        return None
    found: list[Turn] = []
    for number, turn in enumerate(turns):
        fields: dict[str, Any] = cast(dict[str, Any], turn) if isinstance(turn, dict) else {}
        said, value = ("human", "gpt")[number % 2], fields.get("value")
        if fields.get("from") != said or not isinstance(value, str) or not value.strip():
            return None
        found.append(Turn(_ROLES[said], value))
    return tuple(found)


def _are_options(options: Any, answer: str) -> bool:
    if not isinstance(options, list):
        return False
    given = cast(list[Any], options)
    return not given or (all(isinstance(option, str) for option in given) and len(given) == len(set(given)) > 1 and answer in given)
