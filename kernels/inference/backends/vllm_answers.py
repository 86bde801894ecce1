"""What is asked of vLLM's engine, and what comes of it in the form of our own; see vllm.py."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kernels.inference.asking import Answers, Asked, Piece, Told, Use
from kernels.inference.backends.vllm_calls import Calls
from kernels.inference.stops import Growing
from kernels.tokens.mixtures.permutation import key_of

Row = Sequence[tuple[int, float]]
"""Tokens of a place with their log-probabilities, the likeliest first."""
LEAST_TEMPERATURE = 0.01
"""Below it vLLM takes it instead."""


@dataclass(eq=False)
class _Under:
    """An answer under way."""

    request: int
    answer: int
    asked: Asked
    """With the continuation that it reads among its tokens."""
    text: Growing


class Vllm(Answers):
    """See vllm.py, and `kernels.inference.asking.Answers`."""

    def __init__(self, engine: Calls, decode: Callable[[Sequence[int]], str], max_positions: int | None, most_kept_tokens: int) -> None:
        """Have no requests.

        Args:
            engine: vLLM's.
            decode: text of tokens.
            max_positions: how many tokens the model reads.
            most_kept_tokens: of all that is under way.
        """
        self._engine, self._decode = engine, decode
        self._max_positions, self._most_kept_tokens = max_positions, most_kept_tokens
        self._next, self._under = 0, dict[str, _Under]()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is asked."""
        return not self._under

    @property
    def use(self) -> Use:
        """What is in use. How often sequences gave blocks back vLLM does not tell."""
        return Use(num_pages=self._engine.num_blocks, num_pages_used=self._engine.num_blocks - self._engine.num_free)

    def ask(self, asked: Asked) -> int:
        """See `kernels.inference.engine.Engine.ask`.

        Raises:
            ValueError: see there; or it asks for what vLLM does not do as we do (names it).
        """
        self._check(asked)
        number, self._next = self._next, self._next + 1
        if asked.continuations:
            whole = [[*asked.tokens, *behind] for behind in asked.continuations]
            told = [Asked(tokens=each, max_new_tokens=0, num_logprobs=asked.num_logprobs, first_told=len(asked.tokens)) for each in whole]
        else:
            told = [asked] * asked.num_answers
        for answer, each in enumerate(told):
            name = f"{number}-{answer}"
            self._engine.add(name, each.tokens, _sampling(each, answer))
            self._under[name] = _Under(number, answer, each, Growing(self._decode, each.stops))
        return number

    def _check(self, asked: Asked) -> None:
        if not asked.tokens:
            raise ValueError("a prompt has no token; give each at least one, such as the end of text")
        if asked.adapter is not None:
            raise ValueError(f"adapter {asked.adapter!r}: the back end vllm takes none; ask the back end own")
        if asked.constraint is not None:
            raise ValueError("constraint: the back end vllm does not hold answers to a grammar of ours; ask the back end own")
        if 0 < asked.sampling.temperature < LEAST_TEMPERATURE:
            raise ValueError(f"temperature: {asked.sampling.temperature}: vLLM takes none below {LEAST_TEMPERATURE} but 0; take either")
        length = len(asked.tokens) + max(map(len, asked.continuations), default=1) - 1
        if self._max_positions is not None and length > self._max_positions:
            raise ValueError(f"a prompt has {length} tokens, and the model reads {self._max_positions} at most; shorten it")
        most = max(length, len(asked.tokens) + asked.max_new_tokens - 1)
        if self._max_positions is not None:
            most = min(most, self._max_positions)
        if most > self._most_kept_tokens:
            raise ValueError(f"{most} tokens find no room in a cache of {self._most_kept_tokens}; ask for fewer, or give the cache more memory")

    def abort(self, number: int) -> None:
        """See `Engine.abort`."""
        names = [name for name, under in self._under.items() if under.request == number]
        for name in names:
            del self._under[name]
        self._engine.abort(names)

    def step(self) -> list[Piece]:
        """See `Engine.step`."""
        return [piece for output in self._engine.step() if output["name"] in self._under for piece in self._pieces(output)]

    def _pieces(self, output: dict[str, Any]) -> Iterator[Piece]:
        """Yield what an output of vLLM brings to an answer, whose end takes it away."""
        name, tokens = output["name"], output["tokens"]
        under, given = self._under[name], list[Told]()
        asked = under.asked
        if asked.first_told is not None and output["given"]:
            rows = list(zip(asked.tokens, output["given"], strict=True))[asked.first_told :]
            given = [_told(token, row, asked.num_logprobs or 0) for token, row in rows]
        for index, token in enumerate(tokens if asked.max_new_tokens else ()):
            row = None if asked.num_logprobs is None else output["logprobs"][index]
            yield self._piece(name, under, token, row, output["is_over"] and index == len(tokens) - 1)._replace(given=given)
            given = []
            if name not in self._under:
                return
        if not asked.max_new_tokens and output["is_over"]:
            del self._under[name]
            yield Piece(under.request, under.answer, None, "", "length", given=given)

    def _piece(self, name: str, under: _Under, token: int, row: Row | None, is_last: bool) -> Piece:
        """Return what a token brings."""
        text, number = under.text, (under.request, under.answer)
        if token in under.asked.stop_tokens:
            del self._under[name]
            told = text.end()
            return Piece(*number, None, told, "stop", text.stop or token)
        what = Told(token) if row is None else _told(token, row, under.asked.num_logprobs or 0)
        told = text.add(token)
        if not is_last and text.stop is None:
            return Piece(*number, what, told)
        told += text.end()
        del self._under[name]
        if not is_last:
            self._engine.abort([name])
        return Piece(*number, what, told, "length" if text.stop is None else "stop", text.stop)


def _told(token: int, row: Row, count: int) -> Told:
    """Return a token with what vLLM says of its place: the likeliest, and the token itself where it is none of them."""
    return Told(token, dict(row)[token], [(other, logprob) for other, logprob in row[:count]])


def _sampling(asked: Asked, answer: int) -> dict[str, Any]:
    """Return how an answer is drawn, by the keywords of vLLM's ``SamplingParams``."""
    sampling = asked.sampling
    return {
        "temperature": sampling.temperature,
        "top_k": sampling.top_k,
        "top_p": sampling.top_p,
        "min_p": sampling.min_p,
        "repetition_penalty": sampling.repetition_penalty,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "seed": key_of("draw", sampling.seed, answer) >> 1,  # which fits an int64
        "max_tokens": max(1, asked.max_new_tokens),  # it makes one where none is wanted
        "stop_token_ids": sorted(asked.stop_tokens),
        "ignore_eos": True,
        "logprobs": asked.num_logprobs if asked.max_new_tokens else None,
        "prompt_logprobs": None if asked.first_told is None else asked.num_logprobs or 0,
    }
