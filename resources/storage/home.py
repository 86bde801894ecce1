"""The one folder that holds all state of a deployment, and the lock that lets one planner work in it at a time.

<home>/lake      artifacts           <home>/embedded  data sets made from pinned packages
<home>/dagster   run and event logs  <home>/scratch   resumable state of unfinished training
<home>/data_docs Great Expectations  <home>/leases    which process holds which GPU
<home>/nodes     runs that wait for other machines to join them
<home>/wandb     offline runs of Weights & Biases, for models whose recipe asks for them
"""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from resources.storage.lake import Lake
from resources.storage.manifest import Cell

DOCS_URL = "http://127.0.0.1:3001"
"""Where ``mill ui`` serves Data Docs unless it is given another port."""


TURN_SECONDS = 1.0
"""How often one who waits for a lock looks again."""


class Busy(RuntimeError):
    """Another process holds the lock."""


@dataclass(frozen=True)
class Home:
    """Paths of one deployment. ``lake_url`` may be any fsspec URL; everything else is local."""

    root: Path
    lake_url: str
    package_cache: Path
    docs_url: str = DOCS_URL

    @classmethod
    def resolve(cls, default_root: Path, environment: Mapping[str, str]) -> "Home":
        """Return the home: ``MILL_HOME``, ``MILL_LAKE``, ``MILL_CACHE`` and ``MILL_DOCS_URL`` where set, else below ``default_root``."""
        root = Path(environment.get("MILL_HOME") or default_root).absolute()
        cache = Path(environment.get("MILL_CACHE") or Path.home() / ".cache" / "modelmill")
        lake_url = environment.get("MILL_LAKE") or str(root / "lake")
        return cls(root=root, lake_url=lake_url, package_cache=cache, docs_url=environment.get("MILL_DOCS_URL") or DOCS_URL)

    @property
    def dagster(self) -> Path:
        """The Dagster instance."""
        return self.root / "dagster"

    @property
    def nodes(self) -> Path:
        """Where runs that wait for other nodes say how they are reached."""
        return self.root / "nodes"

    @property
    def embedded(self) -> Path:
        """Data sets made from pinned packages or from the Python installation."""
        return self.root / "embedded"

    @property
    def data_docs(self) -> Path:
        """The Great Expectations site."""
        return self.root / "data_docs"

    @property
    def leases(self) -> Path:
        """GPU lock files."""
        return self.root / "leases"

    def offline_run(self, cell: Cell, fingerprint: str) -> Path:
        """Return the folder of the offline run of a cell as it is made from one set of things."""
        return self.root / "wandb" / cell.recipe / cell.asset / fingerprint[:16]

    def lake(self) -> Lake:
        """Open the lake."""
        return Lake(self.lake_url, self.root / "cache")

    def scratch_place(self, cell: Cell, fingerprint: str) -> Path:
        """Return where the folder is that `scratch` makes."""
        return self.root / "scratch" / cell.recipe / cell.asset / fingerprint[:16]

    def scratch(self, cell: Cell, fingerprint: str) -> Path:
        """Return the folder where an unfinished cell keeps what it needs to resume; it is its own for each fingerprint."""
        folder = self.scratch_place(cell, fingerprint)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def remove_scratch(self, cell: Cell, fingerprint: str) -> None:
        """Remove what a cell that stands no longer needs to resume."""
        shutil.rmtree(self.scratch_place(cell, fingerprint), ignore_errors=True)

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold a lock that the system frees when this process ends, however it ends.

        Raises:
            Busy: another process holds it (the message has its process id).
        """
        self.root.mkdir(parents=True, exist_ok=True)
        path = self.root / f"{name}.lock"
        with path.open("a+") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                stream.seek(0)
                raise Busy(f"{path}: held by process {stream.read().strip() or 'unknown'}; wait for it or stop it") from None
            stream.truncate(0)
            stream.write(str(os.getpid()))
            stream.flush()
            yield

    @contextmanager
    def lock_in_turn(self, name: str, waiting: Callable[[str], None]) -> Iterator[None]:
        """Hold a lock, after whoever has it; ``waiting`` is told once whom one waits for."""
        told = False
        while True:
            with ExitStack() as stack:
                try:
                    stack.enter_context(self.lock(name))
                except Busy as busy:
                    if not told:
                        waiting(str(busy))
                        told = True
                else:
                    yield
                    return
            time.sleep(TURN_SECONDS)
