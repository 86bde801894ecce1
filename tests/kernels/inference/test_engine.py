"""Whatever is answered beside it, however its tokens are parted, whether pages run out or hold its beginning already: an answer is the same."""

import random
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from kernels.inference.asking import Asked, Piece
from kernels.inference.engine import Engine
from kernels.inference.engines import engine_of
from kernels.inference.guessing.draft import Draft
from kernels.inference.guessing.guesser import Grows, Guesser
from kernels.inference.guessing.lookup import Lookup
from kernels.inference.readers.paged_decoder import PagedDecoder
from kernels.inference.sampling import Sampling, distribution, drawn, penalised
from kernels.models.blocks.decoder import Decoder
from kernels.models.formats.checkpoints import LanguageModel
from kernels.tokens.mixtures.permutation import key_of
from tests.kernels.inference.readers.test_paged_decoder import VOCABULARY, made, whole
from tests.kernels.inference.readers.test_readers import mamba, t5
from tests.kernels.models.blocks.test_wrapped import FAMILIES, SIZES
from tests.kernels.models.blocks.test_wrapped import made as made_by_transformers

STOP = 5


def text_of(tokens: Any) -> str:
    return "".join(chr(97 + token % 26) for token in tokens)


def engine(module: Decoder, num_pages: int, **settings: Any) -> Engine:
    reader = PagedDecoder(module, num_pages, torch.float32)
    return Engine(reader, text_of, num_pages=num_pages, max_positions=module.shape.max_positions, **settings)


class Wild:
    """Guesses that are right now and then."""

    def __init__(self) -> None:
        self.chance = random.Random(3)

    def guess(self, answers: Sequence[Grows]) -> list[list[int]]:
        return [[self.chance.choice((each.tokens[-1], self.chance.randrange(9))) for _ in range(self.chance.randrange(5))] for each in answers]

    def forget(self, number: int) -> None:
        assert number


def guesser(kind: str, module: Decoder) -> Guesser | None:
    if kind in ("draft", "draft of few pages"):
        num_pages = 40 if kind == "draft" else 5
        return Draft(PagedDecoder(module, num_pages, torch.float32), num_pages=num_pages, count=3, most_tokens=12)
    return {"wild": Wild, "lookup": lambda: Lookup(4)}.get(kind, lambda: None)()


def alone(module: Decoder, asked: Asked, answer: int) -> list[int]:
    """Return an answer by passing all of its text through the module that learned, for each token anew."""
    from collections import Counter

    tokens, made_here = list(asked.tokens), list[int]()
    while len(made_here) < asked.max_new_tokens:
        logits = whole(module, tokens, asked.first_told or len(asked.tokens))[-1]
        chance = key_of("draw", asked.sampling.seed, answer, len(made_here)) / 2**64
        found = distribution(penalised(logits, asked.sampling, Counter(asked.tokens), Counter(made_here)), asked.sampling)
        token = drawn(found, chance)
        if token in asked.stop_tokens:
            break
        tokens.append(token)
        made_here.append(token)
        if any(stop in text_of(made_here) for stop in asked.stops):
            break
    return made_here


def request(chance: random.Random, beginnings: list[list[int]]) -> Asked:
    sampling = chance.choice(
        (Sampling(temperature=0), Sampling(seed=chance.randrange(99)), Sampling(temperature=0.7, top_k=9, top_p=0.9, repetition_penalty=1.3, seed=3))
    )
    tokens = [*chance.choice(beginnings), *(chance.randrange(VOCABULARY) for _ in range(chance.randrange(1, 12)))]
    return Asked(
        tokens=tokens,
        max_new_tokens=chance.randrange(1, 12),
        sampling=sampling,
        stop_tokens=frozenset({STOP}),
        stops=chance.choice(((), ("ab", "q"))),
        num_answers=chance.choice((1, 1, 3)),
        first_told=chance.choice((None, None, 1, len(tokens) - 1)) if len(tokens) > 1 else None,
        num_logprobs=chance.choice((None, 2)),
    )


