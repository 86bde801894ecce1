"""A sequence's place in a cache: its pages, in the order of its tokens."""

from collections.abc import Sequence
from typing import NamedTuple

from kernels.inference.cache.pages import PAGE, OutOfPagesError, Pages


class Copy(NamedTuple):
    """What a page holds is to be written into another, before anything else is."""

    source: int
    target: int


class Held:
    """The pages of one sequence."""

    def __init__(self, pages: Pages, root: int = 0) -> None:
        """Hold none. The root: see `Pages.found`."""
        self._pages, self.root = pages, root
        self.table: list[int] = []
        self._number, self._num_filled = root, 0

    def begin(self, tokens: Sequence[int], unit: int = PAGE) -> int:
        """Take the pages that hold the beginning of some tokens, and return of how many: a multiple of ``unit``, which is one of a page."""
        found = self._pages.found(tokens, self.root)
        surplus = len(found) % (unit // PAGE)
        self.table = found[: len(found) - surplus]
        self._pages.let_go(found[len(self.table) :])
        self._number = self._pages.number(self.table[-1]) if self.table else self.root
        self._num_filled = len(self.table)
        return self._num_filled * PAGE

    def missing(self, num_kept: int, num_tokens: int) -> int:
        """Return how many pages have to be taken so that some tokens are written behind those that are kept."""
        copied = num_kept % PAGE > 0 and self._pages.holders(self.table[num_kept // PAGE]) > 1
        return max(0, -(-num_tokens // PAGE) - len(self.table)) + copied

    def make_room(self, num_kept: int, num_tokens: int) -> list[Copy]:
        """Have a page of its own for each token behind those that are kept, up to a number of tokens; return what has to be copied for it.

        Raises:
            OutOfPagesError: there are too few pages; nothing was taken.
        """
        if self.missing(num_kept, num_tokens) > self._pages.num_free:
            raise OutOfPagesError
        copies: list[Copy] = []
        place = num_kept // PAGE
        if num_kept % PAGE and self._pages.holders(self.table[place]) > 1:
            shared, self.table[place] = self.table[place], self._pages.take()
            self._pages.let_go([shared])
            copies.append(Copy(shared, self.table[place]))
        while len(self.table) * PAGE < num_tokens:
            self.table.append(self._pages.take())
        return copies

    def keep(self, tokens: Sequence[int], num_kept: int) -> None:
        """Have whole pages be found by others, now that some of a sequence's tokens are kept."""
        while (self._num_filled + 1) * PAGE <= num_kept:
            start = self._num_filled * PAGE
            self._number = self._pages.fill(self.table[self._num_filled], self._number, tokens[start : start + PAGE])
            self._num_filled += 1

    def forked(self) -> "Held":
        """Return the same pages as held by another sequence."""
        other = Held(self._pages, self.root)
        other.table = [self._pages.share(page) for page in self.table]
        other._number, other._num_filled = self._number, self._num_filled
        return other

    def cut(self, num_kept: int) -> None:
        """Let go of the pages behind some tokens: what was guessed and is not taken. Whole pages that others may find are left."""
        keep = max(-(-num_kept // PAGE), self._num_filled)
        self._pages.let_go(self.table[keep:])
        del self.table[keep:]

    def let_go(self) -> None:
        """Hold none."""
        self._pages.let_go(self.table)
        self.table, self._number, self._num_filled = [], self.root, 0
