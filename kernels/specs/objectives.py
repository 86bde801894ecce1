"""Objectives: what a model is asked to predict, as a transform of token ids with no tensor in it."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.specs.config import Config
from kernels.specs.families import chosen, specs

Attention = Literal["causal", "prefix", "bidirectional", "encoder_decoder"]
"""Who may look at whom, always within a document: a token at those before it and itself; those of a prefix at all of the prefix, the others at
those before them; everyone at everyone; a decoder's causally at each other and at all that the encoder read."""
IGNORED = -100
"""Target of a position from which nothing is predicted."""
NO_SEGMENT = -1
"""Segment of positions that hold no document."""


class ControlTokens(NamedTuple):
    """Ids of control tokens that objectives write. None, or no sentinels: the vocabulary has none."""

    end_of_text: int
    padding: int
    mask: int | None = None
    fim_prefix: int | None = None
    fim_suffix: int | None = None
    fim_middle: int | None = None
    sentinels: tuple[int, ...] = ()
    """In the order in which they stand for what was taken out."""
    vocabulary_size: int = 0
    special: frozenset[int] = frozenset()
    """Ids of all control tokens: they are neither masked nor drawn."""
    before: tuple[int, ...] = ()
    """What the tokenizer puts before each text."""


class Row(NamedTuple):
    """Token ids as a stack of a model reads them: T positions of packed documents."""

    tokens: NDArray[np.int64]
    """[T]; what pads is the padding token."""
    segments: NDArray[np.int64]
    """[T]: number of the document within the row, counted from 0, `NO_SEGMENT` where there is none."""


class Example(NamedTuple):
    """What a model reads and what it is to predict, of one row."""

    inputs: Row
    targets: NDArray[np.int64]
    """[T']: the token that is predicted from each position of the decoder where there is one, else of the inputs; `IGNORED` where none is."""
    prefix: NDArray[np.bool_] | None = None
    """[T]: positions of a prefix whose tokens all look at each other; None where no attention is of prefixes."""
    decoder: Row | None = None
    """What the decoder reads, [T']: a segment attends to the inputs' segment of the same number. None where there is no decoder apart."""
    num_cut: int = 0
    """Tokens of the row that found no room behind what was added to it."""


@dataclass(frozen=True, kw_only=True)
class Objective:
    """One objective. ``prepare`` is a pure function of a row, chance, control tokens and a config."""

    name: str
    version: int
    config: type[Config]
    attention: Callable[[Any], Attention]
    """Of a config: what the architecture must be able to do."""
    lacks: Callable[[Any, ControlTokens], str | None]
    """What the vocabulary lacks for a config, with the remedy; None where it has all."""
    lengths: Callable[[Any, int, int], tuple[int, int]]
    """Takes a config, the length of rows and the most documents in one; returns the lengths of inputs and of the decoder's (0: none)."""
    prepare: Callable[[Row, np.random.Generator, ControlTokens, Any, tuple[int, int]], Example]
    """Takes a row, chance, control tokens, a config and lengths: inputs and decoder are padded to them."""
    predicted_share: Callable[[Any], float] = lambda config: 1.0
    """Of a config: of a row's positions (the decoder's where there is one), the share that something is predicted from, at most."""
    loss_is_of_text: bool = False
    """Whether every token of a text is predicted once, from those before it: its losses alone come to bits a byte of the text."""


def mismatch(config: Config, whose: str, able: Collection[Attention], *, is_named: bool) -> str | None:
    """Return that an objective is for other attention than a model has, with the remedy; None where it is for that.

    Args:
        config: of the family ``objectives``.
        whose: what the attention is of, in words.
        able: who may look at whom there.
        is_named: whether somebody chose the objective; else it is the one that is taken where none is named.
    """
    objective: Objective = chosen("objectives", config)
    asked = objective.attention(config)
    if asked in able:
        return None
    told = "" if is_named else ", which is taken where the key 'objective' is left out,"
    remedy = f"{'take' if is_named else 'add the key with'} {' or '.join(_for_attention(able))}"
    return f"{objective.name}{told} is for {asked} attention, and {whose} has {' or '.join(sorted(able))}; {remedy}"


def _for_attention(able: Collection[Attention]) -> list[str]:
    """Return the names of objectives for some attention, of those that ask for one whatever their config says."""
    found: dict[str, Objective] = specs("objectives")
    bare = {name: spec for name, spec in found.items() if not any(field.is_required() for field in spec.config.model_fields.values())}
    return [name for name, spec in bare.items() if spec.attention(spec.config()) in able]
