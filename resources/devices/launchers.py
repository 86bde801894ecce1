"""Launchers: how a job that trains or evaluates gets processes of its own.

The job is a JSON file; the children (``MODULE.main(JOB, RANK)``) do it together, and the first of them answers through Dagster Pipes and appends its
numbers to ``progress.jsonl`` beside the job, which outlives all processes. Children are forked from a server that has torch and Transformers loaded:
importing them anew takes 5 to 10 seconds a job. A child dies with its parent from its first line on, so that a killed run leaves nobody writing, and
with any of the others, since it would wait for it for ever.
"""

import importlib
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Sequence
from multiprocessing import connection, forkserver
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from resources.devices.descendants import name_as_job
from resources.devices.following import follow
from resources.devices.lifeline import die_with_parent

if TYPE_CHECKING:
    import dagster as dg

PROGRESS_FILE = "progress.jsonl"
MESSAGES_FILE = "messages.jsonl"
LOG_FILE = "worker.log"
LOG_TAIL_CHARS = 2000
FOLLOWING_SECONDS = 1.0
"""Within which processes fail that waited for one that did."""
PRELOADED = [
    "resources.devices.fork_server",
    "torch",
    "transformers.models.llama.modeling_llama",
    "transformers.models.auto.modeling_auto",
]

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(PRELOADED)


class Launcher(Protocol):
    """Runs one job to its end."""

    def __call__(
        self,
        module: str,
        job: Path,
        environments: Sequence[dict[str, str]],
        on_report: Callable[[dict[str, Any]], None],
        nodes: Sequence["Elsewhere"] = (),
    ) -> None:
        """Run ``module`` on a job file, in a process an environment here and as many on each node; report what the first process does.

        Raises:
            RuntimeError: a process failed (names it).
        """
        ...


class Fault(NamedTuple):
    """Why processes did not end well."""

    code: int
    """With which one ended; below 0 where a signal ended it, or all are gone without a word."""
    words: str


