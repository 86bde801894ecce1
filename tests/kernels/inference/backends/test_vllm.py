"""vLLM answers as our own engine does where nothing is drawn, tells the same of tokens, and refuses what it would do otherwise."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import torch

from kernels.inference.asking import Answers, Asked, Piece
from kernels.inference.backends.backend import Room
from kernels.inference.backends.choosing import opened
from kernels.inference.backends.vllm_calls import lacking
from kernels.inference.constraints import Constraint
from kernels.inference.sampling import Sampling
from kernels.models.formats.checkpoints import LanguageModel
from kernels.models.formats.writing import write_model
from tests.kernels.inference.backends.test_backends import NUM_NEW, NUM_PROMPTS, answers, distance, llama, prompts

GREEDY, ROOM = Sampling(temperature=0), Room(640, 64, 16)
NEAR = 1e-3
"""How near two tokens' logits stand where rounding may have another one win."""


@pytest.fixture(scope="module")
def lm() -> LanguageModel:
    return llama(head_dim=32)


@pytest.fixture(scope="module")
def theirs(lm: LanguageModel) -> Answers:
    if (words := lacking()) is not None:
        pytest.skip(f"vLLM is not here; to run them, see the test: {words}")
    return opened("vllm", lm, ROOM)


@pytest.fixture(scope="module")
def ours(lm: LanguageModel) -> Answers:
    return opened("own", lm, ROOM)


def whole(engine: Answers, *requests: Asked) -> list[Any]:
    """Return of each answer its tokens, text, ending and stop, and what was told of tokens, rounded."""
    found: dict[tuple[int, int], list[Piece]] = {}
    for piece in engine.answers(requests):
        found.setdefault((piece.request, piece.answer), []).append(piece)
    assert engine.is_idle
    return [(key, *_summary(pieces)) for key, pieces in sorted(found.items())]


def _summary(pieces: list[Piece]) -> tuple[Any, ...]:
    told, given = [each.told for each in pieces if each.told is not None], [told for each in pieces for told in each.given]
    known = [
        (each.token, None if each.logprob is None else pytest.approx(each.logprob, abs=1e-3), [token for token, _ in each.likeliest])
        for each in (*told, *given)
    ]
    return "".join(each.text for each in pieces), pieces[-1].ending, pieces[-1].stop, len(told), known


def test_it_takes_the_tokens_that_the_reference_takes_but_where_two_are_all_but_as_likely(lm: LanguageModel, theirs: Answers) -> None:
    expected = answers(lm, "transformers", None, GREEDY, Room(10_000))
    found: dict[int, list[int]] = {}
    for piece in theirs.answers([Asked(tokens=tokens, max_new_tokens=NUM_NEW, sampling=GREEDY) for tokens in prompts()]):
        assert piece.told is not None
        found.setdefault(piece.request, []).append(piece.told.token)
    same = 0
    for number, prompt in enumerate(prompts()):
        other = expected[number, 0]
        place = next((index for index in range(NUM_NEW) if found[number][index] != other[index]), None)
        same += place is None
        if place is not None:
            assert distance(lm, [*prompt, *other[:place]], found[number][place], other[place]) < NEAR, (number, place)
    print(f"the same tokens behind {same} of {NUM_PROMPTS} prompts")
    assert same >= 0.9 * NUM_PROMPTS


@pytest.mark.parametrize(
    "asked",
    [
        Asked(tokens=[5, 9, 2], max_new_tokens=12, sampling=GREEDY, num_logprobs=3),
        Asked(tokens=[5, 9, 2], max_new_tokens=12, sampling=GREEDY, num_logprobs=0, num_answers=2),
        Asked(tokens=[5, 9, 2, 8, 7], max_new_tokens=3, sampling=GREEDY, num_logprobs=2, first_told=2),
        Asked(tokens=[5, 9, 2, 8, 7], max_new_tokens=0, first_told=1),
        Asked(tokens=[5, 9, 2], max_new_tokens=0, num_logprobs=2, continuations=[[4], [8, 7, 1], [3, 3]]),
        Asked(
            tokens=[5, 9, 2], max_new_tokens=9, sampling=Sampling(temperature=0, repetition_penalty=1.3, presence_penalty=0.5, frequency_penalty=0.2)
        ),
        Asked(tokens=[*range(1, 127)], max_new_tokens=50, sampling=GREEDY),
        Asked(tokens=[*range(1, 129)], max_new_tokens=0, first_told=1),
    ],
    ids=["likeliest", "several answers", "of the prompt too", "of the prompt alone", "continuations", "penalties", "to the end", "a whole context"],
)
def test_what_comes_and_what_is_told_of_it_is_what_our_own_engine_says(theirs: Answers, ours: Answers, asked: Asked) -> None:
    assert whole(theirs, asked) == whole(ours, asked)


