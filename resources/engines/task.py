"""What a worker does: one task of a batch, as a step of a datatrove pipeline. It writes what it tells into its progress file.

Imported by name on every worker; so modelmill has to be installed there in the same version.
"""

import fcntl
import functools
import json
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from datatrove.pipeline.base import PipelineStep
from datatrove.utils.logging import logger

from resources.devices.lifeline import die_with_parent
from resources.engines.engine import progress_to_json, read_batch
from resources.storage.progress import Progress, listening

MAX_REASON_CHARS = 2000
tie_to_parent = functools.cache(die_with_parent)


class DoItems(PipelineStep):
    """Does the items of a batch that fall to a task: every ``world_size``-th, from the ``rank``-th on."""

    type = "modelmill"
    name = "items of a batch"

    def __init__(self, folder: str) -> None:
        """Work on the batch in an attempt's folder."""
        super().__init__()
        self.folder = folder

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Iterator[Any]:
        """See `PipelineStep`. It raises nothing: an error ends its item and is told, since one that got out would end the other tasks too."""
        tie_to_parent()
        folder = Path(self.folder)
        with (folder / "progress" / f"{rank:05d}").open("a", buffering=1) as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            stream.write("\n")  # whatever a killed predecessor left torn ends here
            _write(stream, kind="opened")
            _work_through(folder, rank, world_size, stream)
            _write(stream, kind="ended")
        yield from ()


def _work_through(folder: Path, rank: int, world_size: int, stream: IO[str]) -> None:
    _, batch, _ = read_batch(folder)
    mine = batch.items[rank::world_size]
    try:
        do = pkgutil.resolve_name(batch.opener)(batch.settings)
    except Exception as error:  # whatever it is, it is these items' failure
        logger.exception(error)
        for name, *_ in mine:
            _write(stream, kind="failed", item=name, reason=_reason(error))
        return
    for name, *fields in mine:
        _write(stream, kind="begun", item=name)
        try:
            with listening(functools.partial(_pass_on, stream)):
                do(name, *fields)
        except Exception as error:  # the same
            logger.exception(error)
            _write(stream, kind="failed", item=name, reason=_reason(error))
        else:
            _write(stream, kind="done", item=name)


def _pass_on(stream: IO[str], progress: Progress) -> None:
    _write(stream, kind="progress", progress=progress_to_json(progress))


def _write(stream: IO[str], **line: Any) -> None:
    stream.write(json.dumps(line) + "\n")


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:MAX_REASON_CHARS]
