"""The folder of Data Docs: one writer at a time, the last runs of each suite, and no page left as Great Expectations wrote it."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from resources.quality.data_docs_style import make_self_contained

KEPT_RUNS = 20
SITE = ("gx", "uncommitted", "data_docs", "local_site")


def data_docs_index(site: Path) -> Path:
    """Return the first page of the Data Docs kept under ``site``."""
    return site.joinpath(*SITE, "index.html")


@contextmanager
def writing(suite: str, site: Path) -> Iterator[None]:
    """Hold the folder alone while a suite's run is written, and rewrite its pages at the end, that of a run that failed too."""
    site.mkdir(parents=True, exist_ok=True)
    with (site / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two processes that write one context raise CheckpointRelatedResourcesFreshnessError
        _prune(suite, site)
        try:
            yield
        finally:
            make_self_contained(data_docs_index(site).parent)


def prepare_data_docs(site: Path) -> Path:
    """Return the folder to serve, its pages rewritten where a writer was killed before it came to that; one at work will do so itself."""
    folder = data_docs_index(site).parent
    folder.mkdir(parents=True, exist_ok=True)
    with (site / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return folder
        make_self_contained(folder)
    return folder


def _prune(suite: str, site: Path) -> None:
    """Make room for one run among the last `KEPT_RUNS` of a suite, in the store and in the site, before the index is built."""
    for base in (site.joinpath(*SITE[:2], "validations"), site.joinpath(*SITE, "validations")):
        runs = sorted((base / suite).glob("*/*"), key=lambda path: path.name)  # suite, run name, time of the run
        for run in runs[: max(0, len(runs) - KEPT_RUNS + 1)]:
            shutil.rmtree(run)
