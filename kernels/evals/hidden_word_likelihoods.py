"""How likely each family of models finds the words that may stand in a blank: by what it was trained to predict (tasks/hidden_word.py says how).

All options of a passage have the same tokens before and behind them; an option's own are what lies between, so that a tokenizer may join or cut what
stands around a blank as it likes. Texts longer than a model's context lose tokens at both ends, the same of every option.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

from kernels.evals.hidden_words import Passage
from kernels.inference.asked_models import AskedModel, window_of
from kernels.inference.likelihoods.likelihood import log_likelihoods
from kernels.inference.likelihoods.masked import Hidden, pseudo_log_likelihoods
from kernels.inference.likelihoods.requests import Request
from kernels.models.formats.chats import beginning, text_encoder
from kernels.specs.objectives import Attention
from kernels.tokens.content import TextEncoder
from kernels.tokens.special_tokens import mask_of, sentinels_of

if TYPE_CHECKING:
    from kernels.models.formats.checkpoints import LanguageModel


class TokenPassage(NamedTuple):
    """A passage as a model reads it: the tokens before the blank, those of each option, those behind, and how many found no room."""

    before: tuple[int, ...]
    options: tuple[tuple[int, ...], ...]
    behind: tuple[int, ...]
    num_cut: int


class Found(NamedTuple):
    """What a model says of one passage: the log-likelihood (nats) of each option, and how many tokens of the passage it could not read."""

    log_likelihoods: tuple[float, ...]
    num_cut: int


def likelihoods_of_options(model: AskedModel, passages: Sequence[Passage]) -> list[Found]:
    """Return what a model says of passages, each of as many options.

    Raises:
        ValueError: the tokenizer has no mask token, no two sentinels, or no token that a text begins or ends with, as the family needs.
    """
    ask = _ASK[model.attention]
    num_before = len(text_encoder(model.tokenizer).before_a_text())
    room = (window_of(model) or sys.maxsize) - max(1, num_before)  # for what stands before a text, and the sentinel in an option's place
    read = [fitted(passage, room) for passage in token_passages(text_encoder(model.tokenizer), passages)]
    totals = iter(ask(model, read))
    return [Found(tuple(next(totals) for _ in passage.options), passage.num_cut) for passage in read]


def token_passages(encoder: TextEncoder, passages: Sequence[Passage]) -> Iterator[TokenPassage]:
    """Yield passages as tokens; each option has at least one of its own."""
    heads, tails = (encoder.contents([getattr(passage, side) for passage in passages]) for side in ("left", "right"))
    wholes = iter(encoder.contents([text for passage in passages for text in passage.texts]))
    for passage, head, tail in zip(passages, heads, tails, strict=True):
        filled = [next(wholes) for _ in passage.options]
        shortest = min(map(len, filled)) - 1
        first = min(_num_common(filled), len(head), shortest)
        last = min(_num_common([tokens[::-1] for tokens in filled]), len(tail), shortest - first)
        ends = [len(tokens) - last for tokens in filled]
        options = tuple(tuple(tokens[first:end]) for tokens, end in zip(filled, ends, strict=True))
        yield TokenPassage(tuple(filled[0][:first]), options, tuple(filled[0][ends[0] :]), 0)


def _num_common(rows: Sequence[Sequence[int]]) -> int:
    """Return how many tokens all rows begin with."""
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, zip(*rows, strict=False)))


def fitted(passage: TokenPassage, room: int) -> TokenPassage:
    """Return a passage of which no option makes more than ``room`` tokens, cut at both ends so that the blank is as near the middle as it can be."""
    left = max(0, room - max(map(len, passage.options)))
    num_behind = min(len(passage.behind), max(left // 2, left - len(passage.before)))
    num_before = min(len(passage.before), left - num_behind)
    num_cut = len(passage.before) - num_before + len(passage.behind) - num_behind
    return TokenPassage(passage.before[len(passage.before) - num_before :], passage.options, passage.behind[:num_behind], num_cut)


def _ask_decoder(model: AskedModel, passages: Sequence[TokenPassage]) -> list[float]:
    start = beginning(model.tokenizer)
    return log_likelihoods(
        model, [Request((*start, *passage.before), (*option, *passage.behind)) for passage in passages for option in passage.options]
    )


def _ask_encoder(model: "LanguageModel", passages: Sequence[TokenPassage]) -> list[float]:
    encoder = text_encoder(model.tokenizer)
    mask, start = mask_of(encoder.control, model.tokenizer.mask_token), encoder.before_a_text()
    if mask is None:
        raise ValueError("the tokenizer has no mask token; ask for it in its special tokens")
    hidden = [Hidden((*start, *passage.before), option, passage.behind) for passage in passages for option in passage.options]
    return pseudo_log_likelihoods(model, hidden, mask)


def _ask_encoder_decoder(model: "LanguageModel", passages: Sequence[TokenPassage]) -> list[float]:
    encoder = text_encoder(model.tokenizer)
    sentinels, start = sentinels_of(encoder.control), encoder.before_a_text()
    if len(sentinels) < 2:
        raise ValueError(f"the tokenizer has {len(sentinels)} sentinels, and a blank needs 2; ask for them in its special tokens")
    blank, end = sentinels[:2]
    return log_likelihoods(
        model,
        [Request((*start, *passage.before, blank, *passage.behind), (blank, *option, end)) for passage in passages for option in passage.options],
    )


_ASK: dict[Attention, Callable[[Any, Sequence[TokenPassage]], list[float]]] = {
    "causal": _ask_decoder,
    "prefix": _ask_decoder,
    "bidirectional": _ask_encoder,
    "encoder_decoder": _ask_encoder_decoder,
}