def test_strings_and_tokens_end_an_answer_where_they_end_ours(theirs: Answers, ours: Answers) -> None:
    asked = Asked(tokens=[5, 9, 2], max_new_tokens=12, sampling=GREEDY)
    [(_, text, *_, known)] = whole(ours, asked)
    for ends in ({"stops": [text[4:6]]}, {"stops": [text[11]]}, {"stop_tokens": frozenset({known[5][0]})}, {"stops": ["no such"]}):
        changed = replace(asked, **cast(Any, ends))
        assert whole(theirs, changed) == whole(ours, changed)


def test_draws_follow_from_a_requests_seed_whatever_is_asked_beside_it(theirs: Answers) -> None:
    asked = Asked(tokens=[5, 9, 2], max_new_tokens=12, sampling=Sampling(temperature=1.0, seed=3), num_answers=2)
    alone = whole(theirs, asked)
    beside = whole(theirs, asked, *(Asked(tokens=tokens, max_new_tokens=5) for tokens in prompts()[:9]))
    assert [each[1:] for each in alone] == [each[1:] for each in beside[:2]] and alone[0][1] != alone[1][1]


def test_who_gives_up_leaves_nothing_behind(theirs: Answers) -> None:
    before = theirs.use.num_pages_used
    number = theirs.ask(Asked(tokens=[5, 9, 2], max_new_tokens=50, num_answers=3))
    theirs.step()
    assert theirs.use.num_pages_used > before
    theirs.abort(number)
    theirs.abort(number)
    assert theirs.is_idle and theirs.use.num_pages_used == before


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (lambda: Asked(tokens=[], max_new_tokens=1), "a prompt has no token"),
        (lambda: Asked(tokens=[1], max_new_tokens=1, constraint=cast(Constraint, object())), "does not hold answers to a grammar"),
        (lambda: Asked(tokens=[1], max_new_tokens=1, sampling=Sampling(temperature=0.001)), "vLLM takes none below 0.01 but 0"),
        (lambda: Asked(tokens=[1] * 129, max_new_tokens=1), "a prompt has 129 tokens, and the model reads 128 at most"),
    ],
)
def test_what_it_would_do_otherwise_is_refused(theirs: Answers, asked: Callable[[], Asked], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        theirs.ask(asked())


def test_models_that_it_would_not_read_as_they_are_are_refused(theirs: Answers) -> None:
    with pytest.raises(ValueError, match="heads are 16 wide, and on a CPU vLLM reads those of 32"):
        opened("vllm", llama(), ROOM)
    with pytest.raises(ValueError, match="rotary positions of the kind dynamic depend on how many there are"):
        opened("vllm", llama(head_dim=32, rope_parameters={"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}), ROOM)
    narrow = llama(head_dim=32)
    narrow.model.to(torch.bfloat16)
    assert whole(opened("vllm", narrow, ROOM), Asked(tokens=[1, 2], max_new_tokens=3, sampling=GREEDY))[0][4] == 3


def test_what_is_read_from_the_files_of_a_checkpoint_is_the_model(lm: LanguageModel, theirs: Answers, tmp_path: Path) -> None:
    write_model(lm.model, tmp_path)
    asked = Asked(tokens=[5, 9, 2], max_new_tokens=12, sampling=GREEDY, num_logprobs=3)
    assert whole(opened("vllm", lm._replace(weights_in=tmp_path), ROOM), asked) == whole(theirs, asked)


def test_a_process_that_is_lost_is_told_with_what_it_wrote(theirs: Answers, lm: LanguageModel) -> None:
    engine: Any = opened("vllm", lm, ROOM)
    engine.ask(Asked(tokens=[5, 9, 2], max_new_tokens=12))
    engine._engine._process.kill()
    with pytest.raises(RuntimeError, match="vLLM's process ended with code -9"):
        engine.step()
