"""Records of one's own as items: what a recipe says of their fields is all that is known of them."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from kernels.evals.datasets.items import Dataset, Item
from kernels.evals.datasets.records import Record, records
from kernels.evals.templates.template import LETTERS
from kernels.specs.names import nearest
from kernels.specs.tasks import ItemTexts


def dataset_of(make: Callable[[str, Record], Item]) -> Dataset:
    """Return the items of one file."""

    def read(path: Path, split: str) -> Iterator[Item]:
        for key, record in records(path):
            yield make(key, record)

    return Dataset(read=read, asked="test", question="")


def value_of(key: str, record: Record, name: str) -> Any:
    """Return a field of a record. Raises ValueError: it has none of the name."""
    if name not in record:
        raise ValueError(f"{key}: has no field {name!r}; {nearest(name, record)}")
    return record[name]


def texts_of(key: str, value: Any, name: str) -> tuple[str, ...]:
    """Return a field's texts, given one or several. Raises ValueError: it is neither, or empty."""
    values = cast(Sequence[Any], value) if isinstance(value, list | tuple) else (value,)
    if not values or not all(isinstance(each, str | int | float) for each in values):
        raise ValueError(f"{key}: the field {name!r} is no text and no list of texts; repair the record")
    return tuple(str(each) for each in values)


def label_of(key: str, value: Any, options: Sequence[str]) -> int:
    """Return which option a label names: by its number from 0, its letter, or its text.

    Raises:
        ValueError: none, or two of these name different options.
    """
    named = {index for index, option in enumerate(options) if isinstance(value, str) and value.strip() == option.strip()}
    if not named and isinstance(value, str) and len(value.strip()) == 1 and value.strip() in LETTERS[: len(options)]:
        named = {LETTERS.index(value.strip())}
    if not named and str(value).strip().isdigit() and int(str(value)) < len(options):
        named = {int(str(value))}
    if len(named) != 1:
        raise ValueError(f"{key}: the label {value!r} names {len(named)} of the options {list(options)}; give a number from 0, a letter, or the text")
    return named.pop()


def record_texts(path: Path) -> Iterator[ItemTexts]:
    """Yield of each record all that it says: what of it must not occur in training data."""
    for key, record in records(path):
        said = [
            text for value in record.values() for text in (cast(list[Any], value) if isinstance(value, list) else [value]) if isinstance(text, str)
        ]
        yield ItemTexts(tuple(said), (" ".join(said),), key)
