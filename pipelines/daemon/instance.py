"""The Dagster instance of a home: one folder, one shipped configuration."""

import os
import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster._core.instance.ref import InstanceRef

from resources.storage.content import hash_text
from resources.storage.home import Home

CONFIGURATION = Path(__file__).with_name("instance.yaml")
PATTERNS = "[]*?"
"""Dagster takes the path of its configuration for a pattern, and cuts those of its databases off at a question mark."""

STORAGES = {"storage", "run_storage", "event_log_storage", "schedule_storage"}
"""Keys under which a user may ask for other databases."""


def prepare_instance(home: Home) -> Path:
    """Make the instance's folder with the shipped configuration, unless the user has put one there, and return the path for Dagster to use.

    It is a link without characters that Dagster reads a meaning into, where the home's own path has some.

    Raises:
        ValueError: the cache's path, where the link would lie, has such characters too.
    """
    home.dagster.mkdir(parents=True, exist_ok=True)
    target = home.dagster / "dagster.yaml"
    if not target.exists():
        shutil.copyfile(CONFIGURATION, target)
    return home.dagster if not set(PATTERNS) & set(str(home.dagster)) else _plain_link(home)


def _plain_link(home: Home) -> Path:
    links = home.package_cache / "homes"
    link = links / hash_text(str(home.dagster))[:16]
    if set(PATTERNS) & set(str(link)):
        raise ValueError(f"{home.root}: Dagster takes no {' '.join(PATTERNS)} in a path; set MILL_HOME, or MILL_CACHE, to a folder without them")
    links.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink() or link.readlink() != home.dagster:
        aside = link.with_name(f".{link.name}.{os.getpid()}")
        aside.unlink(missing_ok=True)
        aside.symlink_to(home.dagster)
        aside.replace(link)
    return link


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
