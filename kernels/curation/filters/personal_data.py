"""Personal data replaced where it stands: by typed placeholders, by consistent surrogates, or by keyed tokens. Nothing is ever dropped.

What is found comes from rules that favour precision (`kernels.curation.personal.detection`) and, for the kinds person, place and organisation
alone, from a language model (`kernels.curation.personal.names`). Rules leave numbers that nothing tells from others: telephone numbers grouped as
no country does, and most national numbers, without a word before them that announces them; `kernels.curation.personal.rules.emails` says which
addresses they leave. Every document is tagged with how many values of each kind it had.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from kernels.curation.filtering.batch import TextBatch, rewrite, verdicts
from kernels.curation.filtering.pieces import Pieces
from kernels.curation.personal.detection import find_by_rules
from kernels.curation.personal.names import find_names
from kernels.curation.personal.spans import NAME_KINDS, Kind, Span, resolve
from kernels.curation.personal.surrogates import surrogate
from kernels.curation.personal.values import token
from kernels.curation.spans import placeholder, replace
from kernels.specs.config import Config
from kernels.specs.filters import Filter, Outcome
from kernels.specs.needs import FilterNeed, SecretKey

if TYPE_CHECKING:
    import polars as pl

MIN_KEY_BYTES = 16


class PersonalDataConfig(Config):
    """What to look for, and what to put in its place."""

    kinds: tuple[Kind, ...] = Field(min_length=1)
    """Kinds of personal data. ``person``, ``place`` and ``organisation`` load a language model, a thousand times slower than the rules."""
    treatment: Literal["mask", "surrogate", "token"] = "mask"
    """``mask``: a placeholder such as <EMAIL>; ``surrogate``: a made-up one, equal for equal values; ``token``: <EMAIL:...> with a keyed hash."""
    seed: int | None = None
    """Of surrogates, which need it: the same seed in all sources of a recipe gives a value the same surrogate everywhere."""
    key: str | None = None
    """Of tokens, which need it: the name of one of the recipe's ``keys``: the same key gives a value the same token everywhere."""

    @model_validator(mode="after")
    def _needs_what_the_treatment_needs(self) -> Self:
        for treatment, name, value in (("surrogate", "seed", self.seed), ("token", "key", self.key)):
            if (self.treatment == treatment) != (value is not None):
                raise ValueError(f"personal_data: {name} belongs to treatment: {treatment}, which needs it; the treatment is {self.treatment}")
        return self


def find(texts: "pl.Series", kinds: tuple[Kind, ...]) -> dict[int, list[Span]]:
    """Return the personal data of N texts by number of text, in order and without overlaps; texts without any are left out."""
    found = find_by_rules(texts, kinds)
    if set(kinds).isdisjoint(NAME_KINDS):
        return found
    named = find_names(texts, kinds)
    return {number: resolve([*found.get(number, []), *named.get(number, [])]) for number in sorted({*found, *named})}


def apply(batch: TextBatch, config: PersonalDataConfig) -> Outcome:
    """Replace the configured kinds; every text is kept. Tags: ``num_<kind>``, null where a text has none.

    In a conversation, values are replaced turn by turn, in tool calls and what tools gave too: equal values by equal ones.

    Raises:
        ValueError: the key of tokens is not given, or too short.
    """
    treat = _treatment(config, batch.paths)
    found = find(batch.pieces.text, config.kinds)
    size = len(batch.text)
    treated = rewrite(batch.pieces.text, found, partial(replace, treat=treat))
    counts = _count(found, batch.pieces, config.kinds, size)
    return verdicts(batch, [None] * size, np.zeros(size))._replace(text=treated, tags=counts)


def _treatment(config: PersonalDataConfig, paths: Mapping[FilterNeed, Path]) -> Callable[[Kind, str], str]:
    """Return what makes a replacement of a kind and a value."""
    if config.seed is not None:
        return partial(surrogate, seed=config.seed)
    if config.key is None:
        return placeholder
    need = SecretKey(config.key)
    if need not in paths:
        known = sorted(other.name for other in paths if isinstance(other, SecretKey))
        raise ValueError(f"personal_data: the key {config.key!r} is not among the recipe's keys: {known}")
    key = paths[need].read_bytes().strip()
    if len(key) < MIN_KEY_BYTES:
        raise ValueError(
            f"personal_data: the key {config.key!r} has {len(key)} bytes; make one of at least {MIN_KEY_BYTES}, from a source of randomness"
        )
    return partial(token, key=key)


def _count(found: Mapping[int, list[Span]], pieces: Pieces, kinds: tuple[Kind, ...], size: int) -> "dict[str, pl.Series]":
    """Return by kind how many values each of ``size`` texts had, all its pieces together, null where none."""
    import polars as pl

    columns: dict[Kind, list[int | None]] = {kind: [None] * size for kind in kinds}
    for number, spans in found.items():
        row = int(pieces.rows[number])
        counts: Counter[Kind] = Counter(span.kind for span in spans)
        for kind, count in counts.items():
            columns[kind][row] = (columns[kind][row] or 0) + count
    return {f"num_{kind}": pl.Series(f"num_{kind}", column, dtype=pl.Int64) for kind, column in columns.items()}


SPEC = Filter(
    name="personal_data",
    version=4,
    config=PersonalDataConfig,
    apply=apply,
    needs=lambda config: (SecretKey(config.key),) if config.key is not None else (),
)
