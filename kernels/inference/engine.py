"""The one engine that answers: requests come and go, and all that are under way pass the model together, step by step.

What it says to a request depends on the request alone: draws follow from its own seed, whatever is answered beside it. What is read of a text
that begins as another did is taken from the pages that hold it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from kernels.inference.asking import Asked, Ending, Piece, Told
from kernels.inference.cache.pages import PAGE, Pages
from kernels.inference.cache.sequences import Held
from kernels.inference.constraints import UnfollowableError
from kernels.inference.readers.reading import Reader, Stretch
from kernels.inference.sampling import distribution, drawn, penalised
from kernels.inference.scheduling import Schedule, passed
from kernels.inference.stops import Growing
from kernels.tokens.mixtures.permutation import key_of


class Answering:
    """An answer that grows."""

    def __init__(
        self, number: int, request: int, answer: int, asked: Asked, held: Held, decode: Callable[[Sequence[int]], str], *, is_whole: bool
    ) -> None:
        self.number, self.request, self.answer, self.asked, self.held = number, request, answer, asked, held
        self.num_together = len(asked.tokens) if is_whole else 0
        self.tokens, self.num_kept, self.arrival = list(asked.tokens), 0, (request, answer)
        self.made: Counter[int] = Counter()
        self.given = Counter(asked.tokens) if asked.sampling.repetition_penalty != 1 else Counter[int]()
        self.text = Growing(decode, asked.stops)
        self.constrained = None if asked.constraint is None else asked.constraint.begin()

    @property
    def num_made(self) -> int:
        """How many tokens were made."""
        return len(self.tokens) - len(self.asked.tokens)


class Engine:
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
        remembers: bool = True,
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
            remembers: whether what was read of a text is taken from pages where another begins as it did.
        """
        self._reader, self._decode, self._max_positions, self._is_whole = reader, decode, max_positions, reads_prompts_whole
        self._answers_apart = answers_apart
        self.pages = Pages(num_pages, remembers=remembers and not reads_prompts_whole)
        self.schedule = Schedule[Answering](self.pages, most_tokens=most_tokens, most_sequences=most_sequences)
        self._next, self._num_sequences, self._living = 0, 0, dict[int, list[Answering]]()

    def ask(self, asked: Asked) -> int:
        """Take a request, and return its number.

        Raises:
            ValueError: it has no token, or more than the model reads or the cache holds (names both numbers).
        """
        if not asked.tokens:
            raise ValueError("a prompt has no token; give each at least one, such as the end of text")
        if self._max_positions is not None and len(asked.tokens) > self._max_positions:
            raise ValueError(f"a prompt has {len(asked.tokens)} tokens, and the model reads {self._max_positions} at most; shorten it")
        number, self._next = self._next, self._next + 1
        sequence = Answering(self._numbered(), number, 0, asked, Held(self.pages, asked.root), self._decode, is_whole=self._is_whole)
        self.schedule.add(sequence, len(asked.tokens) + self._room(asked) - 1)
        self._living[number] = [sequence]
        return number

    def _numbered(self) -> int:
        """Return a number for a sequence."""
        self._num_sequences += 1
        return self._num_sequences

    def _room(self, asked: Asked) -> int:
        """Return how many tokens can be made: all but the last are read."""
        room, limit = asked.max_new_tokens, self._max_positions
        if limit is None:
            return room
        return min(room, limit if self._answers_apart else limit - len(asked.tokens) + 1)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is asked."""
        return not self._living

    def abort(self, number: int) -> None:
        """Have nobody want a request any more; one that is over is left alone."""
        for sequence in self._living.pop(number, ()):
            self._remove(sequence)

    def _remove(self, sequence: Answering) -> None:
        self.schedule.remove(sequence)
        self._reader.forget(sequence.number)

    def step(self) -> list[Piece]:
        """Pass tokens once through the model, and return what came to answers."""
        step = self.schedule.step()
        for given_back in step.given_back:
            self._reader.forget(given_back.number)
        if not step.pieces:
            return []
        self._reader.copy(step.copies)
        stretches: list[Stretch] = []
        for sequence, count in step.pieces:
            start = sequence.num_kept
            is_last = start + count == len(sequence.tokens)
            table = sequence.held.table[: -(-(start + count) // PAGE)]
            stretches.append(Stretch(sequence.tokens[start : start + count], start, table, range(count - is_last, count), sequence.number))
        logits = self._reader.read(stretches)
        asked = list(enumerate(passed(step.pieces)))
        asked += [(row, other) for row, sequence in asked if sequence.num_made == 0 for other in self._forks(sequence)]
        likeliest: list[int] = logits.argmax(-1).tolist()
        return [self._answer(sequence, logits[row], likeliest[row]) for row, sequence in asked]

    def _forks(self, sequence: Answering) -> list[Answering]:
        """Return the other answers to a prompt that was read now."""
        found: list[Answering] = []
        for answer in range(1, sequence.asked.num_answers):
            other = Answering(
                self._numbered(), sequence.request, answer, sequence.asked, sequence.held.forked(), self._decode, is_whole=self._is_whole
            )
            other.num_kept = sequence.num_kept
            self._reader.fork(sequence.number, other.number)
            self._living[sequence.request].append(other)
            self.schedule.add_running(other)
            found.append(other)
        return found

    def _answer(self, sequence: Answering, logits_V: Any, likeliest: int) -> Piece:
        """Choose a sequence's next token."""
        asked = sequence.asked
        try:
            token = self._chosen(sequence, logits_V, likeliest)
            if sequence.constrained is not None and token not in asked.stop_tokens:
                sequence.constrained.take(token)
        except UnfollowableError as error:
            return self._end(sequence, None, sequence.text.end(), "failed", str(error))
        if token in asked.stop_tokens:
            text = sequence.text.end()
            return self._end(sequence, None, text, "stop", sequence.text.stop or token)
        told = self._told(token, logits_V, asked.num_logprobs)
        sequence.tokens.append(token)
        sequence.made[token] += 1
        text = sequence.text.add(token)
        if sequence.text.stop is not None:
            return self._end(sequence, told, text, "stop", sequence.text.stop)
        if sequence.constrained is not None and sequence.constrained.is_over:
            text += sequence.text.end()
            return self._end(sequence, told, text, "stop", sequence.text.stop)
        if sequence.num_made >= self._room(asked):
            text += sequence.text.end()
            return self._end(sequence, told, text, "length" if sequence.text.stop is None else "stop", sequence.text.stop)
        return Piece(sequence.request, sequence.answer, told, text)

    def _chosen(self, sequence: Answering, logits_V: Any, likeliest: int) -> int:
        sampling = sequence.asked.sampling
        if sequence.constrained is not None:
            logits_V = sequence.constrained.masked(logits_V, sequence.asked.stop_tokens)
        elif sampling.temperature == 0 and not sampling.changes_logits:
            return likeliest
        found = distribution(penalised(logits_V, sampling, sequence.given, sequence.made), sampling)
        chance = key_of("draw", sampling.seed, sequence.answer, sequence.num_made) / 2**64
        return drawn(found, chance)

    @staticmethod
    def _told(token: int, logits_V: Any, count: int | None) -> Told:
        if count is None:
            return Told(token)
        logprobs_V = logits_V.log_softmax(-1)
        top = logprobs_V.topk(count)
        return Told(token, float(logprobs_V[token]), list(zip(top.indices.tolist(), top.values.tolist(), strict=True)))

    def _end(self, sequence: Answering, told: Told | None, text: str, ending: Ending, stop: int | str | None) -> Piece:
        self._remove(sequence)
        others = self._living[sequence.request]
        others.remove(sequence)
        if not others:
            del self._living[sequence.request]
        return Piece(sequence.request, sequence.answer, told, text, ending, stop)

    def answers(self, requests: Sequence[Asked]) -> Iterator[Piece]:
        """Yield what comes to the answers of some requests, numbered in their order; nobody else must ask meanwhile."""
        numbers: dict[int, int] = {}
        try:
            for index, asked in enumerate(requests):
                numbers[self.ask(asked)] = index
            while not self.is_idle:
                for piece in self.step():
                    yield piece._replace(request=numbers[piece.request])
        finally:  # one may be refused, or nobody want the rest
            for number in numbers:
                self.abort(number)
