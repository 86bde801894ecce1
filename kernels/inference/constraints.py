"""What answers are held to: texts of a grammar, such as JSON of a schema, token by token.

llguidance (github.com/guidance-ai/llguidance) tells which tokens may come next; what may not is never drawn, and the rest keeps its proportions.
"""

import json
from collections.abc import Collection
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer

    from kernels.models.formats.checkpoints import LanguageModel

_SPACING = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""A small model that may write white space may write it for ever: JSON has that of Python's `json.dumps`, and no other."""


class UnfollowableError(Exception):
    """An answer cannot go on within its grammar: that costs more than may be spent on a token, or a token was none that may follow."""


class Held:
    """An answer that grows within a grammar."""

    def __init__(self, matcher: "LLMatcher") -> None:
        """Begin."""
        self._matcher = matcher

    @property
    def is_over(self) -> bool:
        """Whether nothing may follow but an end."""
        return self._matcher.is_stopped()

    def masked(self, logits_V: Any, ends: Collection[int]) -> Any:
        """Return logits with -inf for what may not follow.

        Args:
            logits_V: of the token that is next.
            ends: tokens that end an answer; they may follow where the text is whole.

        Raises:
            UnfollowableError: see there (says why).
        """
        import torch

        mask = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        self._complain()
        allowed_V = torch.tensor(np.unpackbits(mask, count=len(logits_V), bitorder="little"), dtype=torch.bool)
        allowed_V[list(ends)] = self._matcher.is_accepting()
        return logits_V.masked_fill(~allowed_V.to(logits_V.device), float("-inf"))

    def take(self, token: int) -> None:
        """Go on behind a token.

        Raises:
            UnfollowableError: see there (says why).
        """
        self._matcher.consume_token(token)
        self._complain()

    def _complain(self) -> None:
        if self._matcher.is_error():
            raise UnfollowableError(f"an answer cannot be held to its grammar any longer: {_first_line(self._matcher.get_error())}")


class Constraint:
    """A grammar in the tokens of a model."""

    def __init__(self, vocabulary: "LLTokenizer", grammar: str) -> None:
        """Read a grammar.

        Args:
            vocabulary: see `of_schema`, which makes one.
            grammar: as llguidance writes it.

        Raises:
            ValueError: it is none that can be held to (says what is wrong).
        """
        from llguidance import LLMatcher

        self._matcher = LLMatcher(vocabulary, grammar, log_level=0)
        if self._matcher.is_error():
            raise ValueError(_first_line(self._matcher.get_error()).rpartition("JSON schema: ")[2])

    def begin(self) -> Held:
        """Return an answer that has no token yet."""
        return Held(self._matcher.deep_copy())


def of_schema(lm: "LanguageModel", schema: dict[str, Any], *, before: str = "", behind: str = "") -> Constraint:
    """Return what holds answers to JSON of a schema (json-schema.org, draft 2020-12), written as Python's `json.dumps` does.

    Args:
        lm: what answers.
        schema: {} for any JSON.
        before: text that comes first.
        behind: text that comes last.

    Raises:
        ValueError: the schema is none, or has a word that no answer can be held to (names it), or the model's tokenizer has no bytes for its tokens.
    """
    from llguidance import LLMatcher

    told = json.dumps({**schema, "x-guidance": _SPACING})
    if before or behind:
        grammar = LLMatcher.grammar_from_lark(f"start: {json.dumps(before)} value {json.dumps(behind)}\nvalue: %json {told}")
    else:
        grammar = LLMatcher.grammar_from_json_schema(told)
    return Constraint(_vocabulary(lm.tokenizer, lm.model.config.get_text_config().vocab_size), grammar)


@lru_cache(maxsize=4)
def _vocabulary(tokenizer: Any, num_logits: int) -> "LLTokenizer":
    """Return the bytes of a Transformers tokenizer's tokens, filled up to as many as a model has logits."""
    from llguidance import LLTokenizer

    source = {**json.loads(tokenizer.backend_tokenizer.to_str()), "padding": None, "truncation": None}
    return LLTokenizer(json.dumps(source), n_vocab=num_logits, eos_token=tokenizer.eos_token_id)


def _first_line(text: str) -> str:
    return text.partition("\n")[0]
