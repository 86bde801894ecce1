"""Only a program that ran past its last statement has passed."""

import json

import pytest

from kernels.evals.sandbox import programs
from kernels.evals.sandbox.limits import Limits


@pytest.fixture
def forgetful():
    """What `lacking` remembers is forgotten before and after."""
    programs.lacking.cache_clear()
    yield
    programs.lacking.cache_clear()


def test_a_right_program_passes_and_its_output_is_kept(run):
    assert run("print('né')\nassert sorted([2, 1]) == [1, 2]") == (True, "passed", "né\n")


def test_a_program_is_main_with_its_names_in_that_module(run):
    program = """
        import sys
        from dataclasses import dataclass
        @dataclass
        class Point:
            x: "int"
        assert __name__ == "__main__" and sys.modules["__main__"].Point is Point
    """
    assert run(program).passed


def test_a_program_longer_than_a_pipe_holds_passes(run):
    assert run("total = 0\n" + "total += 1\n" * 20_000 + "assert total == 20_000").passed


@pytest.mark.parametrize("program", ["assert False", "1 / 0", "def broken(", "\0", "\udc80 = 1", "raise SystemExit(3)"])
def test_an_error_is_failed(run, program: str):
    assert run(program)[:2] == (False, "failed")


def test_the_error_is_in_the_output(run):
    assert run("assert 1 == 2, 'unlike'").output.endswith("AssertionError: unlike\n")


LEAVING_EARLY = {
    "sys.exit": "import sys; sys.exit(0)",
    "os._exit": "import os; os._exit(0)",
    "raise SystemExit": "raise SystemExit",
    "a thread that leaves": "import os, threading; threading.Thread(target=os._exit, args=(0,)).start()\nwhile True: pass",
    "exec of another program": "import os, sys; os.execv(sys.executable, [sys.executable, '-c', ''])",
    "exit while the interpreter ends": "import atexit, os; atexit.register(os._exit, 0); raise ValueError",
    "a hook for errors": "import os, sys; sys.excepthook = lambda *error: os._exit(0); raise ValueError",
    "fork, of which the parent leaves": "import os\nif os.fork(): os._exit(0)\nassert False",
    "words in every pipe": "import os\nfor end in range(1, 9):\n try: os.write(end, b's' + bytes(32))\n except OSError: pass\nos._exit(0)",
    "another os.write": "import os; os.write = lambda *given: 0; assert False",
    "other builtins": "import builtins; builtins.exec = builtins.compile = builtins.map = lambda *given, **named: None; assert False",
    "a tracer": "import sys; sys.settrace(lambda *given: None); sys._getframe(1).f_trace = print; sys.exit(0)",
}


@pytest.mark.parametrize("way", LEAVING_EARLY)
def test_leaving_early_is_not_passing(run, way: str):
    assert run(LEAVING_EARLY[way] + "\nassert False")[:2] == (False, "failed")


def test_no_name_in_the_callers_of_a_program_holds_the_token(run):
    program = """
        import sys, types
        frame, seen = sys._getframe(1), 0
        while frame:
            for value in [*frame.f_locals.values(), *frame.f_globals.values(), *frame.f_code.co_consts]:
                assert not (isinstance(value, bytes) and len(value) == 32), value
                assert type(value).__name__ not in ("partial", "map"), value
                seen += 1
            frame = frame.f_back
        assert seen > 10
    """
    assert run(program) == (True, "passed", "")


def test_the_token_cannot_be_read_again_from_standard_input(run):
    assert run("import os\ntry: os.lseek(0, 0, 0); raise AssertionError\nexcept OSError: assert os.read(0, 99) == b''").passed


def test_a_crash_is_killed(run):
    assert run("import ctypes; ctypes.string_at(0)")[:2] == (False, "killed")


def test_programs_side_by_side_keep_their_order(run, limits):
    sleepers = [f"import time; time.sleep({0.2 if index % 3 == 0 else 0}); print({index})" for index in range(9)]
    outcomes = programs.run_programs(sleepers, limits, 3)
    assert [outcome.output for outcome in outcomes] == [f"{index}\n" for index in range(9)]


def test_sets_of_words_have_one_order_in_every_run(run):
    program = "print({f'{number}' for number in range(99)})"
    assert run(program) == run(program)


def test_no_programs_are_no_outcomes(run, limits):
    assert programs.run_programs([], limits, 2) == []


def test_limits_in_which_no_interpreter_starts_are_an_error_and_no_verdict(run):
    with pytest.raises(RuntimeError, match="did not start within the limits; raise address_space_bytes"):
        run("pass", address_space_bytes=1 << 20)


@pytest.mark.parametrize(("cpu_seconds", "num_workers"), [(1, 0), (0, 1)])
def test_nothing_at_all_is_no_limit(limits: Limits, cpu_seconds: int, num_workers: int):
    with pytest.raises(ValueError, match="give each more than 0"):
        programs.run_programs(["pass"], limits._replace(cpu_seconds=cpu_seconds), num_workers)


def test_where_namespaces_are_refused_the_reason_is_told_and_nothing_runs(forgetful, limits, monkeypatch):
    refusal = json.dumps({"error": "Operation not permitted (unshare)"})
    monkeypatch.setattr(programs, "_START", f"print('{refusal}')")
    assert programs.lacking().startswith("Operation not permitted (unshare); ")
    assert "sysctl user.max_user_namespaces" in programs.lacking()
    with pytest.raises(RuntimeError, match="Operation not permitted"):
        programs.run_programs(["pass"], limits, 1)


def test_a_machine_whose_walls_have_a_hole_is_lacking(forgetful, run, monkeypatch):
    programs.lacking.cache_clear()
    monkeypatch.setattr(programs, "_PROBE", "assert False, 'programs see /home'")
    assert programs.lacking().startswith("a program that tries the sandbox failed: AssertionError: programs see /home; ")


def test_a_keeper_that_dies_is_an_error(run, monkeypatch):
    monkeypatch.setattr(programs, "_START", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(RuntimeError, match="the process that keeps the programs was killed"):
        run("pass")
