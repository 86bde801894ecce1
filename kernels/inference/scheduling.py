"""Which tokens of which sequences pass the model next: continuous batching (Yu et al. 2022, "Orca") within a budget of tokens.

Sequences that are asked for their next token come first, so that nobody's answer stands still while another's prompt is read; prompts are read in
pieces (Agrawal et al. 2024, arXiv 2403.02310) with what the budget leaves. Where pages run out the sequence that came last gives its own back, and
is read anew, before any that waits, when there is room; none gives way to one that came later, so that in each step somebody goes on who ends.
"""

from collections import deque
from collections.abc import Iterable
from typing import Generic, NamedTuple, Protocol, TypeVar

from kernels.inference.cache.pages import PAGE, OutOfPagesError, Pages
from kernels.inference.cache.sequences import Copy, Held


class Read(Protocol):
    """A sequence that is read."""

    held: Held
    tokens: list[int]
    """What is given and what was made."""
    guessed: list[int]
    """What may stand behind them: they pass where there is room, and the sequence takes or leaves them."""
    num_kept: int
    """How many of its tokens the cache holds."""
    arrival: tuple[int, int]
    """Those that came earlier have lower numbers; no two have the same, or they would take each other's pages for ever."""

    @property
    def together(self) -> int:
        """How many tokens must pass together next; 0 where it may be any number."""
        ...

    @property
    def num_findable(self) -> int:
        """How many of its first tokens may be taken from what others read."""
        ...

    @property
    def unit(self) -> int:
        """What are taken from others come in multiples of so many tokens."""
        ...

    @property
    def num_shown(self) -> int | None:
        """How many of its first tokens others may take; None for all."""
        ...


_Sequence = TypeVar("_Sequence", bound=Read)


class Piece(NamedTuple, Generic[_Sequence]):
    """Tokens of a sequence that pass the model together: those behind what is kept."""

    sequence: _Sequence
    num_tokens: int


class Step(NamedTuple, Generic[_Sequence]):
    """What passes the model together."""

    pieces: list[Piece[_Sequence]]
    copies: list[Copy]
    given_back: list[_Sequence]
    """Sequences that had to give their pages back, and are read anew some time."""


class Schedule(Generic[_Sequence]):
    """Sequences that wait and those that are under way."""

    def __init__(self, pages: Pages, *, most_tokens: int, most_sequences: int) -> None:
        """Have none.

        Args:
            pages: of the cache.
            most_tokens: of a step, but for a sequence that must be read whole.
            most_sequences: under way at once.
        """
        self._pages, self._most_tokens, self._most_sequences = pages, most_tokens, most_sequences
        self.waiting: deque[_Sequence] = deque()
        self.running: list[_Sequence] = []
        self.num_given_back = 0
        """How often a sequence had to give its pages back."""

    def add(self, sequence: _Sequence, most_tokens: int) -> None:
        """Have a sequence wait for its turn.

        Raises:
            ValueError: it may grow to more tokens than the cache has room for, so that it might never end.
        """
        if -(-most_tokens // PAGE) > self._pages.count:
            raise ValueError(
                f"{most_tokens} tokens find no room in a cache of {self._pages.count * PAGE}; ask for fewer, or give the cache more memory"
            )
        self.waiting.append(sequence)

    def add_running(self, sequence: _Sequence) -> None:
        """Have a sequence go on that holds pages already: the fork of one that is under way."""
        self.running.append(sequence)

    def remove(self, sequence: _Sequence) -> None:
        """Have a sequence be over, whether it waits or is under way."""
        (self.running if sequence in self.running else self.waiting).remove(sequence)
        sequence.held.let_go()

    def step(self) -> Step[_Sequence]:
        """Return what passes the model next: nothing where there is nothing to do."""
        step, left = Step[_Sequence]([], [], []), self._most_tokens
        self.running.sort(key=lambda each: each.arrival)
        for sequence in (*filter(_is_asked, self.running), *(each for each in self.running if not _is_asked(each))):
            if sequence in self.running:  # else it had to give way meanwhile
                left -= self._take(sequence, left, step)
        while self.waiting and left > 0 and len(self.running) < self._most_sequences:
            sequence = self.waiting[0]
            sequence.num_kept = sequence.held.begin(sequence.tokens[: sequence.num_findable], sequence.unit)
            if any(self._reads_for(each, sequence) for each in self.running):
                self._give_back(sequence)
                break
            count = self._count(sequence, left)
            if sequence.held.missing(sequence.num_kept, sequence.num_kept + count) > self._pages.num_free:
                self._give_back(sequence)
                break
            self.running.append(self.waiting.popleft())
            left -= self._take(sequence, left, step)
        return step

    def _count(self, sequence: _Sequence, left: int) -> int:
        return sequence.together or min(len(sequence.tokens) + len(sequence.guessed) - sequence.num_kept, left)

    def _reads_for(self, running: _Sequence, sequence: _Sequence) -> bool:
        """Return whether one that is under way will soon have read more of what another begins with, which then need not read it, too."""
        if not self._pages.remembers or running.held.root != sequence.held.root:
            return False
        whole = sequence.num_kept + sequence.unit
        is_read = running.num_kept >= whole or len(running.tokens) < whole or (running.num_shown is not None and running.num_shown < whole)
        return not is_read and whole <= sequence.num_findable and running.tokens[:whole] == sequence.tokens[:whole]

    def _take(self, sequence: _Sequence, left: int, step: Step[_Sequence]) -> int:
        """Have a sequence's next tokens pass, and return how many; none where it has to wait."""
        count = self._count(sequence, left)
        if count <= 0:
            return 0
        while True:
            try:
                step.copies.extend(sequence.held.make_room(sequence.num_kept, sequence.num_kept + count))
            except OutOfPagesError:
                if sequence.guessed:
                    sequence.guessed.clear()
                    count = self._count(sequence, left)
                    continue
                chosen = [piece.sequence for piece in step.pieces]
                others = [each for each in self.running if each not in chosen]
                last = max(others, key=lambda each: each.arrival)
                if last is sequence and chosen:
                    return 0  # those that pass now will end
                self.running.remove(last)
                self.waiting.appendleft(last)
                self._give_back(last)
                self.num_given_back += 1
                step.given_back.append(last)
                if last is sequence:
                    return 0
                continue
            step.pieces.append(Piece(sequence, count))
            return count

    @staticmethod
    def _give_back(sequence: Read) -> None:
        sequence.held.let_go()
        sequence.num_kept = 0
        sequence.guessed.clear()


def _is_asked(sequence: Read) -> bool:
    return len(sequence.tokens) - sequence.num_kept == 1


def passed(pieces: Iterable[Piece[_Sequence]]) -> list[_Sequence]:
    """Note that pieces have passed the model, and return the sequences of which every token was read; what was guessed is not kept yet."""
    asked: list[_Sequence] = []
    for piece in pieces:
        sequence = piece.sequence
        sequence.num_kept = min(sequence.num_kept + piece.num_tokens, len(sequence.tokens))
        sequence.held.keep(sequence.tokens, sequence.num_kept if sequence.num_shown is None else min(sequence.num_kept, sequence.num_shown))
        if sequence.num_kept == len(sequence.tokens):
            asked.append(sequence)
    return asked
