"""Guesses what followed the last time that the last few tokens stood in a text (prompt look-up; Yang et al. 2023, arXiv 2304.04487).

It costs no model.
"""

from collections.abc import Sequence

from kernels.inference.guessing.guesser import Grows

WIDTHS = (4, 3, 2)
"""How many last tokens are looked up: the widest that stood there before counts."""


class _Seen:
    """Where runs of tokens of one text ended last."""

    def __init__(self) -> None:
        self.num_tokens = 0
        self.ends: dict[tuple[int, ...], int] = {}

    def read(self, tokens: Sequence[int]) -> None:
        """Take note of tokens that are new, but for the last: nothing stands behind it yet."""
        for end in range(self.num_tokens + 1, len(tokens)):
            for width in WIDTHS:
                if width <= end:
                    self.ends[tuple(tokens[end - width : end])] = end
        self.num_tokens = len(tokens) - 1


class Lookup:
    """A `Guesser`."""

    def __init__(self, count: int) -> None:
        """Guess so many tokens at a time."""
        self._count = count
        self._seen: dict[int, _Seen] = {}

    def guess(self, answers: Sequence[Grows]) -> list[list[int]]:
        """See `Guesser`."""
        return [self._guess(answer) for answer in answers]

    def _guess(self, answer: Grows) -> list[int]:
        seen, tokens = self._seen.setdefault(answer.number, _Seen()), answer.tokens
        seen.read(tokens)
        for width in WIDTHS:
            end = seen.ends.get(tuple(tokens[-width:])) if width <= len(tokens) else None
            if end is not None:
                return tokens[end : end + self._count]
        return []

    def forget(self, number: int) -> None:
        """See `Guesser`."""
        self._seen.pop(number, None)