@pytest.mark.parametrize(
    ("kind", "num_pages", "most_tokens"),
    [
        ("plain", 64, 512),
        ("few pages", 9, 24),
        ("small steps", 40, 5),
        ("prefix", 12, 16),
        ("alibi", 12, 16),
        ("wild", 12, 24),
        ("lookup", 12, 24),
        ("draft", 12, 24),
        ("draft of few pages", 64, 24),
        ("invariant", 12, 24),
    ],
)
def test_answers_are_those_of_each_request_alone(kind: str, num_pages: int, most_tokens: int) -> None:
    changes: dict[str, Any] = {"prefix": {"attention": "prefix"}, "alibi": {"positions": "alibi"}}.get(kind, {})
    module, chance = made(**changes), random.Random(2)
    found = engine(
        module,
        num_pages,
        most_tokens=most_tokens,
        most_sequences=8,
        reads_prompts_whole=kind == "prefix",
        is_invariant=kind == "invariant",
        guesser=guesser(kind, module),
    )
    beginnings = [[chance.randrange(VOCABULARY) for _ in range(length)] for length in (0, 20, 40)]
    waiting = [request(chance, beginnings) for _ in range(40)]
    asked: dict[int, Asked] = {}
    answers: dict[tuple[int, int], list[Piece]] = {}
    gone: set[int] = set()
    while waiting or not found.is_idle:
        for _ in range(chance.randrange(4)):
            if waiting:
                each = waiting.pop()
                asked[found.ask(each)] = each
        if asked and chance.random() < 0.05:
            number = chance.choice(list(asked))
            found.abort(number)
            gone.add(number)
        for piece in found.step():
            answers.setdefault((piece.request, piece.answer), []).append(piece)
        running = [each.held.table for each in (*found.schedule.running, *found.schedule.waiting)]
        found.pages.check(running)
    assert found.pages.num_free == num_pages and (found.schedule.num_given_back > 0) == (num_pages < 20)
    assert (found.num_guessed_right > 0) == (kind in ("wild", "lookup", "draft", "draft of few pages"))
    for number, each in asked.items():
        if each.first_told is not None and number not in gone:
            given = [told for piece in answers[number, 0] for told in piece.given]
            logprobs = whole(module, list(each.tokens), each.first_told).log_softmax(-1)
            assert [told.token for told in given] == list(each.tokens[each.first_told :])
            for place, told in enumerate(given, each.first_told):
                assert told.logprob == pytest.approx(float(logprobs[place - 1, told.token]), abs=1e-4)
                assert [token for token, _ in told.likeliest] == logprobs[place - 1].topk(each.num_logprobs or 0).indices.tolist()
        for answer in range(each.num_answers):
            pieces = answers.get((number, answer), [])
            if pieces and pieces[-1].ending is not None:
                tokens = [piece.told.token for piece in pieces if piece.told is not None]
                assert tokens == alone(module, each, answer)
                text = "".join(piece.text for piece in pieces)
                expected = text_of(tokens)
                assert text == min((expected.partition(stop)[0] for stop in each.stops), key=len, default=expected)
            else:
                assert number in gone


