"""How fast a training goes and how much memory it holds, told by clocks: never part of what a checkpoint holds.

The steps of the last seconds count, so that a training that slows down is seen to do so, however long it has been fast.
"""

import os
import resource
import sys
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from kernels.training.costs.peak import mfu

WINDOW_SECONDS = 10.0
"""Of steps that speed is of; one step at least."""
_STATM, _STATUS = Path("/proc/self/statm"), Path("/proc/self/status")
_MEGABYTE = 1e6


class Speed:
    """Seconds and tokens of steps. What is spent on telling (validations, states) counts apart."""

    def __init__(self, flops_per_token: float, peak_flops: float, clock: Callable[[], float] = time.perf_counter) -> None:
        """Count from now on.

        Args:
            flops_per_token: of the model in training, where a step tells no other.
            peak_flops: of the machine's matrix products, a second; who measures more later on may say so.
            clock: seconds.
        """
        self._flops_per_token, self.peak_flops, self._clock = flops_per_token, peak_flops, clock
        self._last = clock()
        self._recent: deque[tuple[int, float, float]] = deque()
        self._recent_tokens, self._recent_seconds, self._recent_flops = 0, 0.0, 0.0
        self.num_tokens, self.seconds, self.told_seconds, self._flops = 0, 0.0, 0.0, 0.0

    def count(self, num_tokens: int, flops_per_token: float | None = None) -> None:
        """Tell that a step has ended, how many tokens it read, and what each took where that is not what most take."""
        now = self._clock()
        seconds, self._last = max(now - self._last, 1e-9), now
        flops = num_tokens * (self._flops_per_token if flops_per_token is None else flops_per_token)
        self.num_tokens, self.seconds, self._flops = self.num_tokens + num_tokens, self.seconds + seconds, self._flops + flops
        self._recent.append((num_tokens, seconds, flops))
        self._recent_tokens += num_tokens
        self._recent_seconds += seconds
        self._recent_flops += flops
        while len(self._recent) > 1 and self._recent_seconds - self._recent[0][1] >= WINDOW_SECONDS:
            dropped = self._recent.popleft()
            self._recent_tokens -= dropped[0]
            self._recent_seconds -= dropped[1]
            self._recent_flops -= dropped[2]

    @contextmanager
    def telling(self) -> Generator[None]:
        """Count the time of a block as told and not as trained."""
        began = self._clock()
        try:
            yield
        finally:
            now = self._clock()
            self.told_seconds += now - began
            self._last += now - began

    def recent(self) -> dict[str, float]:
        """Return tokens a second and share of the peak, of the last steps. There was a step."""
        seconds = max(self._recent_seconds, 1e-9)  # sums of what came and went are not exact
        share = mfu(self._recent_flops, seconds, self.peak_flops)
        return {"tokens_per_second": self._recent_tokens / seconds, "mfu": share}

    def mean(self) -> dict[str, float]:
        """Return the same of all steps since the start of this process; nothing before the first."""
        if not self.num_tokens:
            return {}
        share = mfu(self._flops, self.seconds, self.peak_flops)
        return {"tokens_per_second": self.num_tokens / self.seconds, "mfu": share}


def memory(device: str) -> dict[str, float]:
    """Return what this process holds of the machine's memory and the most that it held, in MB, and the same of tensors on a GPU.

    What it holds now is told where the system tells (Linux).
    """
    found: dict[str, float] = {}
    with suppress(OSError):
        found["memory_mb"] = int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / _MEGABYTE
    found["peak_memory_mb"] = max(peak_host_bytes() / _MEGABYTE, *found.values(), 0.0)  # the system's peak lags behind
    if device == "cuda":
        import torch

        told = torch.cuda.memory_stats()
        held, most = told["allocated_bytes.all.current"], told["allocated_bytes.all.peak"]
        found |= {"device_memory_mb": held / _MEGABYTE, "peak_device_memory_mb": most / _MEGABYTE}
    return found


def peak_host_bytes() -> int:
    """Return the most memory of the machine that this process has held.

    On Linux as its own pages are counted (proc(5), ``VmHWM``): the ``ru_maxrss`` of a process begins with the peak of the one that launched it.
    """
    with suppress(OSError):
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
