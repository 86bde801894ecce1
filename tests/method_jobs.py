"""Jobs of methods as tests give them: on a GPU where there is one, failing where words are said that no test expects.

What a dry run tells is a machine's own and said by every training: a test that is about it takes it by ``dry_runs``.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from kernels.specs.methods import MethodJob
from kernels.specs.needs import MethodNeed
from kernels.training.preflight import DRY_RUN
from resources.devices.leases import CUDA_ENVIRONMENT

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
if DEVICE == "cuda":
    os.environ.update(CUDA_ENVIRONMENT)  # as a leased process has it, before a product is made


def method_job(
    config: Any,
    paths: Mapping[MethodNeed, Path],
    out: Path,
    scratch: Path | None = None,
    report: Callable[[dict[str, float]], None] = lambda numbers: None,
    say: Callable[[str], Any] = pytest.fail,
    dry_runs: Callable[[str], Any] = lambda words: None,
) -> MethodJob:
    def told(words: str) -> None:
        (dry_runs if words.startswith(DRY_RUN) else say)(words)

    return MethodJob(config=config, paths=paths, out=out, scratch=scratch or out, device=DEVICE, report=report, say=told)
