"""Conversations as tokens: turns are rendered by a chat template, what they say guarded (content.py), and only then encoded.

Prompt and answer are encoded apart, as they are when a model is asked and answers, so that an answer that begins with blanks is learned in the
tokens in which it will be given.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import Any, NamedTuple, cast

from kernels.documents.conversations import as_messages, without_rejected
from kernels.specs.turns import Turn
from kernels.tokens.content import TextEncoder
from kernels.tokens.tokenizer_files import CHAT_TEMPLATE

Render = Callable[[list[dict[str, Any]], list[Any] | None, bool], str]
"""A chat template: takes messages, definitions of tools, and whether an answer is asked for."""


class UnrenderedError(ValueError):
    """A chat template cannot say a conversation, or says it otherwise each time."""


class Learned(NamedTuple):
    """A conversation to learn from: its ids, and for each whether it is part of what is learned."""

    ids: list[int]
    mask: list[int]


class Compared(NamedTuple):
    """A preference pair: the ids of the prompt and of the two answers behind it."""

    prompt: list[int]
    chosen: list[int]
    rejected: list[int]


class ChatEncoder:
    """Encodes conversations by one tokenizer and one chat template."""

    def __init__(self, text: TextEncoder, render: Render) -> None:
        """Take what encodes texts, and the template."""
        self.text = text
        self._render = render

    def prompt(self, turns: Sequence[Turn]) -> list[int]:
        """Return the ids by which a model is asked for the next answer. Raises UnrenderedError."""
        return self.text.rendered(self._rendered(turns, asks=True))

    def conversation(self, turns: Sequence[Turn]) -> list[int]:
        """Return the ids of a whole conversation, rejected answers left out. Raises UnrenderedError."""
        said = without_rejected(turns)
        return self._learned(said, [index for index, turn in enumerate(said) if turn.role == "assistant"]).ids

    def answered(self, turns: Sequence[Turn]) -> Learned | None:
        """Return the ids of a conversation up to the last answer to be learned, and which of them are that answer.

        An answer is all that the assistant says behind the last thing that the user said: calls of tools and the words that follow, with their
        ends, not what tools gave. None where there is no answer to anything, or none to be learned. Raises UnrenderedError.
        """
        said = without_rejected(turns)
        last = max((index for index, turn in enumerate(said) if turn.role == "assistant" and turn.is_learned), default=0)
        if (said and said[-1].role != "assistant") or last == 0:
            return None
        first = max((index for index, turn in enumerate(said[:last]) if turn.role == "user"), default=-1)
        answers = [index for index in range(first + 1, last + 1) if said[index].role == "assistant" and said[index].is_learned]
        return self._learned(said[: last + 1], answers)

    def compared(self, prompt: Sequence[Turn], chosen: Turn, rejected: Turn) -> Compared:
        """Return the ids of two answers to one prompt. Raises UnrenderedError."""
        asked = self._rendered(prompt, asks=True)
        ids = self.text.rendered(asked)
        return Compared(ids, *(self._behind(asked, ids, self._rendered([*prompt, answer])) for answer in (chosen, rejected)))

    def _learned(self, turns: Sequence[Turn], answers: Sequence[int]) -> Learned:
        """Return a conversation encoded in stretches that end where an answer is asked for and where it ends."""
        whole, done = self._rendered(turns), ""
        ids: list[int] = []
        mask: list[int] = []
        for index in answers:
            for end, is_learned in ((self._rendered(turns[:index], asks=True), 0), (self._rendered(turns[: index + 1]), 1)):
                added = self._behind(done, ids, end)
                ids, mask, done = [*ids, *added], [*mask, *[is_learned] * len(added)], end
        added = self._behind(done, ids, whole)
        return Learned([*ids, *added], [*mask, *[0] * len(added)])

    def _behind(self, before: str, ids: list[int], after: str) -> list[int]:
        """Return the ids that follow ``ids``, which are those of ``before``, where a text goes on to be ``after``."""
        if not after.startswith(before):
            raise UnrenderedError("the chat template writes the beginning of a conversation otherwise once it goes on")
        if not self.text.joins_freely:
            whole = self.text.rendered(after)
            if whole[: len(ids)] == ids:
                return whole[len(ids) :]
        return self.text.rendered(after[len(before) :])

    def _rendered(self, turns: Sequence[Turn], *, asks: bool = False) -> str:
        """Return a conversation as the template writes it, contents guarded. Raises UnrenderedError."""
        messages, tools = as_messages(turns)
        guarded, definitions = self._guarded(messages), self._guarded(tools)
        text = self._render(guarded, definitions, asks)
        if self.text.loses_guards(text):
            raise UnrenderedError("the chat template writes contents as escapes, so that a control token in them cannot be told from its own")
        if not all(_is_said(word, text) for word in _must_be_said(guarded, definitions or [])):
            raise UnrenderedError("the chat template leaves out tools, their calls or what they gave")
        return text

    def _guarded(self, value: Any) -> Any:
        """Return a JSON value with all its strings guarded, names of fields too."""
        if isinstance(value, str):
            return self.text.guarded(value)
        if isinstance(value, list):
            return [self._guarded(each) for each in cast(list[Any], value)]
        if isinstance(value, dict):
            return {self.text.guarded(key): self._guarded(inner) for key, inner in cast(dict[str, Any], value).items()}
        return value


def _must_be_said(messages: list[dict[str, Any]], tools: list[Any]) -> Iterator[str]:
    """Yield what many templates leave out without a word: names of tools defined and called, and what tools gave."""
    for tool in tools:
        function = tool["function"] if isinstance(tool.get("function"), dict) else tool
        yield str(function.get("name", ""))
    for message in messages:
        yield from (call["function"]["name"] for call in message.get("tool_calls", []))
        if message["role"] == "tool":
            yield message["content"].strip()


def _is_said(word: str, text: str) -> bool:
    """Return whether a text holds a word, as it is or as JSON writes it."""
    return any(form in text for form in (word, json.dumps(word, ensure_ascii=False)[1:-1], json.dumps(word)[1:-1]))


def own_template(messages: list[dict[str, Any]], tools: list[Any] | None, asks: bool) -> str:
    """Render messages by the template of the tokenizers that are made here; see `Render`."""
    return str(_compiled().render(messages=messages, tools=tools, add_generation_prompt=asks))


@cache
def _compiled() -> Any:
    """Return the template in Jinja's sandbox, set up as Transformers does."""
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment: Any = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.filters["tojson"] = partial(json.dumps, ensure_ascii=False)
    return environment.from_string(CHAT_TEMPLATE)
