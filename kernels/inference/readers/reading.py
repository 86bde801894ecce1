"""What an engine asks of a model, of whatever kind it is."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from kernels.inference.cache.sequences import Copy


class Stretch(NamedTuple):
    """Tokens of a sequence that pass together."""

    tokens: Sequence[int]
    position: int
    """Of the first: how many stand before it, whose keys and values are kept."""
    table: Sequence[int]
    """Pages of the sequence, as far as its last token."""
    asked: range
    """Which of the tokens are asked what follows them."""
    sequence: int = 0
    """Number of the sequence: what is kept of it beside pages is found by it."""
    adapter: str | None = None
    """Who reads it beside the base: of a reader that takes adapters (adapters/adding.py)."""

    @property
    def is_next(self) -> bool:
        """Whether it is one token behind others: such stretches of several sequences pass as one."""
        return len(self.tokens) == 1 and self.position > 0


class Reader(Protocol):
    """Reads, and keeps what it read in pages."""

    has_threads: bool
    """Whether it computes by threads of its own, and torch's would be in their way."""

    def read(self, stretches: Sequence[Stretch]) -> Any:
        """Return the logits [asked, V] float32 of what is asked, one sequence behind the other."""
        ...

    def copy(self, copies: Sequence[Copy]) -> None:
        """Write what pages hold into others."""
        ...

    def fork(self, sequence: int, other: int) -> None:
        """Have another sequence go on from where one is."""
        ...

    def forget(self, sequence: int) -> None:
        """Keep nothing of a sequence beside pages; it may be read anew."""
        ...


class BesidePages:
    """A reader that keeps what it read by sequence, and in pages nothing: they count tokens alone. What is kept is replaced and never changed."""

    has_threads = False

    def __init__(self) -> None:
        """Keep nothing."""
        self._kept: dict[int, Any] = {}

    def copy(self, copies: Sequence[Copy]) -> None:
        """See `Reader`."""

    def fork(self, sequence: int, other: int) -> None:
        """See `Reader`."""
        self._kept[other] = self._kept[sequence]

    def forget(self, sequence: int) -> None:
        """See `Reader`."""
        self._kept.pop(sequence, None)


class InPages:
    """A reader that keeps nothing beside pages."""

    has_threads = False

    def fork(self, sequence: int, other: int) -> None:
        """See `Reader`."""

    def forget(self, sequence: int) -> None:
        """See `Reader`."""
