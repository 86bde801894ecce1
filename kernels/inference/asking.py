"""What an engine is asked, and what it answers."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from kernels.inference.constraints import Constraint
from kernels.inference.sampling import Sampling

Ending = Literal["stop", "length", "failed"]
"""A token or string that ends answers came, or nothing may follow; as many tokens were made as were asked for or find room; a constraint could not be
followed."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Tokens that are to be continued, or to be told how likely they are."""

    tokens: Sequence[int]
    max_new_tokens: int
    """0 where nothing is to follow."""
    sampling: Sampling = field(default_factory=Sampling)
    stop_tokens: frozenset[int] = frozenset()
    """They end an answer and are no part of it."""
    stops: Sequence[str] = ()
    """Strings that do."""
    num_answers: int = 1
    num_logprobs: int | None = None
    """How many of the likeliest tokens are told with their log-probabilities beside each that is chosen; None tells nothing."""
    first_told: int | None = None
    """From which token on, counted from 0, those that are given are told with their log-probabilities: not the first, which nothing stands before.
    Where tokens of a prompt see each other these do not belong to it; they are what a decoder says where an encoder reads those before them."""
    continuations: Sequence[Sequence[int]] = ()
    """What may follow, each by itself: told with log-probabilities as answers, in this order, and nothing is made."""
    constraint: Constraint | None = None
    """What answers are held to; they end where nothing may follow."""
    adapter: str | None = None
    """Name of the adapter that the engine was given and that reads and answers; None for the base alone."""

    def __post_init__(self) -> None:
        """Check the counts. Raises ValueError: nothing is asked for (names what)."""
        least = 0 if self.continuations or self.first_told is not None else 1
        for name, value, lowest in (("max_new_tokens", self.max_new_tokens, least), ("num_answers", self.num_answers, 1)):
            if value < lowest:
                raise ValueError(f"{name}: {value} asks for nothing; take {lowest} or more")
        if self.first_told is not None and not 0 < self.first_told < len(self.tokens):
            raise ValueError(f"first_told: {self.first_told} is none of the tokens from 1 to {len(self.tokens) - 1}, behind which others stand")
        if self.continuations and (self.max_new_tokens or self.first_told is not None or not all(self.continuations)):
            raise ValueError("continuations: give each a token or more, and ask for no new token and no other to be told")


class Told(NamedTuple):
    """A token of an answer, and what the model thought of it before any change that sampling makes."""

    token: int
    logprob: float | None = None
    """In nats."""
    likeliest: Sequence[tuple[int, float]] = ()


class Use(NamedTuple):
    """What is in use of what answers, and what it has counted since it began."""

    num_pages: int
    """Of its cache."""
    num_pages_used: int
    num_given_back: int = 0
    """How often a sequence had to give its pages back."""
    num_guessed: int = 0
    """Tokens that were guessed and read."""
    num_guessed_right: int = 0
    """Those among them that the model took."""


class Piece(NamedTuple):
    """What came to an answer in a step."""

    request: int
    answer: int
    """Which of the request's answers, counted from 0."""
    told: Told | None
    """None where it ends without a token more."""
    text: str
    """What is sure now and was not told before."""
    ending: Ending | None = None
    """Why the answer ends here."""
    stop: int | str | None = None
    """The token or string that ended it; of one that failed, why."""
    given: Sequence[Told] = ()
    """What the request asked to be told of its own tokens, as they were read: some now, and some with pieces that follow."""


class Answers(ABC):
    """What answers requests, step by step."""

    @property
    @abstractmethod
    def is_idle(self) -> bool:
        """Whether nothing is asked."""

    @property
    @abstractmethod
    def use(self) -> Use:
        """What is in use, and what was counted."""

    @abstractmethod
    def ask(self, asked: Asked) -> int:
        """Take a request, and return its number. Raises ValueError: it cannot be answered (says why)."""

    @abstractmethod
    def abort(self, number: int) -> None:
        """Have nobody want a request any more; one that is over is left alone."""

    @abstractmethod
    def step(self) -> list[Piece]:
        """Go on, and return what came to answers."""

    def answers(self, requests: Sequence[Asked]) -> Iterator[Piece]:
        """Yield what comes to the answers of some requests, numbered in their order; nobody else must ask meanwhile."""
        numbers: dict[int, int] = {}
        try:
            for index, asked in enumerate(requests):
                numbers[self.ask(asked)] = index
            while not self.is_idle:
                for piece in self.step():
                    yield piece._replace(request=numbers[piece.request])
        finally:  # one may be refused, or nobody want the rest
            for number in numbers:
                self.abort(number)
