"""Where the processes of a training stand when no step ends: one that stands still holds up all others, which wait for it.

Each writes down where it stands, and the first says who does not wait for others. One that was stopped writes nothing.
"""

import json
import sys
from pathlib import Path
from types import FrameType
from typing import NamedTuple

WAITING = ("torch/distributed/", "kernels/training/parallel/")
"""Parts of the paths of files in which a process waits for others."""
OURS = "kernels/"
FILE = "standing-{}.json"


class Peers(NamedTuple):
    """The processes that train one model."""

    number: int
    """Of this process, counted from 0."""
    num_processes: int
    folder: Path
    """Where each writes down where it stands."""


class Standing(NamedTuple):
    """Where the thread of a training stands."""

    place: str
    waits: bool
    """Whether it waits for other processes."""


def standing_of(thread: int) -> Standing:
    """Return where a thread, by its identifier, stands: in the innermost of our functions, and whether in what waits for others."""
    innermost = sys._current_frames().get(thread)  # pyright: ignore[reportPrivateUsage]  # documented, for this very purpose
    frames: list[FrameType] = []
    while innermost is not None:
        frames.append(innermost)
        innermost = innermost.f_back
    paths = [Path(frame.f_code.co_filename).as_posix() for frame in frames]
    ours = next((index for index, path in enumerate(paths) if OURS in path), 0)
    if not frames:
        return Standing("no function", waits=False)
    place = f"{frames[ours].f_code.co_name} ({'/'.join(paths[ours].split('/')[-3:])}, line {frames[ours].f_lineno})"
    return Standing(place, any(part in path for path in paths[: ours + 1] for part in WAITING))


def write_standing(peers: Peers, thread: int) -> None:
    """Write down where a thread of this process stands."""
    path = peers.folder / FILE.format(peers.number)
    aside = path.with_suffix(".part")
    aside.write_text(json.dumps(standing_of(thread)._asdict()))
    aside.replace(path)


def who_stands(peers: Peers, since: float) -> str:
    """Return in words which processes hold the others up, by what each has written down since a time, in seconds since the epoch."""
    silent: list[str] = []
    busy: list[str] = []
    for number in range(peers.num_processes):
        path = peers.folder / FILE.format(number)
        if not path.exists() or path.stat().st_mtime < since:
            silent.append(f"process {number} of {peers.num_processes} says nothing, stopped or gone")
            continue
        standing = Standing(**json.loads(path.read_text()))
        if not standing.waits:
            busy.append(f"process {number} of {peers.num_processes} stands in {standing.place}")
    return "; ".join([*silent, *busy]) or "all processes wait for each other"
