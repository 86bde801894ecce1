"""The instance of a home is configured as shipped, whatever its folder is called, and a step starts no process for its output."""

import sys
from pathlib import Path

import dagster as dg
import pytest

from pipelines.daemon.event_log import MAX_OPEN, OpenEventLog
from pipelines.daemon.instance import open_instance
from pipelines.daemon.instance_folder import prepare_instance
from pipelines.daemon.step_logs import StepLogs
from resources.devices.descendants import descendants
from resources.storage.home import Home


def home_in(tmp_path: Path, name: str) -> Home:
    return Home(root=tmp_path / name / ".mill", lake_url=str(tmp_path / "lake"), package_cache=tmp_path / "cache")


@pytest.mark.parametrize("name", ["plain", "a[b]", "who?", "x*", "50%", "a::b"])
def test_a_home_of_any_name_is_configured_as_shipped(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    home = home_in(tmp_path, name)
    with open_instance(home) as instance:
        assert instance.telemetry_enabled is False
        assert instance.run_monitoring_enabled is True
        assert isinstance(instance.compute_log_manager, StepLogs)
        assert instance.get_runs_count() == 0
    assert (home.dagster / "storage" / "runs").is_dir() or list((home.dagster).rglob("runs*.db"))
    assert {path.name for path in tmp_path.iterdir()} <= {name, "cache", "lake"}


def test_a_cache_whose_name_is_a_pattern_too_is_told(tmp_path: Path) -> None:
    home = Home(root=tmp_path / "a[b]", lake_url="", package_cache=tmp_path / "c[d]")
    with pytest.raises(ValueError, match="set MILL_HOME, or MILL_CACHE, to a folder without them"):
        prepare_instance(home)


def test_what_a_step_writes_goes_into_its_files_without_a_process(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import os

    logs, before = StepLogs(str(tmp_path)), descendants(os.getpid())
    with logs.capture_logs(["run", "compute_logs", "step"]):
        print("said", flush=True)
        print("complained", file=sys.stderr, flush=True)
        assert descendants(os.getpid()) == before
    assert logs.is_capture_complete(["run", "compute_logs", "step"])
    assert capfd.readouterr().out == ""


def test_an_event_is_in_dagsters_own_log_before_the_next_one_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    home = home_in(tmp_path, "plain")
    with open_instance(home) as ours, dg.DagsterInstance.from_config(str(home.dagster)) as theirs:
        assert isinstance(ours.event_log_storage, OpenEventLog) and not isinstance(theirs.event_log_storage, OpenEventLog)
        for number in range(2 * MAX_OPEN):
            ours.report_runless_asset_event(dg.AssetMaterialization("a", partition=str(number)))
            run = ours.create_run_for_job(_nothing)
            ours.report_engine_event(f"said by {number}", run)
            assert theirs.get_materialized_partitions(dg.AssetKey("a")) == {str(seen) for seen in range(number + 1)}
            assert [entry.message for entry in theirs.all_logs(run.run_id)] == [f"said by {number}"]
            theirs.report_engine_event("heard", run)
            assert len(ours.all_logs(run.run_id)) == 2
        assert len(ours.event_log_storage._engines) <= MAX_OPEN


@dg.job
def _nothing() -> None:
    """Do nothing."""


def test_a_database_that_the_user_asks_for_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    home = home_in(tmp_path, "plain")
    prepare_instance(home)
    with (home.dagster / "dagster.yaml").open("a") as file:
        file.write(f"\nstorage:\n  sqlite:\n    base_dir: {tmp_path / 'elsewhere'}\n")
    with open_instance(home) as instance:
        assert not isinstance(instance.event_log_storage, OpenEventLog)
    assert (tmp_path / "elsewhere" / "history").is_dir()
