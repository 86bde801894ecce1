"""The one engine that answers: requests come and go, and all that are under way pass the model together, step by step.

What it says to a request depends on the request alone: draws follow from its own seed, whatever is answered beside it. What is read of a text
that begins as another did is taken from the pages that hold it, where the same adapter read both. Tokens that were guessed pass with the one they
follow, and stay for as long as each is the one that is chosen where it stands: so that answers are the same as without guesses, sampled ones too.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from kernels.inference.adapters.loaded import Loaded
from kernels.inference.answering import Answering, told, told_together
from kernels.inference.asking import Answers, Asked, Ending, Piece, Told, Use
from kernels.inference.cache.pages import PAGE, Pages
from kernels.inference.cache.sequences import Held
from kernels.inference.constraints import UnfollowableError
from kernels.inference.guessing.guesser import Guesser
from kernels.inference.readers.reading import InPages, Reader, Stretch
from kernels.inference.readers.threads import torch_by_one_thread
from kernels.inference.scheduling import Schedule, passed


class _Logits(NamedTuple):
    """Of what is asked: rows, and the likeliest token of each, which are found for all of a step at once and only where tokens are made."""

    rows_TV: Any
    likeliest: list[int]

    def part(self, begin: int, end: int) -> "_Logits":
        """Return some rows."""
        return _Logits(self.rows_TV[begin:end], self.likeliest[begin:end])


class Engine(Answers):
    """Answers requests by one model."""

    def __init__(
        self,
        reader: Reader,
        decode: Callable[[Sequence[int]], str],
        *,
        num_pages: int,
        most_tokens: int = 512,
        most_sequences: int = 64,
        max_positions: int | None = None,
        reads_prompts_whole: bool = False,
        answers_apart: bool = False,
        is_invariant: bool = False,
        guesser: Guesser | None = None,
    ) -> None:
        """Have no requests.

        Args:
            reader: of the model.
            decode: text of tokens.
            num_pages: that the reader has.
            most_tokens: of a step.
            most_sequences: under way at once.
            max_positions: how many tokens the model reads.
            reads_prompts_whole: whether tokens of a prompt see those behind them.
            answers_apart: whether what is made takes no room from what is given, as in an encoder-decoder.
            is_invariant: whether each request is read by itself and in the same strides, so that not one bit of what is said to it depends on what
                else is asked; elsewhere sums of numbers may be rounded otherwise.
            guesser: guesses tokens ahead, which the model then reads together: what it says is the same, and may come sooner.

        Raises:
            ValueError: the reader cannot go back behind what was guessed, or what is guessed would change strides.
        """
        if guesser is not None and not isinstance(reader, InPages):
            raise ValueError("what was guessed cannot be taken back: the model keeps states beside pages; ask it without guesses")
        if guesser is not None and is_invariant:
            raise ValueError("guesses and invariance exclude each other: what passes with guesses is rounded otherwise; choose one")
        self._reader, self._decode, self._max_positions, self._is_whole = reader, decode, max_positions, reads_prompts_whole
        self._answers_apart, self._is_invariant, self._guesser = answers_apart, is_invariant, guesser
        self._adapters = Loaded(reader)
        self.pages = Pages(num_pages, remembers=isinstance(reader, InPages) and not reads_prompts_whole)
        self.schedule = Schedule[Answering](self.pages, most_tokens=most_tokens, most_sequences=most_sequences)
        self._next, self._num_sequences, self._living = 0, 0, dict[int, list[Answering]]()
        self.num_guessed, self.num_guessed_right = 0, 0
        """Tokens that were guessed and read, and those among them that the model took."""

    def ask(self, asked: Asked) -> int:
        """Take a request, and return its number.

        Raises:
            ValueError: it has no token, or more than the model reads or the cache holds (names both numbers), or its adapter is not there.
        """
        if not asked.tokens:
            raise ValueError("a prompt has no token; give each at least one, such as the end of text")
        sequence = self._sequence(self._next, 0, asked, Held(self.pages, self._adapters.root(asked.adapter)))
        length = self._length(sequence)
        if self._max_positions is not None and length > self._max_positions:
            raise ValueError(f"a prompt has {length} tokens, and the model reads {self._max_positions} at most; shorten it")
        longest = max(map(len, asked.continuations), default=1) - 1
        self.schedule.add(sequence, sequence.num_given + max(longest, self._room(sequence) - 1))
        number, self._next = self._next, self._next + 1
        self._living[number] = [sequence]
        return number

    def _sequence(self, request: int, answer: int, asked: Asked, held: Held) -> Answering:
        """Return an answer that has no token yet."""
        self._num_sequences += 1
        arrival = (request, answer)
        return Answering(self._num_sequences, arrival, asked, held, self._decode, is_whole=self._is_whole, is_invariant=self._is_invariant)

    def _length(self, sequence: Answering) -> int:
        """Return how many tokens the model has to read of what is given: an encoder-decoder the most of either side."""
        asked, behind = sequence.asked, max(map(len, sequence.asked.continuations), default=0)
        if not self._answers_apart:
            return sequence.num_given + max(0, behind - 1)
        before = len(asked.tokens) if asked.first_told is None else asked.first_told
        return max(before, behind, len(asked.tokens) - before)

    def _room(self, sequence: Answering) -> int:
        """Return how many tokens can be made: all but the last are read."""
        room, limit = sequence.asked.max_new_tokens, self._max_positions
        if limit is None:
            return room
        return min(room, limit if self._answers_apart else limit - sequence.num_given + 1)

    def load_adapter(self, name: str, folder: Path) -> None:
        """Have an adapter from now on, between any two steps; arguments and errors: see `Loaded.load`."""
        self._adapters.load(name, folder)

    def drop_adapter(self, name: str) -> None:
        """Have an adapter no more. Raises ValueError: requests under way are answered by it, or there is none of the name."""
        num_users = sum(answers[0].asked.adapter == name for answers in self._living.values())
        if num_users:
            raise ValueError(f"adapter {name}: requests under way are answered by it, {num_users} of them; drop it once they have ended")
        self._adapters.drop(name)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is asked."""
        return not self._living

    @property
    def use(self) -> Use:
        """What is in use of pages, and how guesses fared."""
        pages = self.pages
        return Use(pages.count, pages.count - pages.num_free, self.schedule.num_given_back, self.num_guessed, self.num_guessed_right)

    def abort(self, number: int) -> None:
        """Have nobody want a request any more; one that is over is left alone."""
        for sequence in self._living.pop(number, ()):
            self._remove(sequence)

    def _remove(self, sequence: Answering) -> None:
        self.schedule.remove(sequence)
        self._reader.forget(sequence.number)
        if self._guesser is not None:
            self._guesser.forget(sequence.number)

    def step(self) -> list[Piece]:
        """Pass tokens once through the model, and return what came to answers."""
        with torch_by_one_thread() if self._reader.has_threads else nullcontext():
            return self._step()

    def _step(self) -> list[Piece]:
        if self._guesser is not None:
            self._guess(self._guesser)
        step = self.schedule.step()
        for given_back in step.given_back:
            self._reader.forget(given_back.number)
        if not step.pieces:
            return []
        self._reader.copy(step.copies)
        stretches = [_stretch(sequence, count) for sequence, count in step.pieces]
        logits = self._read(stretches)
        passed(step.pieces)
        makes = any(sequence.asked.max_new_tokens for sequence, _ in step.pieces)
        asked = _Logits(logits, logits.argmax(-1).tolist() if makes else [])
        found: list[Piece] = []
        begin = 0
        for (sequence, _), stretch in zip(step.pieces, stretches, strict=True):
            end = begin + len(stretch.asked)
            if stretch.asked:
                found += self._take(sequence, asked.part(begin, end))
            begin = end
        return found

    def _read(self, stretches: Sequence[Stretch]) -> Any:
        """Return the logits of what is asked."""
        if not self._is_invariant:
            return self._reader.read(stretches)
        import torch

        return torch.cat([self._reader.read([stretch]) for stretch in stretches])

    def _guess(self, guesser: Guesser) -> None:
        """Have tokens be guessed for each answer that is asked for its next one; the first of several answers is read before they part."""
        asked = [each for each in self.schedule.running if each.num_made and each.num_kept == len(each.tokens) - 1]
        for sequence, guessed in zip(asked, guesser.guess(asked), strict=True):
            sequence.guessed = list(guessed[: self._room(sequence) - sequence.num_made - 1])

    def _take(self, sequence: Answering, logits: "_Logits") -> list[Piece]:
        """Return what comes to an answer, and to those that part from it, by the logits of what was asked of it."""
        asked, num_given = sequence.asked, len(sequence.asked.tokens)
        until = min(sequence.num_kept + 1, num_given)
        given = told_together(asked.tokens[sequence.num_told : until], logits.rows_TV[: until - sequence.num_told], asked.num_logprobs)
        sequence.num_told += len(given)
        if sequence.num_kept < len(sequence.tokens):
            return [Piece(*sequence.arrival, None, "", given=given)]
        if asked.continuations:
            return self._continued(sequence, logits)
        if not asked.max_new_tokens:
            return [self._end(sequence, None, "", "length", None)._replace(given=given)]
        logits = logits.part(len(given), len(logits.likeliest))
        parted = self._forks(sequence) if sequence.num_made == 0 else []
        pieces = [*self._answers(sequence, logits), *(piece for other in parted for piece in self._answers(other, logits))]
        return [pieces[0]._replace(given=given), *pieces[1:]]

    def _continued(self, sequence: Answering, logits: "_Logits") -> list[Piece]:
        """Have each continuation be read behind a prompt that was read now, and return what is told of them already."""
        asked = sequence.asked
        parted = [
            self._fork(sequence, answer, replace(asked, tokens=[*asked.tokens, *tokens], continuations=(), first_told=len(asked.tokens)))
            for answer, tokens in enumerate(asked.continuations)
        ]
        self._remove(sequence)
        self._living[sequence.arrival[0]].remove(sequence)
        return [piece for other in parted for piece in self._take(other, logits)]

    def _forks(self, sequence: Answering) -> list[Answering]:
        """Return the other answers to a prompt that was read now."""
        return [self._fork(sequence, answer, sequence.asked) for answer in range(1, sequence.asked.num_answers)]

    def _fork(self, sequence: Answering, answer: int, asked: Asked) -> Answering:
        """Return an answer that goes on from where another is."""
        other = self._sequence(sequence.arrival[0], answer, asked, sequence.held.forked())
        other.num_kept, other.num_told = sequence.num_kept, sequence.num_told
        self._reader.fork(sequence.number, other.number)
        self._living[sequence.arrival[0]].append(other)
        self.schedule.add_running(other)
        return other

    def _answers(self, sequence: Answering, logits: "_Logits") -> list[Piece]:
        """Choose tokens for as long as they are those that were guessed, and one more."""
        guessed, sequence.guessed = sequence.guessed[: len(logits.likeliest) - 1], []
        self.num_guessed += len(guessed)
        found: list[Piece] = []
        for place, likeliest in enumerate(logits.likeliest):
            found.append(self._answer(sequence, logits.rows_TV[place], likeliest))
            if found[-1].ending is not None:
                return found
            if place == len(guessed) or sequence.tokens[-1] != guessed[place]:
                break
            self.num_guessed_right += 1
            sequence.num_kept += 1
        if guessed:
            sequence.held.keep(sequence.tokens, sequence.num_kept)
            sequence.held.cut(sequence.num_kept)
        return found

    def _answer(self, sequence: Answering, logits_V: Any, likeliest: int) -> Piece:
        """Choose a sequence's next token."""
        asked = sequence.asked
        try:
            token = sequence.chosen(logits_V, likeliest)
        except UnfollowableError as error:
            return self._end(sequence, None, sequence.text.end(), "failed", str(error))
        if token in asked.stop_tokens:
            text = sequence.text.end()
            return self._end(sequence, None, text, "stop", sequence.text.stop or token)
        what, text = told(token, logits_V, asked.num_logprobs), sequence.add(token)
        if not sequence.is_over and sequence.num_made < self._room(sequence):
            return Piece(*sequence.arrival, what, text)
        text += sequence.text.end()  # in which a string may stand that ends it
        return self._end(sequence, what, text, "stop" if sequence.is_over else "length", sequence.text.stop)

    def _end(self, sequence: Answering, what: Told | None, text: str, ending: Ending, stop: int | str | None) -> Piece:
        self._remove(sequence)
        others = self._living[sequence.arrival[0]]
        others.remove(sequence)
        if not others:
            del self._living[sequence.arrival[0]]
        return Piece(*sequence.arrival, what, text, ending, stop)


def _stretch(sequence: Answering, count: int) -> Stretch:
    """Return the next tokens of an answer, those that were guessed among them."""
    start = sequence.num_kept
    tokens = sequence.tokens[start : start + count]
    tokens += sequence.guessed[: count - len(tokens)]
    first = min(count, max(0, sequence.first_asked() - start))
    table = sequence.held.table[: -(-(start + count) // PAGE)]
    return Stretch(tokens, start, table, range(first, count), sequence.number, sequence.asked.adapter)
