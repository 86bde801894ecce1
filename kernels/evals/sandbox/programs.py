"""Runs programs that a model wrote, as HumanEval and MBPP do, each in an interpreter and namespaces of its own; never outside of them.

A program passes when it ran past its last statement and its interpreter then ended with status 0 in time: only then has the one-time token come
through a pipe. Leaving early (``sys.exit(0)``, ``os._exit(0)``), printing, overriding builtins or ``os.write``, and tracing do not send it. The token
is in the interpreter's memory, though: a program that searches its own heap (``gc.get_objects``, ctypes) can find and send it, so that "passed"
is no proof against a program written to cheat this very runner; nor can any verdict be that is spoken in the program's own process. It also
can change what its own assertions mean, for they run beside it.

Not bounded: memory in sum, but by processes times address space (`Limits`), for control groups are not ours; and holes of the kernel itself.
"""

import functools
import json
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kernels.evals.sandbox.limits import Limits, Outcome

_HOUSE = Path(__file__).parents[3]
_START = "import sys; sys.path.insert(0, sys.argv[1]); from kernels.evals.sandbox.keeper import serve; serve()"
_PROBE_LIMITS = Limits(cpu_seconds=10, wall_seconds=20, address_space_bytes=1 << 30, file_bytes=1 << 20, num_processes=4, output_bytes=2000)
_PROBE = """
import os, socket, time
shown = [path for path in ("/proc/self", "/etc/passwd", "/home", "/root/.bashrc", "/var") if os.path.exists(path)]
assert not shown, f"programs see {shown}"
try:
    socket.socket().connect(("127.0.0.1", 9))
    raise AssertionError("programs reach the network")
except PermissionError:
    pass
num_forks = 0
try:
    while num_forks < 32:
        if os.fork() == 0:
            time.sleep(60)
        num_forks += 1
except BlockingIOError:
    pass
assert num_forks == 3, f"of 3 processes a program can start {num_forks}"
"""
_REMEDY = (
    "programs that a model wrote run only on Linux 5.14 or later, x86-64 or aarch64, as root with CAP_SYS_ADMIN or where users may make namespaces: "
    "look at sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone (1) and kernel.apparmor_restrict_unprivileged_userns (0); "
    "in Docker, give --privileged or a seccomp profile that allows unshare, mount and pivot_root"
)


@functools.cache
def lacking() -> str | None:
    """Return why this machine cannot hold hostile programs, with the remedy; None where it can, which a program has then tried."""
    try:
        reason = _probe()
    except (OSError, RuntimeError) as error:
        reason = str(error)
    return f"{reason}; {_REMEDY}" if reason else None


def run_programs(programs: Sequence[str], limits: Limits, num_workers: int) -> list[Outcome]:
    """Return what became of each program, in their order; ``num_workers`` run side by side.

    Raises:
        ValueError: a limit or ``num_workers`` is not above 0.
        RuntimeError: this machine cannot hold hostile programs, or the limits do not let the interpreter start.
    """
    if num_workers < 1 or min(limits) <= 0:
        raise ValueError(f"{num_workers} workers within {limits}: give each more than 0")
    if reason := lacking():
        raise RuntimeError(reason)
    return _run_all(programs, limits, num_workers)


def _probe() -> str | None:
    """Try the walls with a program that looks for holes; return what it found."""
    (outcome,) = _run_all([_PROBE], _PROBE_LIMITS, 1)
    if outcome.passed:
        return None
    return f"a program that tries the sandbox {outcome.ending.replace('_', ' ')}: {(outcome.output.strip() or 'no output').splitlines()[-1]}"


def _run_all(programs: Sequence[str], limits: Limits, num_workers: int) -> list[Outcome]:
    waiting = deque(enumerate(programs))
    outcomes: dict[int, Outcome] = {}

    def work() -> None:
        with _Keeper(limits) as keeper:
            while waiting:
                try:
                    index, program = waiting.popleft()
                except IndexError:
                    return
                outcomes[index] = keeper.run(program)

    with ThreadPoolExecutor(num_workers) as pool:
        try:
            for worker in [pool.submit(work) for _ in range(min(num_workers, len(programs)))]:
                worker.result()
        finally:
            waiting.clear()
    return [outcomes[index] for index in range(len(programs))]


class _Keeper:
    """A process that runs programs one by one (`kernels.evals.sandbox.keeper`); it is gone, with its program, when the block ends."""

    def __init__(self, limits: Limits) -> None:
        command = [sys.executable, "-I", "-S", "-c", _START, str(_HOUSE)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={}, text=True, encoding="utf-8")
        self._limits = limits

    def __enter__(self) -> Self:
        try:
            self._ask(self._limits)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def run(self, program: str) -> Outcome:
        """Return what became of a program. Raises RuntimeError where it could not be run."""
        answer = self._ask(program)
        return Outcome(answer["ending"] == "passed", answer["ending"], answer["output"])

    def _ask(self, message: object) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"error": "the process that keeps the programs was killed"}')
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer
