"""How the tests of the sandbox run a program; they are skipped, with the reason, where the machine has no such walls."""

import textwrap
from collections.abc import Callable

import pytest

from kernels.evals.sandbox.limits import Limits, Outcome
from kernels.evals.sandbox.programs import lacking, run_programs


@pytest.fixture
def limits() -> Limits:
    """Enough for every honest program."""
    return Limits(cpu_seconds=10, wall_seconds=20, address_space_bytes=512 << 20, file_bytes=1 << 20, num_processes=8, output_bytes=4000)


@pytest.fixture
def run(limits: Limits) -> Callable[..., Outcome]:
    """A function that runs one program; limits are given by name."""
    if reason := lacking():
        pytest.skip(f"no sandbox: {reason}")

    def run(program: str, **other: float) -> Outcome:
        (outcome,) = run_programs([textwrap.dedent(program)], limits._replace(**other), 1)
        return outcome

    return run