class Elsewhere(Protocol):
    """Processes of a job on another machine (resources/devices/nodes.py)."""

    name: str

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when they have ended."""
        ...

    def run(self, module: str, job: Path, first_rank: int, num_processes: int) -> None:
        """Have them begin."""
        ...

    def fault(self) -> Fault | None:
        """Return why they failed, None where they ended well."""
        ...


def warm_up() -> None:
    """Start the server that children are forked from, so that its imports run beside other work."""
    from multiprocessing import forkserver

    forkserver.ensure_running()


class PipesLauncher:
    """Processes on this machine, spoken to through Dagster Pipes."""

    def __init__(self, context: "dg.AssetExecutionContext") -> None:
        """Launch on behalf of a running step."""
        self.context = context

    def __call__(
        self,
        module: str,
        job: Path,
        environments: Sequence[dict[str, str]],
        on_report: Callable[[dict[str, Any]], None],
        nodes: Sequence[Elsewhere] = (),
    ) -> None:
        """See `Launcher`."""
        import dagster as dg

        from resources.devices.messages import MessageReader

        done = threading.Event()
        progress = job.with_name(PROGRESS_FILE)
        told_before = progress.stat().st_size if progress.exists() else 0
        follower = threading.Thread(target=follow, args=(progress, told_before, done, on_report), daemon=True)
        with dg.open_pipes_session(
            context=self.context, context_injector=dg.PipesTempFileContextInjector(), message_reader=MessageReader(job.with_name(MESSAGES_FILE))
        ) as session:
            first, *others = environments
            follower.start()
            try:
                fault = run_together(module, job, [{**first, **session.get_bootstrap_env_vars()}, *others], nodes)
            finally:
                done.set()
                follower.join()
        print(_log_of(job, 0), end="")  # into the step's own log
        if fault is not None:
            raise RuntimeError(fault.words)


def start_server() -> None:
    """Start what jobs are forked from, unless it runs. It ends with the thread that starts it: who runs jobs in threads calls it outside."""
    forkserver.ensure_running()


def run_together(
    module: str,
    job: Path,
    environments: Sequence[dict[str, str]],
    nodes: Sequence[Elsewhere] = (),
    *,
    first_rank: int = 0,
    num_processes: int | None = None,
    until: Any = None,
) -> Fault | None:
    """Run ``module`` on a job file, in a process an environment and as many on each node, and return when all have ended.

    Args:
        module: whose ``main`` takes the job file and a rank.
        job: file.
        environments: of the processes of this machine.
        nodes: others, in the order of their ranks.
        first_rank: of this machine's processes.
        num_processes: in all, where other machines run some that are not among the nodes.
        until: what `multiprocessing.connection.wait` finds ready when nobody wants the job done any more.

    Returns:
        None, or which of them failed and how.
    """
    count = num_processes or len(environments) * (1 + len(nodes))
    children: list[Any] = [
        _processes.Process(target=_run, args=(module, str(job), rank, environment), name=f"{module} {job} {rank}")
        for rank, environment in enumerate(environments, first_rank)
    ]
    elsewhere, faults = dict(enumerate(nodes, len(children))), dict[int, Fault | None]()
    for child in children:
        child.start()
    try:
        for index, node in enumerate(nodes, 1):
            node.run(module, job, first_rank + index * len(environments), count)

        def code_of(place: int) -> int:
            if place not in elsewhere:
                return _code_of(children[place])
            if place not in faults:
                faults[place] = elsewhere[place].fault()
            fault = faults[place]
            return 0 if fault is None else fault.code

        lost = first_lost([*(child.sentinel for child in children), *nodes], code_of, until)
        for child in children if lost is not None else ():
            child.kill()
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.join()
    if lost is None:
        return None
    if lost == GONE:
        return Fault(1, "the run that it works for is gone")
    if (fault := faults.get(lost)) is not None:
        return Fault(fault.code, f"node {elsewhere[lost].name}: {fault.words}")
    return _fault(job, first_rank + lost, count, _code_of(children[lost]))


def _fault(job: Path, rank: int, count: int, code: int) -> Fault:
    """Return which process of a job ended, how, and the last that it said."""
    how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
    which = "the process" if count == 1 else f"process {rank} of the {count}"
    others = "" if count == 1 else ", and the others with it"
    return Fault(code, f"{which} that runs {job} {how}{others}: {_log_of(job, rank).strip()[-LOG_TAIL_CHARS:]}")


GONE = -1
"""In place of who was lost: nobody wants the job done any more."""


def first_lost(sentinels: Sequence[Any], code_of: Callable[[int], int], until: Any = None) -> int | None:
    """Return which of some processes failed first, None when all have ended well, `GONE` when nobody wants them any more.

    Those that wait for a lost one fail soon after it, or notice before we do: of all that fail together, one that a signal ended is the cause, or a
    node that is gone.

    Args:
        sentinels: of the processes, in the order of their ranks (``multiprocessing.Process.sentinel``), or of groups of them.
        code_of: returns how the process of a place ended, once it has.
        until: becomes ready when nobody wants them any more.
    """
    waiting = {sentinel: place for place, sentinel in enumerate(sentinels)}
    failed: list[int] = []
    while waiting:
        ready = connection.wait([*waiting, *([] if until is None else [until])], FOLLOWING_SECONDS if failed else None)
        if until is not None and until in ready:
            return GONE
        ended = [waiting.pop(cast(Any, sentinel)) for sentinel in ready]
        failed += [place for place in sorted(ended) if code_of(place)]
        if failed and not ended:
            break
    return next((place for place in failed if code_of(place) < 0), failed[0] if failed else None)


def _code_of(child: Any) -> int:
    child.join()
    return child.exitcode or 0


def log_file(job: Path, rank: int) -> Path:
    """Return where a process of a job writes what it prints."""
    return job.with_name(f"worker-{rank}.log" if rank else LOG_FILE)


def _log_of(job: Path, rank: int) -> str:
    path = log_file(job, rank)
    return path.read_text(errors="replace") if path.exists() else ""


def _run(module: str, job: str, rank: int, variables: dict[str, str]) -> None:
    """Be a child, for as long as the run lives: own environment, own log, then the module's ``main``, whose imports take a while."""
    die_with_parent()
    run = multiprocessing.parent_process()
    if run is not None and not run.is_alive():  # it was killed, and the server with it, before this process could be tied to them
        os._exit(1)
    name_as_job()
    os.environ.update(variables)
    log = os.open(log_file(Path(job), rank), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    sys.stdout, sys.stderr = os.fdopen(1, "w", buffering=1), os.fdopen(2, "w", buffering=1)
    importlib.import_module(module).main(Path(job), rank)
