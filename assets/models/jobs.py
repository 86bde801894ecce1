"""Jobs on behalf of a cell: a device leased, a process launched, and results that outlive a kill until the cell stands.

A result is a folder that a seal beside it names: its files with their hashes, written last. What is sealed is never computed again.
"""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assets.graph.build import Workplace
from kernels.training.states.seals import fault_of, files_of, seal_folder, words_of
from resources.devices.jobs import RESULT_FILE, Job, Request, World, meeting_in
from resources.devices.leases import num_cores, visible_gpus
from resources.devices.nodes import gathered_crew, network_environment

WORKER = "assets.orchestration.worker"
SEAL = ".sealed.json"


def run_job(place: Workplace, whose: str, scratch: Path, request: Request, world: World) -> Any:
    """Have a request fulfilled by child processes that hold a device each, and return its result. ``whose`` says what the devices are held for."""
    (scratch / RESULT_FILE).unlink(missing_ok=True)
    gpus = [] if world.device == "cpu" else visible_gpus()
    if world.device == "cuda" and not gpus:
        raise RuntimeError("the recipe asks for a GPU ('run: {device: cuda}') and this machine has none; take 'auto' or another machine")
    home = place.home
    with gathered_crew(home.nodes, home.leases, gpus, world.num_processes, world.num_nodes, whose, place.starter) as crew:
        meeting = meeting_in(scratch, world.num_processes, crew.meeting_host)
        threads = max(1, num_cores() // len(crew.leases))
        job = Job(request=request, scratch=scratch, device=crew.leases[0].device, num_threads=threads, meeting=meeting)
        environments = [{**lease.environment, **network_environment(crew.meeting_host)} for lease in crew.leases]
        place.launch(WORKER, job.save(), environments, place.observe, crew.nodes)
    return json.loads((scratch / RESULT_FILE).read_text())


def fresh_folder(folder: Path) -> Path:
    """Return an empty folder, whatever an attempt that was killed left there."""
    shutil.rmtree(folder, ignore_errors=True)
    seal_of(folder).unlink(missing_ok=True)
    folder.mkdir(parents=True)
    return folder


def seal_of(folder: Path) -> Path:
    """Return where the seal of a result is."""
    return folder.with_name(folder.name + SEAL)


def seal(folder: Path, summary: Mapping[str, Any]) -> None:
    """Mark a result as whole, with what is to be known of it."""
    seal_folder(folder, seal_of(folder), summary)


def sealed_summary(folder: Path) -> dict[str, Any] | None:
    """Return what is known of a result, None where it is not whole or its files are not those that were sealed."""
    return None if fault_of(folder, seal_of(folder)) else words_of(seal_of(folder))


def link_result(folder: Path, draft: Path) -> None:
    """Put a sealed result's files into a draft without copying them, where the file system can; they stay in both places.

    Raises:
        FileNotFoundError: another run has made the cell meanwhile and taken the result away.
    """
    for name in files_of(seal_of(folder)):
        target = draft / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(folder / name, target)
        except OSError:
            shutil.copyfile(folder / name, target)