KINDS: dict[str, Any] = {
    "pages of Transformers": lambda: made_by_transformers("Qwen2", **SIZES),
    "states of Mamba-2": mamba,
    "an encoder-decoder": t5,
    "a decoder without an interface": FAMILIES["eager attention"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_several_answers_to_a_prompt_are_each_what_it_is_by_itself_however_models_keep_what_they_read(kind: str) -> None:
    lm = LanguageModel(KINDS[kind](), SimpleNamespace(decode=lambda tokens, **_: text_of(tokens)), "cpu")
    chance = random.Random(4)
    prompts = [[chance.randrange(3, VOCABULARY) for _ in range(length)] for length in (21, 5, 37)]
    prompts.append([*prompts[2], 3])
    requests = [Asked(tokens=prompt, max_new_tokens=9, sampling=Sampling(seed=place), num_answers=3) for place, prompt in enumerate(prompts)]

    def answered(some: list[Asked], most_kept_tokens: int) -> list[list[int]]:
        found = engine_of(lm, most_kept_tokens=most_kept_tokens, most_tokens=8)
        tokens: dict[tuple[int, int], list[int]] = {}
        for piece in found.answers(some):
            assert piece.told is not None
            tokens.setdefault((piece.request, piece.answer), []).append(piece.told.token)
        assert found.pages.num_free == found.pages.count
        return [tokens[key] for key in sorted(tokens)]

    together = answered(requests, 144)
    assert together == [answer for each in requests for answer in answered([each], 1000)]
    assert len({tuple(answer) for answer in together}) == 12


@pytest.mark.parametrize("kind", KINDS)
def test_a_prompt_that_was_read_before_is_answered_as_before_however_models_keep_what_they_read(kind: str) -> None:
    lm = LanguageModel(KINDS[kind](), SimpleNamespace(decode=lambda tokens, **_: text_of(tokens)), "cpu")
    found = engine_of(lm, most_kept_tokens=256)
    asked = Asked(tokens=list(range(3, 43)), max_new_tokens=6, sampling=Sampling(temperature=0))
    once, again = [[piece.told for piece in found.answers([asked])] for _ in range(2)]
    assert once == again


def test_a_request_that_is_refused_leaves_nothing_of_those_before_it() -> None:
    found = engine(made(), 8)
    with pytest.raises(ValueError, match="a prompt has 97 tokens, and the model reads 96 at most"):
        list(found.answers([Asked(tokens=[1, 2], max_new_tokens=3), Asked(tokens=[1] * 97, max_new_tokens=3)]))
    with pytest.raises(ValueError, match="max_new_tokens: 0 asks for nothing"):
        Asked(tokens=[1], max_new_tokens=0)
    with pytest.raises(ValueError, match="90 tokens find no room in a cache of 64"):
        engine(made(), 4).ask(Asked(tokens=[1], max_new_tokens=90))
    assert found.is_idle and found.pages.num_free == 8


def test_where_nothing_may_depend_on_what_is_beside_it_not_one_bit_does() -> None:
    module, chance = made(positions="alibi"), random.Random(5)
    beginning = [chance.randrange(VOCABULARY) for _ in range(66)]
    requests = [
        Asked(
            tokens=[*beginning[: chance.choice((3, 40, 66))], *(chance.randrange(VOCABULARY) for _ in range(chance.randrange(2, 9)))],
            max_new_tokens=chance.randrange(21),
            sampling=Sampling(seed=seed),
            num_logprobs=2,
            first_told=1,
            num_answers=chance.choice((1, 2)),
        )
        for seed in range(12)
    ]

    def said(requests: list[Asked], num_pages: int, most_tokens: int) -> tuple[list[Any], int]:
        found = engine(module, num_pages, is_invariant=True, most_tokens=most_tokens)
        told: dict[tuple[int, int], list[Any]] = {}
        for piece in found.answers(requests):
            told.setdefault((piece.request, piece.answer), []).extend([*piece.given, piece.told])
        return [told[key] for key in sorted(told)], found.schedule.num_given_back

    apart = [answer for each in requests for answer in said([each], 20, 512)[0]]
    together, num_given_back = said(requests, 14, 100)
    assert together == apart and num_given_back > 0
    with pytest.raises(ValueError, match="guesses and invariance exclude each other"):
        engine(module, 4, is_invariant=True, guesser=Lookup(2))


def test_what_several_requests_begin_with_is_read_once_though_they_come_together() -> None:
    module, beginning = made(), [index % VOCABULARY for index in range(49)]
    found = engine(module, 64, most_tokens=20)
    read: list[int] = []
    reader, count = found._reader.read, lambda stretches: read.append(sum(len(each.tokens) for each in stretches))
    found._reader.read = lambda stretches: (count(stretches), reader(stretches))[1]  # pyright: ignore[reportAttributeAccessIssue]
    list(found.answers([Asked(tokens=[*beginning, last], max_new_tokens=0, first_told=49) for last in range(5)]))
    assert sum(read) == 49 + 4
    read.clear()
    list(found.answers([Asked(tokens=[*beginning, last, 1], max_new_tokens=1) for last in range(5)]))
    assert sum(read) == 5 * 3


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "pages of Transformers"])
def test_where_what_was_guessed_cannot_be_taken_back_guesses_are_refused(kind: str) -> None:
    lm = LanguageModel(KINDS[kind](), SimpleNamespace(decode=lambda tokens, **_: text_of(tokens)), "cpu")
    with pytest.raises(ValueError, match="what was guessed cannot be taken back"):
        engine_of(lm, most_kept_tokens=100, guesser=Lookup(2))
