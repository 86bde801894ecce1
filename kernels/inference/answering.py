"""An answer that grows: what of its request was read, what is next, and how the token that follows is chosen."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from kernels.inference.asking import Asked, Told
from kernels.inference.cache.pages import PAGE
from kernels.inference.cache.sequences import Held
from kernels.inference.sampling import Sampling, distribution, drawn, penalised
from kernels.inference.stops import Growing
from kernels.tokens.mixtures.permutation import key_of

STRIDE = 64
"""Tokens of a prompt that pass together where what they are read beside must change nothing; a whole number of pages."""


class Answering:
    """See the module. A `kernels.inference.scheduling.Read`."""

    def __init__(
        self,
        number: int,
        arrival: tuple[int, int],
        asked: Asked,
        held: Held,
        decode: Callable[[Sequence[int]], str],
        *,
        is_whole: bool,
        is_invariant: bool,
    ) -> None:
        """Have read nothing.

        Args:
            number: of all answers.
            arrival: numbers of the request, and of the answer among its answers.
            asked: the request.
            held: pages.
            decode: text of tokens.
            is_whole: whether tokens of a prompt see those behind them.
            is_invariant: whether tokens must pass in the same strides, whatever else is read.
        """
        self.number, self.arrival, self.asked, self.held = number, arrival, asked, held
        self.tokens = list(asked.tokens if asked.max_new_tokens or asked.continuations else asked.tokens[:-1])
        self.num_given, self.num_kept, self.num_told = len(self.tokens), 0, asked.first_told or len(asked.tokens)
        self.guessed: list[int] = []
        self._together = min(self.num_told, self.num_given) if is_whole else 0
        self._is_invariant = is_invariant
        self.made: Counter[int] = Counter()
        self._given = Counter(asked.tokens) if asked.sampling.repetition_penalty != 1 else Counter[int]()
        self.text = Growing(decode, asked.stops)
        self.constrained = None if asked.constraint is None else asked.constraint.begin()

    @property
    def num_made(self) -> int:
        """How many tokens were made."""
        return len(self.tokens) - self.num_given

    @property
    def num_findable(self) -> int:
        """How many of its first tokens may be taken from what others read: what follows the rest is asked."""
        if self._together:
            return 0
        return self.first_asked()

    @property
    def unit(self) -> int:
        """What are taken from others come in multiples of so many tokens."""
        return STRIDE if self._is_invariant else PAGE

    @property
    def num_shown(self) -> int | None:
        """How many of its first tokens others may take; None for all."""
        return self.num_given if self._is_invariant else None

    @property
    def together(self) -> int:
        """How many tokens must pass together next; 0 where it may be any number."""
        if self._together:
            return self._together if self.num_kept == 0 else 0
        if not self._is_invariant:
            return 0
        return min(STRIDE, self.num_given - self.num_kept) if self.num_kept < self.num_given else 1

    def first_asked(self) -> int:
        """Return which token is the first that is asked what follows it: one of the prompt whose next one is to be told, or the last."""
        return (self.num_told if self.num_told < len(self.asked.tokens) else len(self.tokens)) - 1

    @property
    def sampling(self) -> Sampling:
        """How its tokens are chosen."""
        return self.asked.sampling

    def chance(self, ahead: int = 0) -> float:
        """Return the number from 0 to below 1 that the next token is drawn by, or one some tokens ahead: it follows from the request alone."""
        return key_of("draw", self.sampling.seed, self.arrival[1], self.num_made + ahead) / 2**64

    def chosen(self, logits_V: Any, likeliest: int) -> int:
        """Return the next token, and have the constraint follow it.

        Raises:
            UnfollowableError: the constraint cannot be followed.
        """
        sampling = self.sampling
        if self.constrained is not None:
            logits_V = self.constrained.masked(logits_V, self.asked.stop_tokens)
        elif sampling.temperature == 0 and not sampling.changes_logits:
            return likeliest
        token = drawn(distribution(penalised(logits_V, sampling, self._given, self.made), sampling), self.chance())
        if self.constrained is not None and token not in self.asked.stop_tokens:
            self.constrained.take(token)
        return token

    def add(self, token: int) -> str:
        """Take a token, and return what text is sure now."""
        self.tokens.append(token)
        self.made[token] += 1
        return self.text.add(token)

    @property
    def is_over(self) -> bool:
        """Whether nothing may follow."""
        return self.text.stop is not None or (self.constrained is not None and self.constrained.is_over)


def told(token: int, logits_V: Any, count: int | None) -> Told:
    """Return a token with what a model thought of it, given its logits.

    Args:
        token: that came.
        logits_V: of what comes.
        count: of the likeliest tokens that are told beside it; None tells nothing.
    """
    return Told(token) if count is None else told_together([token], logits_V[None], count)[0]


def told_together(tokens: Sequence[int], logits_TV: Any, count: int | None) -> list[Told]:
    """Return tokens of a prompt with what a model thought of each, given the logits before each. Arguments: see `told`."""
    import torch

    if not tokens:
        return []
    norms_T = logits_TV.logsumexp(-1)
    logprobs = (logits_TV.gather(-1, torch.tensor(tokens, device=logits_TV.device)[:, None])[:, 0] - norms_T).tolist()
    if not count:
        return [Told(token, logprob) for token, logprob in zip(tokens, logprobs, strict=True)]
    top = logits_TV.topk(count)
    rows = zip(tokens, logprobs, top.indices.tolist(), (top.values - norms_T[:, None]).tolist(), strict=True)
    return [Told(token, logprob, list(zip(indices, values, strict=True))) for token, logprob, indices, values in rows]
