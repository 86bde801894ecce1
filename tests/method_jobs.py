"""Jobs of methods as tests give them: on the CPU, failing where words are said that no test expects."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from kernels.specs.methods import MethodJob
from kernels.specs.needs import MethodNeed


def method_job(
    config: Any,
    paths: Mapping[MethodNeed, Path],
    out: Path,
    scratch: Path | None = None,
    report: Callable[[dict[str, float]], None] = lambda numbers: None,
    say: Callable[[str], Any] = pytest.fail,
) -> MethodJob:
    return MethodJob(config=config, paths=paths, out=out, scratch=scratch or out, device="cpu", report=report, say=say)
