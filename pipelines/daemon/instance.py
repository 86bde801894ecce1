"""The Dagster instance of a home, for runs in this process."""

import os
from typing import Any

import dagster as dg
import yaml
from dagster._core.instance.ref import InstanceRef

from pipelines.daemon.instance_folder import prepare_instance
from resources.storage.home import Home

STORAGES = {"storage", "run_storage", "event_log_storage", "schedule_storage"}
"""Keys under which a user may ask for other databases."""


def open_instance(home: Home) -> dg.DagsterInstance:
    """Open the instance for runs in this process. Runs launched from here see it too."""
    folder = prepare_instance(home)
    os.environ["DAGSTER_HOME"] = str(folder)
    configured: dict[str, Any] = yaml.safe_load((folder / "dagster.yaml").read_text()) or {}
    ours: dict[str, Any] = {
        "compute_logs": {"module": "pipelines.daemon.step_logs", "class": "StepLogs", "config": {"base_dir": str(folder / "storage")}}
    }
    if not STORAGES & set(configured):
        ours["storage"] = {"custom": {"module": "pipelines.daemon.event_log", "class": "OpenStorage", "config": {"base_dir": str(folder)}}}
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(folder), overrides={**ours, **configured}))
