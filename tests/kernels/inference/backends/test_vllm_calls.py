"""vLLM's process is asked and heard rightly, whatever it prints and however it ends: by a module that stands in for vLLM."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from kernels.inference.asking import Answers, Asked, Piece, Told
from kernels.inference.backends.backend import Room
from kernels.inference.backends.choosing import opened
from kernels.inference.backends.vllm_calls import VARIABLE, Calls
from kernels.inference.sampling import Sampling
from tests.kernels.inference.backends.test_backends import llama
from tests.kernels.inference.backends.vllm_stand_in import BODY, put_python

ROOM = Room(640, 64, 16)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv(VARIABLE, str(put_python(tmp_path, BODY, sys.executable)))
    return opened("vllm", llama(head_dim=32), ROOM)


def of_answers(engine: Answers, *requests: Asked) -> dict[tuple[int, int], list[Piece]]:
    found: dict[tuple[int, int], list[Piece]] = {}
    for piece in engine.answers(requests):
        found.setdefault((piece.request, piece.answer), []).append(piece)
    assert engine.is_idle and engine.use.num_pages_used == 0
    return found


def test_what_is_made_and_told_comes_to_those_who_asked(engine: Any) -> None:
    greedy = Sampling(temperature=0)
    found = of_answers(
        engine,
        Asked(tokens=[5], max_new_tokens=3, sampling=greedy, num_answers=2),
        Asked(tokens=[9, 20], max_new_tokens=9, sampling=greedy, stop_tokens=frozenset({23})),
        Asked(tokens=[5, 7, 8], max_new_tokens=0, num_logprobs=2, first_told=1),
        Asked(tokens=[5, 7], max_new_tokens=0, continuations=[[30], [40, 41]]),
        Asked(tokens=[5], max_new_tokens=1, sampling=greedy, num_logprobs=2),
    )
    made = {key: [piece.told.token for piece in pieces if piece.told is not None] for key, pieces in found.items()}
    assert made == {(0, 0): [6, 7, 8], (0, 1): [6, 7, 8], (1, 0): [21, 22], (2, 0): [], (3, 0): [], (3, 1): [], (4, 0): [6]}
    assert (found[1, 0][-1].ending, found[1, 0][-1].stop, found[0, 0][-1].ending) == ("stop", 23, "length")
    given = {key: [told for piece in pieces for told in piece.given] for key, pieces in found.items()}
    assert given[2, 0] == [Told(7, -1.0, [(7, -1.0), (8, -2.0)]), Told(8, -1.0, [(8, -1.0), (9, -2.0)])]
    assert [[told.token for told in given[3, answer]] for answer in (0, 1)] == [[30], [40, 41]]
    assert found[4, 0][0].told == Told(6, -1.0, [(6, -1.0), (7, -2.0)])


def test_who_gives_up_leaves_nothing_behind(engine: Any) -> None:
    number = engine.ask(Asked(tokens=[5], max_new_tokens=50, num_answers=3))
    assert engine.use.num_pages_used == 3
    engine.step()
    engine.abort(number)
    assert engine.is_idle and engine.use.num_pages_used == 0


def test_what_vllm_refuses_is_told_and_others_are_answered(engine: Any) -> None:
    with pytest.raises(ValueError, match="the prompt is too long for vLLM"):
        engine.ask(Asked(tokens=[1] * 41, max_new_tokens=1))
    assert len(of_answers(engine, Asked(tokens=[5], max_new_tokens=2))[0, 0]) == 2


def test_the_process_is_no_member_of_our_group_so_that_an_interrupt_leaves_it_and_ends_with_its_engine(engine: Any) -> None:
    process = engine._engine._process
    assert os.getpgid(process.pid) != os.getpgid(0)
    process.stdin.close()
    assert process.wait(20) == 0


def test_a_process_that_is_lost_is_told_with_how_it_ended(engine: Any) -> None:
    answers = engine.answers([Asked(tokens=[5], max_new_tokens=12)] * 2)
    next(answers)
    engine._engine._process.kill()
    engine._engine._process.wait()
    with pytest.raises(RuntimeError, match="vLLM's process ended with code -9: what a library prints is no answer"):
        list(answers)
    assert all(stream.closed for stream in (engine._engine._process.stdin, engine._engine._process.stdout, engine._engine._log))


def test_heads_that_vllm_has_no_kernel_for_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(put_python(tmp_path, BODY, sys.executable)))
    with pytest.raises(ValueError, match="heads are 16 wide, and on a CPU vLLM reads those of 32, 64"):
        opened("vllm", llama(), ROOM)


def test_where_no_vllm_is_known_its_place_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "python"))
    with pytest.raises(ValueError, match=r"MILL_VLLM is .*python, which cannot be run; let it name the Python of vLLM's environment"):
        opened("vllm", llama(head_dim=32), ROOM)
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ValueError, match=r"no Python that has vLLM is known; .* let MILL_VLLM name ENV/bin/python"):
        opened("vllm", llama(head_dim=32), ROOM)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("raise ModuleNotFoundError('no vllm')", r"vLLM's process ended with code 1: (?s:.*)ModuleNotFoundError: no vllm"),
        ("__version__ = '0.99.1'", r"vLLM 0\.99\.1 is installed there, and 0\.32 is what is known how to ask"),
    ],
)
def test_a_python_that_has_no_vllm_or_another_is_refused(body: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(put_python(tmp_path, body, sys.executable)))
    with pytest.raises((RuntimeError, ValueError), match=told):
        Calls({})
