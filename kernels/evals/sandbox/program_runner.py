"""What the interpreter of one program does: read it from standard input, run it as ``__main__``, and tell that its end was reached.

The text of this file goes to a new interpreter by ``-c``; it needs the standard library alone. The one-time token that tells the end stands behind
no name: the program's callers are C functions, whose frames a program cannot read, and the functions that write the token were looked up before.
"""

import collections
import functools
import operator
import os
import sys
import types
from collections.abc import Callable

REPORT = 3
"""The file descriptor that takes `STARTED` and then the token."""
STARTED = b"s"
NUM_TOKEN_BYTES = 32


def steps() -> "tuple[Callable[[], object], ...]":
    """Return what is to be done one after the other."""
    given = sys.stdin.buffer.read()
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    told = functools.partial(os.write, REPORT, given[:NUM_TOKEN_BYTES])
    return (functools.partial(run, given[NUM_TOKEN_BYTES:], main), told)


def run(program: bytes, main: types.ModuleType) -> None:
    """Run a program in the names of a module."""
    os.write(REPORT, STARTED)
    exec(compile(program, "<program>", "exec", dont_inherit=True), main.__dict__)


if __name__ == "__main__":
    collections.deque(map(operator.call, steps()), maxlen=0)
