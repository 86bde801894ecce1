"""Answers as they come, for every form of the API: what is streamed is this, and what is told at once is the same put together."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from kernels.inference.asking import Asked, Told
from pipelines.serving.answering.outlets import Outlet, Said
from pipelines.serving.models.served import Served
from pipelines.serving.text.calls import Call, CallReader
from pipelines.serving.wire.faults import Refused

Finish = Literal["stop", "length", "tool_calls"]


class _Spoken:
    """What consists of texts and calls."""

    said: list[str | Call]

    @property
    def text(self) -> str:
        """The texts among what was said."""
        return "".join(each for each in self.said if isinstance(each, str))

    @property
    def calls(self) -> list[Call]:
        """The calls among what was said."""
        return [each for each in self.said if isinstance(each, Call)]


@dataclass(frozen=True)
class Part(_Spoken):
    """What came to an answer."""

    answer: int
    said: list[str | Call]
    """Texts and calls in their order."""
    tokens: Sequence[Told] = ()
    given: Sequence[Told] = ()
    """Tokens of the prompt that were to be told."""
    finish: Finish | None = None
    """Why it ends here."""
    stop: str | None = None
    """The string of the client's that ended it."""


class Parts:
    """A request under way: its answers part by part. Whoever asks has to withdraw in the end, however that comes."""

    def __init__(self, served: Served, asked: Asked, client: str, *, reads_calls: bool = False) -> None:
        """Ask. Raises Refused: too much waits already."""
        self.served, self.asked = served, asked
        self.num_made = 0
        """Tokens of all answers so far."""
        self._readers = [CallReader() for _ in range(asked.num_answers)] if reads_calls else None
        self._called = [False] * asked.num_answers
        self._outlet: Outlet = served.worker.ask(asked, client)

    async def come(self) -> AsyncIterator[Part]:
        """Yield what comes. Raises Refused: an answer cannot be made to its end (says why)."""
        async for said in self._outlet.said():
            self.num_made += len(said.tokens)
            if said.ending == "failed":
                raise Refused(400, f"{said.stop}; ask again, or for a simpler schema", code="constraint_failed")
            yield self._part(said)

    def withdraw(self) -> None:
        """Have nobody read on; nothing happens where all was read."""
        self.served.worker.withdraw(self._outlet)

    def _part(self, said: Said) -> Part:
        found: list[str | Call] = [said.text] if said.text else []
        if self._readers is not None:
            reader = self._readers[said.answer]
            found = [*reader.add(said.text), *(reader.end() if said.ending is not None else ())]
        self._called[said.answer] |= any(isinstance(each, Call) for each in found)
        finish: Finish | None = None
        if said.ending is not None:
            finish = "tool_calls" if self._called[said.answer] else "length" if said.ending == "length" else "stop"
        return Part(said.answer, found, said.tokens, said.given, finish, said.stop if isinstance(said.stop, str) else None)


@dataclass
class Answer(_Spoken):
    """An answer as a whole."""

    said: list[str | Call] = field(default_factory=list["str | Call"])
    """Texts and calls in turn: no two texts follow each other."""
    tokens: list[Told] = field(default_factory=list[Told])
    finish: Finish = "stop"
    stop: str | None = None

    def add(self, part: Part) -> None:
        """Take what came to it."""
        for each in part.said:
            if isinstance(each, str) and self.said and isinstance(self.said[-1], str):
                self.said[-1] += each
            else:
                self.said.append(each)
        self.tokens.extend(part.tokens)
        self.finish, self.stop = part.finish or self.finish, part.stop


async def whole(parts: Parts) -> list[Answer]:
    """Return the answers to a request, once they have ended."""
    answers = [Answer() for _ in range(parts.asked.num_answers)]
    async for part in parts.come():
        answers[part.answer].add(part)
    return answers
