"""Launchers: how a job that trains or evaluates gets a process of its own.

The job is a JSON file; the child (``MODULE.main(JOB)``) answers through Dagster Pipes and appends its numbers to ``progress.jsonl`` beside the
job, which outlives both processes. Children are forked from a server that has torch and Transformers loaded: importing them anew takes
5 to 10 seconds a job. A child dies with its parent from its first line on, so that a killed run leaves nobody writing.
"""

import importlib
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from resources.devices.descendants import name_as_job
from resources.devices.following import follow
from resources.devices.lifeline import die_with_parent

if TYPE_CHECKING:
    import dagster as dg

PROGRESS_FILE = "progress.jsonl"
MESSAGES_FILE = "messages.jsonl"
LOG_FILE = "worker.log"
LOG_TAIL_CHARS = 2000
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

    def __call__(self, module: str, job: Path, environment: dict[str, str], on_report: Callable[[dict[str, Any]], None]) -> None:
        """Run ``module`` on a job file; call ``on_report`` with each object that it reports. Raises where the child fails."""
        ...


def warm_up() -> None:
    """Start the server that children are forked from, so that its imports run beside other work."""
    from multiprocessing import forkserver

    forkserver.ensure_running()


class PipesLauncher:
    """A process on this machine, spoken to through Dagster Pipes."""

    def __init__(self, context: "dg.AssetExecutionContext") -> None:
        """Launch on behalf of a running step."""
        self.context = context

    def __call__(self, module: str, job: Path, environment: dict[str, str], on_report: Callable[[dict[str, Any]], None]) -> None:
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
            variables = {**environment, **session.get_bootstrap_env_vars()}
            child = _processes.Process(target=_run, args=(module, str(job), variables), name=f"{module} {job}")
            child.start()
            follower.start()
            try:
                child.join()
            finally:
                if child.is_alive():
                    child.terminate()
                    child.join()
                done.set()
                follower.join()
        said = job.with_name(LOG_FILE).read_text(errors="replace") if job.with_name(LOG_FILE).exists() else ""
        if said:
            print(said)  # into the step's own log
        code = child.exitcode or 0
        if code:
            how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
            raise RuntimeError(f"the process that runs {job} {how}: {said.strip()[-LOG_TAIL_CHARS:]}")


def _run(module: str, job: str, variables: dict[str, str]) -> None:
    """Be the child, for as long as the run lives: own environment, own log, then the module's ``main``, whose imports take a while."""
    die_with_parent()
    run = multiprocessing.parent_process()
    if run is not None and not run.is_alive():  # it was killed, and the server with it, before this process could be tied to them
        os._exit(1)
    name_as_job()
    os.environ.update(variables)
    log = os.open(Path(job).with_name(LOG_FILE), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    sys.stdout, sys.stderr = os.fdopen(1, "w", buffering=1), os.fdopen(2, "w", buffering=1)
    importlib.import_module(module).main(Path(job))
