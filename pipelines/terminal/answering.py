"""What answers in the terminal: an API, or a checkpoint whole by some back end, within some memory, or parted between processes of this machine."""

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing import Pipe
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from kernels.specs.layout import Layout
from kernels.specs.turns import Turn
from resources.devices.jobs import meeting_in
from resources.devices.launchers import run_together, start_server
from resources.devices.leases import Lease

if TYPE_CHECKING:
    from kernels.inference.asking import Answers
    from kernels.inference.backends.choosing import Choice
    from kernels.inference.engine import Engine
    from kernels.models.formats.checkpoints import LanguageModel

MOST_KEPT_TOKENS = 32_768
"""Of a conversation."""
FOLLOWER = "kernels.inference.parallel.following"
LOST_SECONDS = 10.0
"""Within which the launcher knows of a process that was lost why it ended."""


class Way(NamedTuple):
    """How a checkpoint is asked; no more than one of these is said."""

    whole: "Choice"
    memory_bytes: int | None = None
    layout: Layout | None = None
    """Of several processes."""


class Drawn(NamedTuple):
    """How an answer is drawn."""

    max_new_tokens: int
    temperature: float
    seed: int


AnswerTo = Callable[[Sequence[Turn]], Iterator[str]]
"""Yields the answer to the last turn piece by piece."""


class Answering(NamedTuple):
    """What answers a conversation."""

    answer_to: AnswerTo
    engine: "Answers | None"
    """None: an API's own."""


@contextmanager
def answering(folder: Path, way: Way, leases: Sequence[Lease], drawn: Drawn) -> Generator[Answering]:
    """Have a checkpoint or a model of an API answer one conversation; a checkpoint that is not asked whole is never loaded whole.

    Args:
        folder: of the model.
        way: how it is asked.
        leases: what computes, as many as there are processes.
        drawn: how answers are drawn.

    Raises:
        ValueError: it cannot be asked so, or in several ways at once.
        RuntimeError: a process that reads it is lost (says why).
        ConnectionError, PermissionError: see `kernels.inference.api.client.Client`.
    """
    from kernels.inference import decoding
    from kernels.inference.api import model as api
    from kernels.inference.api.endpoint import is_of_api
    from kernels.inference.backends.choosing import Choice

    told = drawn._asdict()
    if not is_of_api(folder):
        with _engine(folder, way, leases, drawn.max_new_tokens) as (lm, engine):
            yield Answering(lambda turns: decoding.chat(lm, turns, engine=engine, **told), engine)
        return
    if way != Way(Choice()):
        words = "a back end with its weights and guesses, memory, tensor and pipeline are ways to read weights"
        raise ValueError(f"{words}, and those of a model of an API are elsewhere; leave them out")
    with api.open_api_model(folder) as model:
        yield Answering(lambda turns: api.chat(model, turns, **told), None)


@contextmanager
def _engine(folder: Path, way: Way, leases: Sequence[Lease], max_new_tokens: int) -> "Generator[tuple[LanguageModel, Answers]]":
    """Have a checkpoint read in some way. Raises: see `answering`."""
    from kernels.inference.backends.backend import Room
    from kernels.inference.backends.choosing import Choice, loaded, opened
    from kernels.inference.engines import engine_of
    from kernels.inference.streaming.reader import Within
    from kernels.models.formats import checkpoints

    if sum((way.whole != Choice(), way.memory_bytes is not None, way.layout is not None)) > 1:
        words = "a back end with its weights and guesses, memory, and tensor or pipeline"
        raise ValueError(f"{words}: a model is asked in one of these ways; leave the others out")
    device = leases[0].device

    def room_for(lm: "LanguageModel") -> int:
        return min(checkpoints.max_positions(lm.model) or MOST_KEPT_TOKENS, MOST_KEPT_TOKENS) + max_new_tokens

    if way.layout is not None:
        lm = checkpoints.outline(folder, device)
        with _spread(lm, folder, way.layout, leases, room_for(lm)) as engine:
            yield lm, engine
    elif way.memory_bytes is not None:
        lm = checkpoints.outline(folder, device)
        yield lm, engine_of(lm, most_kept_tokens=room_for(lm), most_sequences=1, within=Within(folder, way.memory_bytes))
    else:
        backend, lm = loaded(folder, device, way.whole)
        room = room_for(lm)
        yield lm, opened(backend, lm, Room(room, most_sequences=1), way.whole.weights, way.whole.manner(lm, room))


@contextmanager
def _spread(lm: "LanguageModel", folder: Path, layout: Layout, leases: Sequence[Lease], room: int) -> "Generator[Engine]":
    """Have other processes read a checkpoint with this one, which leads them."""
    from kernels.inference.cache.pages import PAGE
    from kernels.inference.engines import engine_by
    from kernels.inference.parallel.following import Spread, take_place

    count, num_pages = layout.processes, -(-room // PAGE)
    num_threads = max(1, len(os.sched_getaffinity(0)) // count)
    unwanted, wanted = Pipe(duplex=False)
    start_server()
    with TemporaryDirectory() as scratch, ThreadPoolExecutor(1) as launching:
        spread = Spread(
            folder=folder, layout=layout, meeting=meeting_in(Path(scratch), count), num_pages=num_pages, device=lm.device, num_threads=num_threads
        )
        job = Path(scratch) / "job.json"
        job.write_text(spread.model_dump_json())
        environments = [lease.environment for lease in leases[1:]]
        others = launching.submit(run_together, FOLLOWER, job, environments, first_rank=1, num_processes=count, until=unwanted)
        try:
            seat, stage = take_place(spread, 0)
            try:
                yield engine_by(lm, stage, num_pages, most_tokens=512, most_sequences=1)
                stage.end()
            finally:
                seat.leave()
        except RuntimeError as error:
            if wait([others], LOST_SECONDS).done and (fault := others.result()):
                raise RuntimeError(fault.words) from error
            raise
        finally:
            wanted.close()
