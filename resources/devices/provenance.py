"""With what a cell is made: the commit of these sources, versions of libraries, the device. Looked up once a process."""

import functools
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from resources.devices.leases import count_gpus, num_cores

PROJECT = Path(__file__).parents[2]
DISTRIBUTIONS = tuple(
    """modelmill accelerate datatrove deepspeed numba numpy polars pyarrow spacy tokenizers torch trafilatura
    transformers safetensors""".split()  # noqa: SIM905 (lines of names read better)
)
"""Those that can change the bytes of an artifact."""


@functools.cache
def commit() -> str | None:
    """Return the commit of these sources, with ``+changes`` where files differ from it; None where they are no git checkout."""
    try:
        head, changed = (_git(*words) for words in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no")))
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{head}+changes" if changed else head


def _git(*words: str) -> str:
    command = ["git", "-C", str(PROJECT), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()


@functools.cache
def libraries() -> dict[str, str]:
    """Return the installed versions of `DISTRIBUTIONS`."""
    found: dict[str, str] = {}
    for name in DISTRIBUTIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def python() -> str:
    """Return the version of Python and the system that it runs on."""
    return f"{platform.python_version()} {platform.system()} {platform.machine()}"


@functools.cache
def device(uses_gpu: bool) -> str:
    """Return what computes: ``cpu x 2`` or ``cuda``."""
    return "cuda" if uses_gpu and count_gpus() else f"cpu x {num_cores()}"
