"""What is asked of vLLM's engine, and what comes of it in the form of our own; see vllm.py."""

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kernels.inference.asking import Answers, Asked, Piece, Told, Use
from kernels.inference.stops import Growing
from kernels.specs.extras import Extra
from kernels.tokens.mixtures.permutation import key_of

EXTRA = Extra("vllm", "vllm")
LEAST_TEMPERATURE = 0.01
"""Below it vLLM takes it instead."""


def part(name: str) -> Any:
    """Return a module of vLLM's."""
    return importlib.import_module(f"{EXTRA.module}.{name}")


@dataclass(eq=False)
class _Under:
    """An answer under way."""

    request: int
    answer: int
    asked: Asked
    """With the continuation that it reads among its tokens."""
    text: Growing


class Vllm(Answers):
    """See vllm.py, and `kernels.inference.backends.backend.Answers`."""

    def __init__(self, library: Any, engine: Any, decode: Callable[[Sequence[int]], str], max_positions: int | None, most_kept_tokens: int) -> None:
        """Have no requests.

        Args:
            library: the module ``vllm``.
            engine: its ``LLMEngine``, in this process.
            decode: text of tokens.
            max_positions: how many tokens the model reads.
            most_kept_tokens: of all that is under way.
        """
        self._library, self._engine, self._decode = library, engine, decode
        self._max_positions, self._most_kept_tokens = max_positions, most_kept_tokens
        self._next, self._under = 0, dict[str, _Under]()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is asked."""
        return not self._under

    @property
    def use(self) -> Use:
        """What is in use. How often sequences gave blocks back vLLM does not tell."""
        pool = self._engine.engine_core.engine_core.scheduler.kv_cache_manager.block_pool
        count = pool.num_gpu_blocks - 1  # one stands for none
        return Use(num_pages=count, num_pages_used=count - pool.get_num_free_blocks())

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
            self._engine.add_request(name, {"prompt_token_ids": list(each.tokens)}, self._parameters(each, answer))
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

    def _parameters(self, asked: Asked, answer: int) -> Any:
        """Return a request as vLLM is told of it."""
        sampling = asked.sampling
        return self._library.SamplingParams(
            temperature=sampling.temperature,
            top_k=sampling.top_k,
            top_p=sampling.top_p,
            min_p=sampling.min_p,
            repetition_penalty=sampling.repetition_penalty,
            presence_penalty=sampling.presence_penalty,
            frequency_penalty=sampling.frequency_penalty,
            seed=key_of("draw", sampling.seed, answer) >> 1,  # which fits an int64
            max_tokens=max(1, asked.max_new_tokens),  # it makes one where none is wanted
            stop_token_ids=sorted(asked.stop_tokens),
            ignore_eos=True,
            logprobs=asked.num_logprobs if asked.max_new_tokens else None,
            prompt_logprobs=None if asked.first_told is None else asked.num_logprobs or 0,
            detokenize=False,
            output_kind=part("sampling_params").RequestOutputKind.DELTA,
        )

    def abort(self, number: int) -> None:
        """See `Engine.abort`."""
        names = [name for name, under in self._under.items() if under.request == number]
        for name in names:
            del self._under[name]
        self._engine.abort_request(names)

    def step(self) -> list[Piece]:
        """See `Engine.step`."""
        return [piece for output in self._engine.step() if output.request_id in self._under for piece in self._pieces(output)]

    def _pieces(self, output: Any) -> Iterator[Piece]:
        """Yield what an output of vLLM brings to an answer, whose end takes it away."""
        under, given = self._under[output.request_id], list[Told]()
        if under.asked.first_told is not None and output.prompt_logprobs:
            told = zip(under.asked.tokens, output.prompt_logprobs, strict=True)
            given = [_told(token, logprobs, under.asked.num_logprobs or 0) for token, logprobs in list(told)[under.asked.first_told :]]
        found = output.outputs[0]
        for index, token in enumerate(found.token_ids if under.asked.max_new_tokens else ()):
            is_last = found.finish_reason is not None and index == len(found.token_ids) - 1
            logprobs = found.logprobs[index] if under.asked.num_logprobs is not None else None
            yield self._piece(output.request_id, under, token, logprobs, is_last)._replace(given=given)
            given = []
            if output.request_id not in self._under:
                return
        if not under.asked.max_new_tokens and found.finish_reason is not None:
            del self._under[output.request_id]
            yield Piece(under.request, under.answer, None, "", "length", given=given)

    def _piece(self, name: str, under: _Under, token: int, logprobs: Any, is_last: bool) -> Piece:
        """Return what a token brings."""
        text, number = under.text, (under.request, under.answer)
        if token in under.asked.stop_tokens:
            del self._under[name]
            told = text.end()
            return Piece(*number, None, told, "stop", text.stop or token)
        what = Told(token) if logprobs is None else _told(token, logprobs, under.asked.num_logprobs or 0)
        told = text.add(token)
        if not is_last and text.stop is None:
            return Piece(*number, what, told)
        told += text.end()
        del self._under[name]
        if not is_last:
            self._engine.abort_request([name])
        return Piece(*number, what, told, "length" if text.stop is None else "stop", text.stop)


def _told(token: int, logprobs: Mapping[int, Any], count: int) -> Told:
    """Return a token with what vLLM says of its place: the likeliest, and the token itself where it is none of them."""
    ordered = sorted(logprobs.items(), key=lambda each: each[1].rank)
    return Told(token, logprobs[token].logprob, [(other, found.logprob) for other, found in ordered[:count]])
