"""Guesses what a smaller model says, by the same draws: where both hold alike, a draw falls on the same token of both."""

from collections.abc import Sequence
from typing import Any

from kernels.inference.cache.pages import PAGE, OutOfPagesError, Pages
from kernels.inference.cache.sequences import Held
from kernels.inference.guessing.guesser import Grows
from kernels.inference.readers.reading import Reader, Stretch
from kernels.inference.sampling import distribution, drawn


class _Read:
    """What the smaller model has read of an answer."""

    def __init__(self, pages: Pages) -> None:
        self.held, self.tokens = Held(pages), list[int]()

    def keep(self, tokens: Sequence[int]) -> None:
        """Keep what is still so: all before the first token that is another now; the last is to be read, since what follows it is asked."""
        same = 0
        while same < min(len(self.tokens), len(tokens) - 1) and self.tokens[same] == tokens[same]:
            same += 1
        del self.tokens[same:]
        self.held.cut(same)


class Draft:
    """A `Guesser`. Penalties and constraints do not bind it: they change how often a guess is right, and nothing else."""

    def __init__(self, reader: Reader, *, num_pages: int, count: int, most_tokens: int = 512) -> None:
        """Have read nothing.

        Args:
            reader: of the smaller model, which keeps what it reads in pages.
            num_pages: that it has; of an answer that finds none nothing is guessed.
            count: of tokens that are guessed at a time.
            most_tokens: that pass at once.
        """
        self._reader, self._count, self._most_tokens = reader, count, most_tokens
        self._pages = Pages(num_pages, remembers=False)
        self._read: dict[int, _Read] = {}

    def guess(self, answers: Sequence[Grows]) -> list[list[int]]:
        """See `Guesser`."""
        guesses: dict[int, list[int]] = {}
        for answer in answers:
            self._read.setdefault(answer.number, _Read(self._pages)).keep(answer.tokens)
        for ahead in range(self._count):
            logits = self._passed([(answer.number, [*answer.tokens, *guesses.get(answer.number, ())]) for answer in answers])
            for answer in answers:
                if answer.number in logits:
                    guesses.setdefault(answer.number, []).append(_chosen(logits[answer.number], answer, ahead))
        return [guesses.get(answer.number, []) for answer in answers]

    def _passed(self, texts: Sequence[tuple[int, list[int]]]) -> dict[int, Any]:
        """Return the logits behind each text that finds room."""
        found: dict[int, Any] = {}
        waiting = list(texts)
        while stretches := self._next(waiting):
            asked = [each.sequence for each in stretches if each.asked]
            found.update(zip(asked, self._reader.read(stretches), strict=True))
            waiting = [(number, tokens) for number, tokens in waiting if number not in found]
        return found

    def _next(self, waiting: list[tuple[int, list[int]]]) -> list[Stretch]:
        """Return what passes now; texts that find no room do not wait any more."""
        stretches, left = list[Stretch](), self._most_tokens
        for number, tokens in list(waiting):
            read = self._read[number]
            start, until = len(read.tokens), min(len(tokens), len(read.tokens) + left)
            try:
                read.held.make_room(start, until)
            except OutOfPagesError:
                read.held.let_go()
                read.tokens.clear()
                waiting.remove((number, tokens))
                continue
            is_last = until == len(tokens)
            table = read.held.table[: -(-until // PAGE)]
            stretches.append(Stretch(tokens[start:until], start, table, range(until - start - is_last, until - start), number))
            read.tokens += tokens[start:until]
            left -= until - start
            if not left:
                break
        return stretches

    def forget(self, number: int) -> None:
        """See `Guesser`."""
        if (read := self._read.pop(number, None)) is not None:
            read.held.let_go()


def _chosen(logits_V: Any, answer: Grows, ahead: int) -> int:
    """Return the token that an answer's own draw falls on."""
    if answer.sampling.temperature == 0:
        return int(logits_V.argmax())
    return drawn(distribution(logits_V, answer.sampling), answer.chance(ahead))
