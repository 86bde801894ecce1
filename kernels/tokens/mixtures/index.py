"""What a mixture's folder says of itself in ``index.json``: the rows of each source, and the policy by which they are read (order.py)."""

import math
from fractions import Fraction
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, ValidationError

from kernels.specs.config import Config

INDEX_FILE = "index.json"
REPLAYED = " (replayed)"


def _are_shares(weights: dict[str, float]) -> dict[str, float]:
    wrong = [source for source, weight in weights.items() if not (math.isfinite(weight) and weight >= 0)]
    if wrong:
        raise ValueError(f"the weights of {', '.join(wrong)} are no shares; give finite numbers of at least 0")
    if not any(weights.values()):
        raise ValueError("every weight is 0; give one source a share")
    return weights


Weights = Annotated[dict[str, float], Field(min_length=1), AfterValidator(_are_shares)]


def as_written(number: float) -> Fraction:
    """Return a number as a recipe writes it, exactly: 0.15 is 3/20."""
    return Fraction(repr(number))


def shares_of(weights: dict[str, float]) -> dict[str, Fraction]:
    """Return the exact shares of the sources that have one, by name: the same in whatever order they stand."""
    exact = {source: as_written(weight) for source, weight in sorted(weights.items()) if weight > 0}
    whole = sum(exact.values())
    return {source: weight / whole for source, weight in exact.items()}


def replayed_rows(source: str) -> str:
    """Return what the rows of a source's replayed documents are called; those of its others have its own name."""
    return f"{source}{REPLAYED}"


def source_of_rows(name: str) -> str:
    """Return the source of some rows by their name."""
    return name.removesuffix(REPLAYED)


def is_replayed(name: str) -> bool:
    """Return whether rows of some name hold replayed documents."""
    return name.endswith(REPLAYED)


class Stage(Config):
    """Shares that hold from a point of the training on, until the next stage or the end."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"from": 0.8, "weights": {"books": 0.6, "chats": 0.4}}]})

    start: float = Field(gt=0, lt=1, alias="from")
    """Share of the training after which it begins: 0.8 is when a fifth is left."""
    weights: Weights
    """Share of the training tokens that each source gives from then on; a source that is not named gives none."""


class SourceRows(Config):
    """The rows of one source, which stand together: those of replayed documents apart from its others."""

    first_row: int = Field(ge=0)
    """Of the training split."""
    num_rows: int = Field(gt=0)
    """Rows that hold its documents and no others."""
    max_epochs: float = Field(gt=0)
    """How often a training may read each of them at most."""


class MixtureIndex(Config):
    """All that a training of some length depends on: by what order it reads the rows, and which they are."""

    seed: int
    """Of the order."""
    sequence_length: int = Field(gt=1)
    """Tokens in a row."""
    sources: dict[str, SourceRows] = Field(min_length=1)
    """Those that have a share at any time, by name; replayed documents as sources of their own (`replayed_rows`)."""
    weights: Weights
    """Shares at the beginning."""
    stages: list[Stage] = Field(default=[])
    """Shares later on."""
    max_documents: int = Field(gt=0)
    """The most documents in one row of either split: both are read by the same lengths."""
    content: str = Field(min_length=1)
    """Digest of the rows of both splits: mixtures of one index are the same, token for token."""
    num_replayed_tokens: int = Field(default=0, ge=0)
    """Tokens of the rows of replayed documents; the order does not depend on it."""


def read_index(folder: Path) -> MixtureIndex:
    """Return the index of a mixture's folder.

    Raises:
        FileNotFoundError: there is none (says what to do).
        ValueError: it is of another version (likewise).
    """
    path = folder / INDEX_FILE
    if not path.is_file():
        raise FileNotFoundError(f"{path}: is missing, so that the order of its rows is not known; make the mixture again")
    try:
        return MixtureIndex.model_validate_json(path.read_text())
    except ValidationError as error:
        raise ValueError(
            f"{path}: is not as this version writes it ({'.'.join(map(str, error.errors()[0]['loc']))}); make the mixture again with mill up"
        ) from error


def write_index(index: MixtureIndex, folder: Path) -> None:
    """Write the index of a mixture's folder."""
    (folder / INDEX_FILE).write_text(index.model_dump_json(indent=1, by_alias=True) + "\n")
