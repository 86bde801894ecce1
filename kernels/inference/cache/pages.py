"""Pages of a cache: who holds them, and what whole ones hold, so that a text that begins as another did is not read again.

As in vLLM's paged attention (Kwon et al. 2023, arXiv 2309.06180) pages have counts of their holders, and one that several hold is copied before it
is written to. A whole page is found by the page before it and its tokens, which are compared and not their hash alone; that the page before it is the
same one stands for all tokens before. Pages that nobody holds keep what they hold until their room is needed, those unused for longest first.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

PAGE = 16
"""Tokens of a page."""


class OutOfPagesError(Exception):
    """Every page has a holder."""


class _Known(NamedTuple):
    """A whole page as it is found: the number of what the page before it holds, and its tokens."""

    before: int
    """At most 0 where nothing does."""
    tokens: tuple[int, ...]


class Pages:
    """Keeps account of pages; what they hold lies with the model."""

    def __init__(self, count: int, *, remembers: bool = True) -> None:
        """Have some pages that are all free.

        Args:
            count: of pages.
            remembers: whether whole pages are found again.
        """
        self.count, self.remembers = count, remembers
        self._blank = list(range(count - 1, -1, -1))
        self._idle: OrderedDict[int, None] = OrderedDict()
        """Pages that nobody holds and that may be found, those unused for longest first."""
        self._holders = [0] * count
        self._known: dict[_Known, int] = {}
        self._names: list[_Known | None] = [None] * count
        self._numbers = [0] * count
        """Of what a whole page holds: each content that is put into one has another."""
        self._next_number = 1

    @property
    def num_free(self) -> int:
        """How many pages nobody holds."""
        return len(self._blank) + len(self._idle)

    def holders(self, page: int) -> int:
        """Return how many hold a page."""
        return self._holders[page]

    def take(self) -> int:
        """Return a page for one holder; what it held is forgotten.

        Raises:
            OutOfPagesError: all have holders.
        """
        if self._blank:
            page = self._blank.pop()
        elif self._idle:
            page, _ = self._idle.popitem(last=False)
            self._forget(page)
        else:
            raise OutOfPagesError
        self._holders[page] = 1
        return page

    def share(self, page: int) -> int:
        """Return a page, for one holder more."""
        if not self._holders[page]:
            del self._idle[page]
        self._holders[page] += 1
        return page

    def let_go(self, pages: Sequence[int]) -> None:
        """Have one holder less of each of a sequence's pages; the last ones are the first whose room is taken."""
        for page in reversed(pages):
            self._holders[page] -= 1
            if self._holders[page]:
                continue
            if self._names[page] is None:
                self._blank.append(page)
            else:
                self._idle[page] = None

    def number(self, page: int) -> int:
        """Return the number of what a whole page holds."""
        return self._numbers[page]

    def found(self, tokens: Sequence[int], root: int = 0) -> list[int]:
        """Return the pages that hold the beginning of some tokens, for one holder more each.

        Args:
            tokens: of a sequence.
            root: a number of at most 0 of who reads them, where several read the same otherwise.
        """
        pages: list[int] = []
        number = root
        for start in range(0, len(tokens) - PAGE + 1, PAGE):
            page = self._known.get(_Known(number, tuple(tokens[start : start + PAGE])))
            if page is None:
                break
            pages.append(self.share(page))
            number = self._numbers[page]
        return pages

    def fill(self, page: int, before: int, tokens: Sequence[int]) -> int:
        """Have a page be found by its tokens, which are whole, and the number of what the page before it holds; return that of what it holds."""
        name = _Known(before, tuple(tokens))
        known = self._known.get(name)
        if known is not None:  # of another sequence, which was first: who comes next is given its page
            return self._numbers[known]
        number, self._next_number = self._next_number, self._next_number + 1
        if self.remembers:
            self._known[name], self._names[page], self._numbers[page] = page, name, number
        return number

    def _forget(self, page: int) -> None:
        name = self._names[page]
        if name is not None:
            del self._known[name]
            self._names[page] = None

    def check(self, tables: Sequence[Sequence[int]]) -> None:
        """Compare the account with the pages that sequences have.

        Raises:
            AssertionError: they differ, or a page is free and held.
        """
        held = [0] * self.count
        for table in tables:
            for page in table:
                held[page] += 1
        assert held == self._holders, "pages have other holders than sequences"
        free = [*self._blank, *self._idle]
        assert sorted(free) == [page for page in range(self.count) if not held[page]], "a page is lost, or free twice"
        assert all(self._names[page] is None for page in self._blank)
        assert {self._known[name]: name for name in self._known} == {page: name for page, name in enumerate(self._names) if name is not None}
