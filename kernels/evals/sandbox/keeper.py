"""The process between us and the programs: it enters the walls once and then runs one program after the other, each in new namespaces.

It is started by `kernels.evals.sandbox.programs` with the standard library alone and speaks JSON, a line a message: limits come first, then programs;
it answers each with ``ending`` and ``output``, or ``error`` where it cannot go on.
"""

import contextlib
import json
import os
import secrets
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from kernels.evals.sandbox import program_runner, walls
from kernels.evals.sandbox.limits import Ending, Limits
from kernels.evals.sandbox.program_runner import NUM_TOKEN_BYTES, REPORT, STARTED
from kernels.evals.sandbox.system_calls import Kernel, this_kernel
from kernels.evals.sandbox.watching import Stream, watch

_ENVIRONMENT = {"PYTHONHASHSEED": "0", "LANG": "C.UTF-8"}
_CHUNK_BYTES = 1 << 16


class _Keeper(NamedTuple):
    kernel: Kernel
    limits: Limits
    user: int
    processes: int
    """An open ``/proc``, for the users of new namespaces."""
    command: list[str]


class _Pipes(NamedTuple):
    """Both ends of what joins keeper and program; ``channel`` joins the keeper and the first process of the namespaces."""

    given: tuple[int, int]
    output: tuple[int, int]
    report: tuple[int, int]
    channel: tuple[socket.socket, socket.socket]


def serve() -> None:
    """Answer messages of standard input until it ends."""
    try:
        limits = Limits(*json.loads(sys.stdin.readline()))
        keeper = _enter(limits)
        _answer({})
        for line in sys.stdin:
            ending, output = _run(keeper, json.loads(line).encode("utf-8", "surrogatepass"))
            _answer({"ending": ending, "output": output.decode("utf-8", "replace")})
    except (OSError, RuntimeError) as error:
        _answer({"error": str(error)})


def _answer(message: dict[str, str]) -> None:
    print(json.dumps(message), flush=True)


def _enter(limits: Limits) -> _Keeper:
    kernel = this_kernel()
    processes = os.open("/proc", os.O_PATH | os.O_DIRECTORY)
    runner = Path(program_runner.__file__).read_text(encoding="utf-8")
    # -s, -S and -P: no site-packages and no folder of scripts; -B: nothing is compiled to disk
    command = [walls.interpreter(), "-sSPB", "-X", "utf8", "-c", runner]
    user = walls.enter(kernel)
    kernel.die_with_parent()
    # with a handler in Python the first process of a namespace could be interrupted by a program; without any it cannot
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _Keeper(kernel, limits, user, processes, command)


def _run(keeper: _Keeper, program: bytes) -> tuple[Ending, bytes]:
    """Run one program to its end or to the end of its time; afterwards no process of it is left.

    Raises:
        RuntimeError: the program did not begin.
    """
    deadline = time.monotonic() + keeper.limits.wall_seconds
    token = secrets.token_bytes(NUM_TOKEN_BYTES)
    pipes = _Pipes(os.pipe(), os.pipe(), os.pipe(), socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET))
    first = keeper.kernel.fork_into(walls.NAMESPACES)
    if first == 0:
        _be_first(keeper, pipes, token + program)
    output = Stream(pipes.output[0], num_last=keeper.limits.output_bytes)
    report = Stream(pipes.report[0], num_first=len(STARTED) + NUM_TOKEN_BYTES + 1)
    try:
        _close(*pipes.given, pipes.output[1], pipes.report[1], pipes.channel[1].detach())
        walls.give_user(keeper.processes, first, keeper.user)
        pipes.channel[0].send(b"go")
        verdict = watch(pipes.channel[0], (output, report), deadline)
    finally:
        # the kernel kills every other process of the namespace with its first one, and lets us wait until all are gone
        os.kill(first, signal.SIGKILL)
        os.waitpid(first, 0)
        for stream in (output, report):
            stream.read_all()
        _close(output.end, report.end, pipes.channel[0].detach())
    return _ending(verdict, bytes(report.first), token), bytes(output.last)


def _ending(verdict: bytes | None, report: bytes, token: bytes) -> Ending:
    """Return how a program ended. Raises RuntimeError where it did not begin."""
    message: dict[str, Any] = json.loads(verdict) if verdict else {}
    if "error" in message:
        raise RuntimeError(message["error"])
    if not report.startswith(STARTED):
        raise RuntimeError("the interpreter did not start within the limits; raise address_space_bytes, cpu_seconds or wall_seconds")
    if not message:
        return "timed_out" if verdict is None else "killed"
    status = message["status"]
    if os.WIFSIGNALED(status):
        return "timed_out" if os.WTERMSIG(status) == signal.SIGXCPU else "killed"
    return "passed" if status == 0 and report == STARTED + token else "failed"


def _be_first(keeper: _Keeper, pipes: _Pipes, given: bytes) -> NoReturn:
    """Be the first process of the new namespaces: start the program, bury all that dies there, and end when the program has ended."""
    channel = pipes.channel[1]
    try:
        pipes.channel[0].close()
        if not channel.recv(_CHUNK_BYTES):
            os._exit(1)
        walls.settle(keeper.kernel, keeper.limits)
        program = os.fork()
        if program == 0:
            _become_program(keeper, pipes)
        _close(pipes.given[0], *pipes.output, *pipes.report)
        with contextlib.suppress(BrokenPipeError), os.fdopen(pipes.given[1], "wb") as pipe:
            pipe.write(given)
        while (ended := os.wait())[0] != program:
            pass
        channel.send(json.dumps({"status": ended[1]}).encode())
    except BaseException as error:
        channel.send(json.dumps({"error": str(error)}).encode())
    finally:
        os._exit(0)


def _become_program(keeper: _Keeper, pipes: _Pipes) -> NoReturn:
    for end, number in ((pipes.given[0], 0), (pipes.output[1], 1), (pipes.output[1], 2), (pipes.report[1], REPORT)):
        os.dup2(end, number)
    walls.limit(keeper.limits)
    keeper.kernel.refuse_calls()
    os.execve(keeper.command[0], keeper.command, _ENVIRONMENT)


def _close(*ends: int) -> None:
    for end in ends:
        os.close(end)
