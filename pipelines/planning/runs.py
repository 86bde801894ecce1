"""Dagster runs in this process: shown on the UI's timeline as those of the daemon are, and ended where their process is gone."""

import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from dagster._core.remote_origin import RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.workspace.load_target import WorkspaceFileTarget

from pipelines.settings import PROJECT
from resources.devices.processes import has_process, is_alive, this_process

PROCESS_TAG = "modelmill/process"
LOCATION = "modelmill"
REPOSITORY = "__repository__"
UNFINISHED = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.NOT_STARTED]
SILENT_SECONDS = 120.0
"""How long a run may be under way without having said which process runs it."""
STARTED_MESSAGE = "Started process for run"


def run_in_process(job: dg.JobDefinition, instance: dg.DagsterInstance, run_config: Mapping[str, Any], tags: Mapping[str, str]) -> "Outcome":
    """Run a job in this process, with an origin: the UI's timeline shows only runs that have one."""
    ephemeral = job.as_ephemeral_job(resource_defs={}, input_values={})
    run = instance.create_run_for_job(
        job_def=ephemeral,
        run_config=run_config,
        tags={**ephemeral.run_tags, **tags, PROCESS_TAG: this_process()},
        asset_selection=ephemeral.asset_selection,
        remote_job_origin=_origin(job.name),
    )
    with _signals_as_before():
        result = execute_run(InMemoryJob(ephemeral), run, instance)
    return Outcome(run.run_id, list(result.all_events))


@contextmanager
def _signals_as_before() -> Iterator[None]:
    """Have signals do behind a run what they did before it.

    Dagster leaves SIGTERM with the handler of SIGINT: a command that a script has left in the background, where SIGINT is ignored, could then be
    ended by neither. In other threads than the main one Dagster changes nothing, and Python would not allow it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Outcome:
    """What a run in this process came to."""

    def __init__(self, run_id: str, events: list[dg.DagsterEvent]) -> None:
        """Keep its events."""
        self.run_id, self.events = run_id, events

    def complaint(self) -> str:
        """Return why the run ended before its cells did."""
        for event in self.events:
            error = getattr(event.event_specific_data, "error", None)
            if error is not None:
                cause = error.cause or error
                return f"run {self.run_id[:8]}: {cause.message.strip()}"
        return f"run {self.run_id[:8]} ended without making it; see its log"


def _origin(job: str) -> RemoteJobOrigin:
    origins = WorkspaceFileTarget([str(PROJECT / "workspace.yaml")]).create_origins()
    (location,) = [origin for origin in origins if origin.location_name == LOCATION]
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, REPOSITORY), job)


def claim_run(context: dg.OpExecutionContext) -> None:
    """Say which process runs a run, for those that were launched from the UI or by the daemon."""
    if PROCESS_TAG not in context.run.tags:
        context.instance.add_run_tags(context.run.run_id, {PROCESS_TAG: this_process()})


def end_orphans(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs as failed whose process is gone or never was, free their pool slots, and return their ids."""
    ended: list[str] = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED)):
        run = record.dagster_run
        words = run.tags.get(PROCESS_TAG)
        alive = is_alive(words) if words is not None else _is_starting(instance, run, record.update_timestamp.timestamp())
        if alive:
            continue
        instance.report_run_failed(run, message=f"the process that ran this is gone ({words or 'it never said which'}); mill up goes on from here")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        ended.append(run.run_id)
    return ended


def _is_starting(instance: dg.DagsterInstance, run: dg.DagsterRun, updated_at: float) -> bool:
    """Return whether a run that has not said which process runs it may still do so: it is young, or Dagster's own process for it lives."""
    if time.time() - updated_at < SILENT_SECONDS:
        return True
    launched = [entry.dagster_event for entry in instance.all_logs(run.run_id) if entry.message.startswith(STARTED_MESSAGE)]
    pids = [event.event_specific_data.metadata["pid"].value for event in launched if event is not None]  # pyright: ignore
    return any(has_process(int(str(pid))) for pid in pids)
