"""Nodes that Slurm or Ray has join a training, for as long as it runs.

What is started on each is the agent of `mill join`, for this run alone. The process that speaks to the cluster (node_host.py) finds in its folder:

    <folder>/nodes.json  what is asked         /host.log   what it wrote         /nodes.log   what Slurm's job did
"""

import json
import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from resources.devices.nodes import Starter
from resources.engines.engine import Engine, engine_from_json
from resources.engines.hosting import hosted, log_tail

FAREWELL_SECONDS = 10.0
"""How long nodes may take to end by themselves once the run is over."""


class Asked(NamedTuple):
    """Which nodes are to join which run."""

    announced: Path
    """Says how the run is reached."""
    leases: Path
    num_nodes: int
    num_devices: int
    """Of each node."""
    device: str
    """``cpu`` or ``cuda``."""


class Hosted:
    """The process that has nodes join, as seen from the run."""

    def __init__(self, folder: Path, descriptor: int) -> None:
        """Take the folder that it works in, and what is readable when it has ended."""
        self._folder, self._descriptor = folder, descriptor

    def fileno(self) -> int:
        """See `resources.devices.nodes.Started`."""
        return self._descriptor

    def fault(self) -> str:
        """See `resources.devices.nodes.Started`."""
        return log_tail(self._folder) or "their agents have ended"


def starter(engine: Engine) -> Starter | None:
    """Return what starts nodes, each time in a folder beside what is announced; None where somebody does by hand."""
    if engine.nodes == "join":
        return None

    @contextmanager
    def start(announced: Path, leases: Path, num_nodes: int, num_devices: int, device: str) -> Generator[Hosted]:
        place = announced.with_suffix("")
        place.mkdir()
        asked = Asked(announced, leases, num_nodes, num_devices, device)
        (place / "nodes.json").write_text(json.dumps({"engine": engine.to_json(), "asked": asked}, default=str))
        ended, held = os.pipe()
        try:
            with hosted("resources.engines.node_host", place, {}, [held]) as host:
                os.close(held)
                yield Hosted(place, ended)
                with suppress(subprocess.TimeoutExpired):
                    host.wait(FAREWELL_SECONDS)
        finally:
            os.close(ended)
        shutil.rmtree(place)

    return start


def read_asked(folder: Path) -> tuple[Engine, Asked]:
    """Return what is asked in a folder."""
    words = json.loads((folder / "nodes.json").read_text())
    announced, leases, *numbers = words["asked"]
    return engine_from_json(words["engine"]), Asked(Path(announced), Path(leases), *numbers)
