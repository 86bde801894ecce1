"""One attempt at a batch by workers, seen from the run's process: it starts the executor's process, listens, and notices lost workers.

datatrove's local and Ray executors wait for ever for a task whose process was killed inside a pool. So each worker holds a lock on its
progress file, which the system frees when the worker ends, however it ends: begun, not ended and not locked is lost.
"""

import fcntl
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from resources.devices.leases import num_cores
from resources.engines.engine import Batch, Engine, progress_from_json
from resources.engines.hosting import hosted, log_tail
from resources.storage.progress import Progress

POLL_SECONDS = 0.1
SETTLE_SECONDS = 1.0
LOST_SECONDS = 30.0
"""How long a lost worker's executor may take to start the task again by itself (Ray does) before the attempt ends."""
SILENT_SECONDS = 180.0
"""How long local workers may all be absent, none known to be lost, before the attempt ends: a pool worker killed between two tasks."""
FAREWELL_SECONDS = 5.0
"""How long an executor may take to end by itself once every item is settled."""


class Attempt:
    """One executor's process and what its tasks tell."""

    def __init__(self, engine: Engine, batch: Batch, num_tasks: int, folder: Path, listener: Callable[[Progress], None]) -> None:
        """Write the batch into a fresh folder."""
        self.engine, self.batch, self.num_tasks, self.folder, self.listener = engine, batch, num_tasks, folder, listener
        self.failed: dict[str, str] = {}
        self._begun: set[str] = set()
        self._done: set[str] = set()
        self._ended: set[str] = set()
        self._positions: dict[Path, int] = {}
        (folder / "progress").mkdir(parents=True)
        (folder / "batch.json").write_text(json.dumps({"engine": engine.to_json(), "batch": asdict(batch), "num_tasks": num_tasks}))

    def run(self) -> None:
        """Wait until every item is settled, the executor has ended or nobody works any more.

        Raises:
            RuntimeError: the executor ended before any task began (with the end of its log).
        """
        with hosted("resources.engines.host", self.folder, _thread_limits(self.engine)) as host:
            self._watch(host)
        self.listen()
        if not self._positions:
            raise RuntimeError(f"the engine {self.engine.kind} could not be started: {log_tail(self.folder)}")

    def unsettled(self) -> list[list[str]]:
        """Return the items neither done nor failed, those that a worker was lost over at the end, so that they harm no others."""
        left = [item for item in self.batch.items if item[0] not in self._done and item[0] not in self.failed]
        return sorted(left, key=lambda item: item[0] in self._begun)

    def _watch(self, host: "subprocess.Popen[bytes]") -> None:
        seen_alive = settled_at = time.monotonic()
        while host.poll() is None:
            time.sleep(POLL_SECONDS)
            alive, lost = self._roll_call()
            heard = self.listen()
            now = time.monotonic()
            if alive or heard:
                seen_alive = now
            if len(self._done) + len(self.failed) < len(self.batch.items):
                settled_at = now
            waiting = len(self._positions) < self.num_tasks
            if now - settled_at > FAREWELL_SECONDS or self._is_stuck(lost, waiting, now - seen_alive):
                return

    def _is_stuck(self, lost: int, waiting: bool, seconds: float) -> bool:
        """Return whether nobody works and nobody will. On a cluster, tasks that have not begun may wait in its queue for long."""
        if self.engine.kind == "local" and not waiting:
            return lost > 0 and seconds > SETTLE_SECONDS
        if lost:
            return seconds > LOST_SECONDS
        return self.engine.kind == "local" and seconds > SILENT_SECONDS

    def _roll_call(self) -> tuple[int, int]:
        """Return how many begun tasks have a living worker, and how many a lost one."""
        open_tasks = [path for path in self._progress_files() if path.name not in self._ended and path.stat().st_size]  # a line: a lock was held
        alive = sum(_is_locked(path) for path in open_tasks)
        self.listen()  # a task may have ended in between
        ended = sum(path.name in self._ended for path in open_tasks)
        return alive, max(0, len(open_tasks) - alive - ended)

    def _progress_files(self) -> Iterator[Path]:
        return (self.folder / "progress").iterdir()

    def listen(self) -> bool:
        """Take in each whole line that tasks have added, and return whether there was one."""
        heard = False
        for path in sorted(self._progress_files()):
            start = self._positions.setdefault(path, 0)
            if path.stat().st_size == start:
                continue
            with path.open("rb") as stream:
                stream.seek(start)
                for line in stream:
                    if not line.endswith(b"\n"):
                        break
                    self._positions[path] += len(line)
                    heard = True
                    self._take(path.name, _parse(line))
        return heard

    def _take(self, rank: str, line: dict[str, Any]) -> None:
        """Take in one line. Of an item done twice, by a worker thought lost and another, the last word counts."""
        match line["kind"]:
            case "progress":
                self.listener(progress_from_json(line["progress"]))
            case "begun":
                self._begun.add(line["item"])
            case "done":
                self._done.add(line["item"])
                self.failed.pop(line["item"], None)
            case "failed":
                self.failed[line["item"]] = line["reason"]
                self._done.discard(line["item"])
            case "opened":
                self._ended.discard(rank)
            case "ended":
                self._ended.add(rank)
            case _:
                pass


def _parse(line: bytes) -> dict[str, Any]:
    """Return what a line says; a worker that was killed while it wrote leaves one that says nothing."""
    try:
        return json.loads(line)
    except json.JSONDecodeError:
        return {"kind": "torn"}


def _is_locked(path: Path) -> bool:
    """Return whether a living worker holds a progress file."""
    with path.open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _thread_limits(engine: Engine) -> dict[str, str]:
    """Return what has threads share the cores among local workers."""
    threads = str(max(1, num_cores() // engine.num_workers) if engine.kind == "local" else 1)
    return dict.fromkeys(("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS", "NUMBA_NUM_THREADS"), threads)
