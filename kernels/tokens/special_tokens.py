"""Which control tokens a vocabulary has, and by what others spell them.

Every vocabulary made here begins with the same four; what objectives and users need beside them stands behind, and only where it is asked for.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pydantic import Field, field_validator

from kernels.specs.config import Config
from kernels.specs.objectives import ControlTokens
from kernels.tokens.content import END_OF_TEXT, FIM_MIDDLE, FIM_PREFIX, FIM_SUFFIX, GUARD, MASK, PADDING, TURN_END, TURN_START

SPECIAL_TOKENS = (END_OF_TEXT, TURN_START, TURN_END, PADDING)
"""The first ids of every vocabulary made here, in this order."""
NUM_BYTES = 256
MAX_SENTINELS = 1000
MASKS = (MASK, "[MASK]", "<mask>", "<|mdm_mask|>", "[MASK_TOKEN]")
"""Here; BERT; RoBERTa, BART and XLM-R; LLaDA."""


class InfillingTokens(NamedTuple):
    """What marks the three parts of a text whose middle is to be filled in."""

    prefix: str
    suffix: str
    middle: str


INFILLING = (
    InfillingTokens(FIM_PREFIX, FIM_SUFFIX, FIM_MIDDLE),
    InfillingTokens("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
    InfillingTokens("<fim-prefix>", "<fim-suffix>", "<fim-middle>"),
    InfillingTokens("▁<PRE>", "▁<SUF>", "▁<MID>"),
    InfillingTokens("<PRE>", "<SUF>", "<MID>"),
    InfillingTokens("[PREFIX]", "[SUFFIX]", "[MIDDLE]"),
    InfillingTokens("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
)
"""Here, Qwen 2.5 Coder and CodeGemma; StarCoder and Granite; SantaCoder; Code Llama, in two forms of its vocabulary; Codestral; DeepSeek Coder, whose
hole stands where the suffix begins and whose end where the middle does."""
SENTINELS = ("<|sentinel_{}|>", "<extra_id_{}>")
"""Here; T5 and UL2."""
_OWN = re.compile(r"(?=.*[A-Za-z])[<\[{(][!-~]*[>\]})]")


class SpecialTokens(Config):
    """Control tokens beside the four that every vocabulary has (end of text, start and end of a turn, padding); they stand behind those."""

    mask: bool = False
    """Whether it has ``<|mask|>``, which objectives put where a token is to be guessed."""
    fill_in_the_middle: bool = False
    """Whether it has ``<|fim_prefix|>``, ``<|fim_suffix|>`` and ``<|fim_middle|>``."""
    num_sentinels: int = Field(default=0, ge=0, le=MAX_SENTINELS)
    """How many of ``<|sentinel_0|>``, ``<|sentinel_1|>`` ... it has, each of which stands for a span that was taken out (T5 has 100)."""
    more: tuple[str, ...] = ()
    """Further ones, such as ``<|tool|>``: printable ASCII between brackets, with a letter in it."""

    @field_validator("more")
    @classmethod
    def _are_tokens(cls, more: tuple[str, ...]) -> tuple[str, ...]:
        for number, token in enumerate(more):
            if not _OWN.fullmatch(token) or GUARD in token:
                raise ValueError(f"{token!r} cannot be told from text; write it in brackets, without blanks and with a letter, such as <|tool|>")
            if token in (*SPECIAL_TOKENS, *more[:number]) or token in _all_of_ours():
                raise ValueError(f"{token!r} is there already, or has a key of its own here (mask, fill_in_the_middle, num_sentinels); leave it out")
        return more

    @property
    def names(self) -> tuple[str, ...]:
        """All control tokens of the vocabulary, the first four among them, in the order of their ids."""
        mask = (MASK,) if self.mask else ()
        middle = (FIM_PREFIX, FIM_SUFFIX, FIM_MIDDLE) if self.fill_in_the_middle else ()
        return (*SPECIAL_TOKENS, *mask, *middle, *(SENTINELS[0].format(number) for number in range(self.num_sentinels)), *self.more)


def _all_of_ours() -> tuple[str, ...]:
    return SpecialTokens(mask=True, fill_in_the_middle=True, num_sentinels=MAX_SENTINELS).names


def control_tokens_to_be(special: SpecialTokens, vocabulary_size: int) -> ControlTokens:
    """Return the control tokens that a vocabulary of some size will have when it is trained here."""
    ids = {token: number for number, token in enumerate(special.names)}
    end, padding = ids[END_OF_TEXT], ids[PADDING]
    middle = infilling_of(ids) or (None, None, None)
    return ControlTokens(end, padding, mask_of(ids, None), *middle, sentinels_of(ids), vocabulary_size, frozenset(ids.values()), before=(end,))


def mask_of(ids: Mapping[str, int], named: str | None) -> int | None:
    """Return the id of the mask token among those of control tokens: the one that settings name, else one of a usual name; None without any."""
    return next((ids[token] for token in (named, *MASKS) if token is not None and token in ids), None)


def infilling_of(ids: Mapping[str, int]) -> tuple[int, int, int] | None:
    """Return the ids of prefix, suffix and middle; None unless all three are there in one spelling."""
    return next(((ids[each.prefix], ids[each.suffix], ids[each.middle]) for each in INFILLING if all(token in ids for token in each)), None)


def sentinels_of(ids: Mapping[str, int]) -> tuple[int, ...]:
    """Return the ids of the sentinels by number, from 0 on to the first that is not there."""
    return next((found for spelling in SENTINELS if (found := tuple(_numbered(ids, spelling)))), ())


def _numbered(ids: Mapping[str, int], spelling: str) -> Iterator[int]:
    number = 0
    while (token := spelling.format(number)) in ids:
        yield ids[token]
        number += 1
