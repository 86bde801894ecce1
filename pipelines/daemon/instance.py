"""The Dagster instance of a home: one folder, one shipped configuration."""

import os
import shutil
from pathlib import Path

import dagster as dg

from resources.storage.home import Home

CONFIGURATION = Path(__file__).with_name("instance.yaml")


def prepare_instance(home: Home) -> Path:
    """Make the instance's folder with the shipped configuration, unless the user has put one there, and return it.

    Raises:
        ValueError: the path of the home holds a question mark, at which Dagster would cut it off and write elsewhere.
    """
    if "?" in str(home.dagster):
        raise ValueError(f"{home.root}: Dagster's databases take no '?' in a path; set MILL_HOME to a folder without one")
    home.dagster.mkdir(parents=True, exist_ok=True)
    target = home.dagster / "dagster.yaml"
    if not target.exists():
        shutil.copyfile(CONFIGURATION, target)
    return home.dagster


def open_instance(home: Home) -> dg.DagsterInstance:
    """Open the instance. Runs launched from here see it too."""
    folder = prepare_instance(home)
    os.environ["DAGSTER_HOME"] = str(folder)
    return dg.DagsterInstance.from_config(str(folder))
