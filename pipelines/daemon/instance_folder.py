"""The folder of a home's Dagster instance, with the configuration that is shipped."""

import os
import shutil
from pathlib import Path

from resources.storage.content import hash_text
from resources.storage.home import Home

CONFIGURATION = Path(__file__).with_name("instance.yaml")
PATTERNS = "[]*?"
"""Dagster takes the path of its configuration for a pattern, and cuts those of its databases off at a question mark."""


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
