"""What an engine asks of what guesses ahead (speculative decoding, Leviathan et al. 2023, arXiv 2211.17192)."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from kernels.inference.sampling import Sampling

if TYPE_CHECKING:
    from kernels.models.formats.checkpoints import LanguageModel


class Grows(Protocol):
    """An answer that grows, as far as guesses depend on it."""

    number: int
    """Of all answers."""
    tokens: list[int]
    """What is given and what was made."""

    def chance(self, ahead: int = 0) -> float:
        """Return the number from 0 to below 1 that the next token is drawn by, or one some tokens ahead."""
        ...

    @property
    def sampling(self) -> Sampling:
        """How its tokens are chosen."""
        ...


class Guesser(Protocol):
    """Guesses what follows."""

    def guess(self, answers: Sequence[Grows]) -> list[list[int]]:
        """Return what may follow each answer: nothing where there is no guess."""
        ...

    def forget(self, number: int) -> None:
        """Keep nothing of an answer."""
        ...


Guessing = Callable[["LanguageModel", int], Guesser]
"""Returns what guesses for a model that keeps so many tokens at once."""
