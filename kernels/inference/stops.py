"""The text of an answer as it grows, and the strings that end it wherever tokens part them.

What may yet turn out to be the beginning of such a string, or of a character that several tokens make, is held back until that is clear: so that what
is told as it comes is what is told at once.
"""

from collections.abc import Callable, Sequence

UNFINISHED = "\ufffd"
"""What decoders give for the bytes of a character that is not whole."""
MOST_UNFINISHED = 3
"""Such marks that may yet become a character, of at most 4 bytes; those before them are what a model really made."""


class Growing:
    """Text that tokens come behind."""

    def __init__(self, decode: Callable[[Sequence[int]], str], stops: Sequence[str]) -> None:
        """Begin with nothing.

        Args:
            decode: text of tokens.
            stops: strings that end the text, none of them empty; they are no part of it.
        """
        if not all(stops):
            raise ValueError("stop: a string is empty; leave it out")
        self._decode, self._stops = decode, tuple(stops)
        self._longest = max(map(len, stops), default=0)
        self._tokens: list[int] = []
        self._whole, self._begin, self._num_before = "", 0, 0
        self.told = 0
        """How many characters were given out."""
        self.stop: str | None = None
        """The string that ended it."""

    @property
    def text(self) -> str:
        """All that is sure so far."""
        return self._whole

    def add(self, token: int) -> str:
        """Take a token, and return what is sure now and was not told."""
        self._tokens.append(token)
        # a decoder may treat what stands at a beginning otherwise: the last token that is sure is decoded again with those behind it
        behind = self._decode(self._tokens[self._begin :])[self._num_before :]
        num_marks = min(len(behind) - len(behind.rstrip(UNFINISHED)), MOST_UNFINISHED)
        self._search(behind[: len(behind) - num_marks])
        if num_marks:
            self._num_before += len(behind) - num_marks
        else:
            self._begin = len(self._tokens) - 1
            self._num_before = len(self._decode(self._tokens[self._begin :]))
        return self._give(len(self._whole) - (0 if self.stop is not None else self._held_back()))

    def end(self) -> str:
        """Take note that no token follows, and return what is left to tell."""
        if self.stop is None:
            self._search(self._decode(self._tokens[self._begin :])[self._num_before :])
        return self._give(len(self._whole))

    def _search(self, behind: str) -> None:
        """Put text behind what there is, up to the first string that ends it."""
        start = max(0, len(self._whole) - self._longest + 1)
        self._whole += behind
        found = [(self._whole.find(stop, start), -len(stop), stop) for stop in self._stops if stop in self._whole[start:]]
        if found:
            place, _, self.stop = min(found)
            self._whole = self._whole[:place]

    def _held_back(self) -> int:
        """Return how many characters at the end may begin a string that ends the text."""
        for count in range(min(self._longest - 1, len(self._whole)), 0, -1):
            if any(stop.startswith(self._whole[-count:]) for stop in self._stops):
                return count
        return 0

    def _give(self, until: int) -> str:
        found = self._whole[self.told : until]
        self.told = max(self.told, until)
        return found
