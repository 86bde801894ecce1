"""What an engine is asked, and what it answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from kernels.inference.constraints import Constraint
from kernels.inference.sampling import Sampling

Ending = Literal["stop", "length", "failed"]
"""A token or string that ends answers came, or nothing may follow; as many tokens were made as were asked for or find room; a constraint could not be
followed."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Tokens that are to be continued."""

    tokens: Sequence[int]
    max_new_tokens: int
    sampling: Sampling = field(default_factory=Sampling)
    stop_tokens: frozenset[int] = frozenset()
    """They end an answer and are no part of it."""
    stops: Sequence[str] = ()
    """Strings that do."""
    num_answers: int = 1
    num_logprobs: int | None = None
    """How many of the likeliest tokens are told with their log-probabilities beside each that is chosen; None tells nothing."""
    constraint: Constraint | None = None
    """What answers are held to; they end where nothing may follow."""
    root: int = 0
    """See `kernels.inference.cache.pages.Pages.found`."""

    def __post_init__(self) -> None:
        """Check the counts. Raises ValueError: nothing is asked for (names what)."""
        for name in ("max_new_tokens", "num_answers"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: {getattr(self, name)} asks for nothing; take 1 or more")


class Told(NamedTuple):
    """A token of an answer, and what the model thought of it before any change that sampling makes."""

    token: int
    logprob: float | None = None
    """In nats."""
    likeliest: Sequence[tuple[int, float]] = ()


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
