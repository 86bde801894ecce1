"""What a hostile program cannot use up, and that nothing of it is left."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kernels.evals.sandbox import programs


def num_running(marker: str) -> int:
    """Return how many processes of the machine have the marker among their arguments."""
    num_found = 0
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            num_found += marker.encode() in process.read_bytes()
        except OSError:
            continue
    return num_found


def children() -> list[str]:
    """Return the ids of this process's children, the dead ones too."""
    return [child for path in Path("/proc/self/task").glob("*/children") for child in path.read_text().split()]


def test_a_fork_bomb_stops_at_the_limit(run):
    program = """
        import os, time
        num_forks = 0
        try:
            while num_forks < 100:
                if os.fork() == 0:
                    time.sleep(60)
                num_forks += 1
        except BlockingIOError:
            print(num_forks)
    """
    assert run(program, num_processes=5) == (True, "passed", "4\n")


def test_a_fork_bomb_that_never_ends_is_over_in_time(run):
    started = time.monotonic()
    outcome = run("import os\nwhile True:\n try: os.fork()\n except OSError: pass", wall_seconds=1)
    assert outcome.ending == "timed_out"
    assert time.monotonic() - started < 10


def test_threads_count_as_processes(run):
    program = "import threading, time\nfor _ in range(20): threading.Thread(target=time.sleep, args=(5,), daemon=True).start()"
    assert "can't start new thread" in run(program).output


def test_of_endless_output_the_end_is_kept(run):
    outcome = run("number = 0\nwhile True: print(number); number += 1", wall_seconds=1, output_bytes=100)
    assert outcome.ending == "timed_out"
    assert len(outcome.output) == 100


def test_a_right_program_that_prints_much_passes(run):
    assert run("print('a' * 10**6)\nprint('end')", output_bytes=7) == (True, "passed", "aa\nend\n")


def test_endless_words_in_the_pipe_of_the_token_are_no_pass(run):
    assert run("import os\nwhile True: os.write(3, bytes(9999))", wall_seconds=1)[:2] == (False, "timed_out")


def test_an_endless_loop_ends_with_its_cpu_time(run):
    started = time.monotonic()
    assert run("while True: pass", cpu_seconds=1)[:2] == (False, "timed_out")
    assert time.monotonic() - started < 15


def test_a_program_that_ignores_the_end_of_its_cpu_time_is_killed(run):
    program = "import signal; signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass"
    assert run(program, cpu_seconds=1)[:2] == (False, "killed")


def test_a_sleeper_ends_with_its_wall_time(run):
    started = time.monotonic()
    assert run("import time; time.sleep(60)", wall_seconds=0.5)[:2] == (False, "timed_out")
    assert time.monotonic() - started < 10


def test_a_program_that_ignores_every_signal_ends_with_its_wall_time(run):
    program = "import signal, time\nfor number in range(1, 32):\n try: signal.signal(number, signal.SIG_IGN)\n except OSError: pass\ntime.sleep(60)"
    assert run(program, wall_seconds=0.5)[:2] == (False, "timed_out")


def test_a_memory_hog_gets_an_error(run):
    outcome = run("held = bytearray(1 << 30)", address_space_bytes=256 << 20)
    assert (outcome.ending, outcome.output.splitlines()[-1]) == ("failed", "MemoryError")


def test_a_huge_file_gets_an_error(run):
    outcome = run("open('huge', 'wb').write(bytes(3 << 20))", file_bytes=1 << 20)
    assert (outcome.ending, "File too large" in outcome.output or "No space left" in outcome.output) == ("failed", True)


def test_many_files_together_stay_within_the_limit(run):
    program = "for number in range(9): open(str(number), 'wb').write(bytes(300_000))"
    assert "No space left on device" in run(program, file_bytes=1 << 20).output


def test_deep_recursion_is_an_error_of_the_program(run):
    assert run("def deep(): deep()\ndeep()").output.splitlines()[-1].startswith("RecursionError")


def test_recursion_without_a_limit_ends_the_program_alone(run):
    program = "import sys; sys.setrecursionlimit(10**9)\nclass Deep:\n def __repr__(self): return repr(self)\nrepr(Deep())"
    assert run(program).ending in {"killed", "failed"}


SLEEPER = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, "-S", "-c", "import time; time.sleep(600)", "MARKER"])
    os._exit(0)
os.wait()
time.sleep(SECONDS)
"""


def test_a_daemon_does_not_outlive_its_program(run):
    marker = uuid.uuid4().hex
    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(run, SLEEPER.replace("MARKER", marker).replace("SECONDS", "2"))
        while not (num_seen := num_running(marker)) and not outcome.done():
            time.sleep(0.01)
        assert num_seen == 1
        assert outcome.result().passed
    assert num_running(marker) == 0


def test_a_program_does_not_outlive_a_parent_that_is_killed(run, limits):
    marker = uuid.uuid4().hex
    program = SLEEPER.replace("MARKER", marker).replace("SECONDS", "600")
    ours = "from kernels.evals.sandbox.programs import run_programs; from kernels.evals.sandbox.limits import Limits"
    command = [sys.executable, "-c", f"{ours}; run_programs([{program!r}], {limits._replace(wall_seconds=60)!r}, 1)"]
    with subprocess.Popen(command, cwd=Path(programs.__file__).parents[3]) as parent:
        seen = wait_for(lambda: num_running("time.sleep(600)\0" + marker) == 1)
        parent.kill()
    assert seen
    assert wait_for(lambda: num_running(marker) == 0)


def wait_for(true: Callable[[], bool]) -> bool:
    """Return whether it became true within ten seconds."""
    deadline = time.monotonic() + 10
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return true()


def test_the_parent_keeps_neither_open_files_nor_children(run):
    before = len(os.listdir("/proc/self/fd")), children()  # noqa: PTH208
    run("import os; os.fork()", wall_seconds=5)
    run("import time; time.sleep(60)", wall_seconds=0.3)
    assert (len(os.listdir("/proc/self/fd")), children()) == before  # noqa: PTH208
