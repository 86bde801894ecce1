"""Our engine against llama.cpp, CTranslate2, vLLM's build for CPUs and Transformers on SmolLM2-135M-Instruct: how fast each answers, and how true.

Run by ``make bench NAME=serving``. Tokens a second by the wall clock and, in brackets, by the CPU: those made behind one prompt of 32 tokens alone
and behind 16 at once, and those read of a prompt of 512; on one core and on two, each side a process of its own that is bound to them, the best of
three after a warm-up. Beside it the largest memory of that process, what loading takes included, the mean divergence of next-token distributions from
the float32 model's over 4,096 positions of real documents that nothing was chosen by, in thousandths of a nat, and how often both have the same token
on top.

The goals hold for weights of 8 bits against all peers of 8 bits and more, and for those of 4 bits against all peers: at 16 sequences and in reading a
prompt 1.25 times the fastest of llama.cpp, CTranslate2 and vLLM, alone .8 of llama.cpp. ``ratio`` is the least share of a goal, 1 where all are met,
by the wall clock, which counts on a quiet machine alone; ``ratio_cpu`` is that by CPU seconds on the first number of cores, 1 unless others are asked
for (``NAME="serving 1"``: one core alone). Transformers is there without a goal.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from resources.storage.home import Home
from tests.bench.serving_peers import PEERS, VLLM, python_of, write_all
from tests.locations import PROJECT


class Entry(NamedTuple):
    """A side as it is asked."""

    side: str
    form: str
    bits: int
    """Of weights."""
    has_truth: bool = True

    @property
    def is_ours(self) -> bool:
        """Whether it is our own engine."""
        return self.side == "ours"


ENTRIES = (
    Entry("ours", "own:int8", 8),
    Entry("ours", "own:int4", 4),
    Entry("ours", "own:bfloat16", 16),
    Entry("llama.cpp", "Q8_0", 8),
    Entry("llama.cpp", "Q4_0", 4),
    Entry("llama.cpp", "IQ4_NL", 4),
    Entry("CTranslate2", "int8", 8),
    Entry("vLLM", "bfloat16", 16, has_truth=False),
    Entry("Transformers", "bfloat16", 16),
)
GOALS = {"sixteen": 1.25, "prefill": 1.25, "alone": 0.8}
RIVALS = {"sixteen": ("llama.cpp", "CTranslate2", "vLLM"), "prefill": ("llama.cpp", "CTranslate2", "vLLM"), "alone": ("llama.cpp",)}
SIDE_SECONDS = 900

Found = dict[Entry, dict[int, dict[str, Any]]]


def run(python: Path, entry: Entry, folder: Path, threads: int, asked: str) -> dict[str, Any]:
    """Return what one process of a side tells. Raises RuntimeError: it failed (with what it said)."""
    command = [str(python), "-W", "ignore", "-m", "tests.bench.serving_sides", entry.side, entry.form, str(folder), str(threads), asked]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    found = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False, timeout=SIDE_SECONDS)
    if found.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {found.returncode}: {found.stderr[-2000:]}")
    return json.loads(found.stdout.strip().splitlines()[-1])


def pythons(cache: Path) -> dict[str, Path]:
    """Return the Python of each side; vLLM's is left out where it cannot be had, and why is told."""
    found = {"ours": Path(sys.executable), "Transformers": Path(sys.executable)}
    found["llama.cpp"] = found["CTranslate2"] = python_of(PEERS, cache)
    try:
        found["vLLM"] = python_of(VLLM, cache)
    except RuntimeError as error:
        print(f"vLLM is left out: {error}", flush=True)
    return found


def ratios(found: Found, clock: str, threads: int) -> dict[str, float]:
    """Return, of each goal and number of bits, ours by the fastest of the peers that have as many bits, or where ours are the fewest any."""
    told: dict[str, float] = {}
    for ours in (entry for entry in found if entry.is_ours and entry.bits <= 8):
        for goal, rivals in RIVALS.items():
            peers = [each for each in found if each.side in rivals and each.bits >= ours.bits]
            best = max(found[each][threads][clock][goal] for each in peers)
            told[f"{goal}, {ours.bits} bits, {threads} cores"] = found[ours][threads][clock][goal] / best
    return told


def share(told: dict[str, float]) -> float:
    """Return the least share of a goal."""
    return min(ratio / GOALS[name.partition(",")[0]] for name, ratio in told.items())


def table(found: Found, truths: dict[Entry, dict[str, float]], threads: int) -> None:
    """Print what all sides came to."""
    print(f"\n{threads} core{'s' * (threads > 1)}, tokens a second (a CPU second)")
    print(f"{'':26}{'alone':>14}{'16 sequences':>16}{'prefill':>16}{'MB':>8}{'divergence':>12}{'same top':>10}")
    for entry, runs in found.items():
        told, true = runs[threads], truths.get(entry)
        speeds = [f"{told['wall'][goal]:.0f} ({told['cpu'][goal]:.0f})" for goal in ("alone", "sixteen", "prefill")]
        truth = f"{true['divergence'] * 1e3:>12.2f}{true['equal']:>10.1%}" if true else ""
        print(f"{entry.side + ' ' + entry.form:26}{speeds[0]:>14}{speeds[1]:>16}{speeds[2]:>16}{told['peak_mb']:>8.0f}{truth}", flush=True)


def main(counts: list[int]) -> None:
    """Measure all sides on some numbers of cores, and print the tables, the ratios and the JSON line."""
    cache = Home.resolve(PROJECT / ".mill", os.environ).package_cache
    folder = cache / "serving"
    folder.mkdir(parents=True, exist_ok=True)
    asked = pythons(folder)
    write_all(folder, cache, asked["llama.cpp"])
    found: Found = {}
    truths: dict[Entry, dict[str, float]] = {}
    for entry in (entry for entry in ENTRIES if entry.side in asked):
        print(f"{entry.side} {entry.form} ...", flush=True)
        found[entry] = {threads: run(asked[entry.side], entry, folder, threads, "speed") for threads in counts}
        if entry.has_truth:
            truths[entry] = run(asked[entry.side], entry, folder, counts[-1], "truth")
    for threads in counts:
        table(found, truths, threads)
    by_wall = {name: ratio for threads in counts for name, ratio in ratios(found, "wall", threads).items()}
    for name, ratio in by_wall.items():
        print(f"{name}: {ratio:.2f} times the fastest peer (goal {GOALS[name.partition(',')[0]]})")
    first = counts[0]
    best = {is_ours: max(runs[first]["wall"]["sixteen"] for entry, runs in found.items() if entry.is_ours is is_ours) for is_ours in (True, False)}
    peak_mb = max(runs[first]["peak_mb"] for entry, runs in found.items() if entry.is_ours and entry.bits <= 8)
    line = {"name": "serving", "ours": best[True], "peer": best[False], "ratio": share(by_wall), "unit": "tokens/s"}
    print(json.dumps({**line, "peak_mb": peak_mb, "ratio_cpu": share(ratios(found, "cpu", first)), "ratios": by_wall}))


if __name__ == "__main__":
    main([int(count) for count in sys.argv[1:]] or list(range(1, min(2, len(os.sched_getaffinity(0))) + 1)))
