"""Conversations as tokens: turns are rendered by a chat template, what they say guarded (content.py), and only then encoded.

Prompt and answer are encoded apart, as they are when a model is asked and answers, so that an answer that begins with blanks is learned in the
tokens in which it will be given.
"""

import datetime
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, cast

from kernels.documents.conversations import as_messages, without_rejected
from kernels.reading.images.conversations import PLACE
from kernels.specs.turns import Turn
from kernels.tokens.content import TextEncoder, settings_of

DAY = datetime.datetime(2024, 7, 26)
"""What day it is to templates that ask, whenever that is: what is learned and what is asked would be other tokens each day. Templates of Llama 3 say
it where they know no date."""
_PROBE = (Turn("user", "7919"), Turn("assistant", "7907"))
_END_OF_THOUGHT = "</think>"
_CHANGES_ITS_MIND = "the chat template writes the beginning of a conversation otherwise once it goes on"
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

    @cached_property
    def end_of_answer(self) -> int | None:
        """The control token by which the template ends an answer; None where it writes none there, or says no plain question and answer."""
        try:
            behind = self._rendered(_PROBE).rpartition(_PROBE[1].content)[2]
        except UnrenderedError:
            return None
        return next((token for token in self.text.rendered(behind) if token in self.text.control.values()), None)

    def prompt(self, turns: Sequence[Turn]) -> list[int]:
        """Return the ids by which a model is asked for the next answer. Raises UnrenderedError."""
        return self.text.rendered(self._rendered(turns, asks=True))

    def conversation(self, turns: Sequence[Turn]) -> list[int]:
        """Return the ids of a whole conversation, rejected answers left out. Raises UnrenderedError."""
        said = without_rejected(turns)
        return self._learned(said, [index for index, turn in enumerate(said) if turn.role == "assistant"]).ids

    def conversations(self, conversations: Sequence[Sequence[Turn]]) -> list[list[int] | None]:
        """Return the ids of many whole conversations, as `conversation` does one by one; None for those that the template cannot say."""
        if not self.text.joins_freely:
            return [self._whole(turns) for turns in conversations]
        stretches = [self._all_stretches(turns) for turns in conversations]
        ids = iter(self.text.all_rendered([text for found in stretches for text in found or []]))
        return [None if found is None else [token for _ in found for token in next(ids)] for found in stretches]

    def _whole(self, turns: Sequence[Turn]) -> list[int] | None:
        try:
            return self.conversation(turns)
        except UnrenderedError:
            return None

    def _all_stretches(self, turns: Sequence[Turn]) -> list[str] | None:
        said = without_rejected(turns)
        try:
            return [text for text, _ in self._stretches(said, [index for index, turn in enumerate(said) if turn.role == "assistant"])]
        except UnrenderedError:
            return None

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
        ids: list[int] = []
        mask: list[int] = []
        done = ""
        for text, is_learned in self._stretches(turns, answers):
            added = self._behind(done, ids, done + text)
            ids, mask, done = [*ids, *added], [*mask, *[int(is_learned)] * len(added)], done + text
        return Learned(ids, mask)

    def _stretches(self, turns: Sequence[Turn], answers: Sequence[int]) -> Iterator[tuple[str, bool]]:
        """Yield a rendered conversation as stretches that end where an answer is asked for and where it ends, and whether each is an answer."""
        whole, done = self._rendered(turns), ""
        ends = ((self._rendered(turns[: index + is_answer], asks=not is_answer), is_answer) for index in answers for is_answer in (False, True))
        for end, is_answer in (*ends, (whole, False)):
            if not end.startswith(done):
                raise UnrenderedError(_CHANGES_ITS_MIND)
            yield end[len(done) :], is_answer
            done = end

    def _behind(self, before: str, ids: list[int], after: str) -> list[int]:
        """Return the ids that follow ``ids``, which are those of ``before``, where a text goes on to be ``after``."""
        if not after.startswith(before):
            raise UnrenderedError(_CHANGES_ITS_MIND)
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
        if not all(_is_said(word, times, text) for word, times in Counter(_must_be_said(guarded, definitions or [])).items()):
            raise UnrenderedError("the chat template leaves out what somebody says, tools, their calls or what they gave")
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
    """Yield what some templates leave out without a word: what anybody says, names of tools defined and called.

    What a model thought may be left out, or written in another way. Where an image is (`PLACE`) stands what holds its place.
    """
    for tool in tools:
        function = tool["function"] if isinstance(tool.get("function"), dict) else tool
        yield str(function.get("name", ""))
    for message in messages:
        yield from (call["function"]["name"] for call in message.get("tool_calls", []))
        said = message["content"].rpartition(_END_OF_THOUGHT)[2] if message["role"] == "assistant" else message["content"]
        yield from map(str.strip, said.split(PLACE))


def _is_said(word: str, times: int, text: str) -> bool:
    """Return whether a text holds a word so often, as it is or as JSON writes it: a tool that is defined and called is named twice."""
    if text.count(word) >= times:
        return True
    return sum(text.count(form) for form in {word, json.dumps(word, ensure_ascii=False)[1:-1], json.dumps(word)[1:-1]}) >= times


def encoder_of(tokenizer_json: str, render: Render, marks: Collection[str] = ()) -> ChatEncoder:
    """Return what encodes conversations by a tokenizer's JSON and a template. ``marks`` and what the template marks turns by are control tokens."""
    return ChatEncoder(TextEncoder(tokenizer_json, (*_marks(tokenizer_json, render), *marks)), render)


def _marks(tokenizer_json: str, render: Render) -> list[str]:
    """Return the added tokens by which a template marks turns: those that it writes around a question and an answer of one letter."""
    added = [token["content"] for token in settings_of(tokenizer_json).get("added_tokens", [])]
    try:
        text = render([{"role": "user", "content": "x"}, {"role": "assistant", "content": "x"}], None, False)
    except UnrenderedError:  # asked of every conversation again, which is then told of
        text = ""
    return [token for token in added if token in text and re.search(r"[^\w\s]", token)]


def template(source: str, names: Mapping[str, str]) -> Render:
    """Return a chat template, in Jinja's sandbox and set up as Transformers does, but that it is always the same `DAY` to it.

    ``names`` are special tokens by the names that it calls them by. Raises UnrenderedError: it is no template.
    """
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment: Any = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
    environment.filters["tojson"] = _as_json
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = DAY.strftime
    try:
        compiled = environment.from_string(_GENERATION.sub(_as_condition, source))
    except TemplateError as error:
        raise UnrenderedError(f"the chat template cannot be read: {error}") from error

    def render(messages: list[dict[str, Any]], tools: list[Any] | None, asks: bool) -> str:
        try:
            return str(compiled.render(**names, messages=messages, tools=tools, documents=None, add_generation_prompt=asks))
        except Exception as error:  # a template is a program of somebody else's
            raise UnrenderedError(f"the chat template refuses a conversation: {error}") from error

    return render


_GENERATION = re.compile(r"\{%(-?)\s*(end)?generation\s*(-?)%\}")
"""Transformers' own tag around what an assistant says, which changes no text."""


def _as_condition(tag: re.Match[str]) -> str:
    return f"{{%{tag[1]} {'endif' if tag[2] else 'if true'} {tag[3]}%}}"


def _refuse(message: str) -> str:
    raise ValueError(message)


def _as_json(value: Any, ensure_ascii: bool = False, indent: int | None = None, separators: Any = None, sort_keys: bool = False) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
