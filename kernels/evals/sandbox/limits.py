"""What one program may use, and what became of it."""

from typing import Literal, NamedTuple

Ending = Literal["passed", "failed", "timed_out", "killed"]
"""It ran past its last statement; it ended by itself before that; its time was over; a signal ended it (a crash, a limit)."""


class Limits(NamedTuple):
    """What one program may use. Its processes share the wall clock, the folder and the output; the other limits are each process's own."""

    cpu_seconds: int
    wall_seconds: float
    """Counted from the making of the sandbox, which takes milliseconds."""
    address_space_bytes: int
    """Of each process, so that a program takes at most ``num_processes`` times as much, and its files."""
    file_bytes: int
    """Of each file, and of all files of the working folder together, which lies in memory."""
    num_processes: int
    """Threads count as processes, and the program itself is one."""
    output_bytes: int
    """How much of the end of the output is kept; what stands before it is dropped."""


class Outcome(NamedTuple):
    """What became of a program."""

    passed: bool
    ending: Ending
    output: str
    """The end of what it wrote to standard output and standard error, bytes that are no UTF-8 replaced."""
