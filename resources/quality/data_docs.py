"""The folder of Data Docs: one writer at a time, the last runs of each suite, and no page left as Great Expectations wrote it.

A run is stored when its suite has judged; its page is written then too, or, where many suites judge in a row, with the others' at the end:
pages cost more than the judging. A stored run without a page, as a killed writer leaves it, gets its page when the next ones are written.
"""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from resources.quality import judge
from resources.quality.data_docs_style import make_self_contained

KEPT_RUNS = 20
RUNS = ("gx", "uncommitted", "validations")
SITE = ("gx", "uncommitted", "data_docs", "local_site")

_waiting: list[set[Path]] = []
"""Folders whose pages are to be written when the block ends that holds them back."""


def data_docs_index(site: Path) -> Path:
    """Return the first page of the Data Docs kept under ``site``."""
    return site.joinpath(*SITE, "index.html")


@contextmanager
def writing(site: Path) -> Iterator[None]:
    """Hold the folder alone while a suite's run or pages are written, and leave no page as Great Expectations wrote it."""
    site.mkdir(parents=True, exist_ok=True)
    with (site / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two processes that write one context raise CheckpointRelatedResourcesFreshnessError
        try:
            yield
        finally:
            make_self_contained(data_docs_index(site).parent)


@contextmanager
def pages_at_the_end() -> Iterator[None]:
    """Write the pages of all runs of the block together, when it ends."""
    _waiting.append(set())
    try:
        yield
    finally:
        try:
            begin_pages()
        finally:
            _waiting.pop()
        judge.end()


def begin_pages() -> None:
    """Begin to write the pages that are held back, beside other work where there is a process for it."""
    while _waiting and _waiting[-1]:
        judge.begin(_write_pages, _waiting[-1].pop())


def pages_are_due(site: Path) -> None:
    """Write the pages of the runs that have none, now or at the end of the block that holds them back."""
    if _waiting:
        _waiting[-1].add(site)
    else:
        judge.call(_write_pages, site)


def _write_pages(site: Path) -> None:
    """Write the pages of the stored runs that have none."""
    from great_expectations.data_context.types.resource_identifiers import ExpectationSuiteIdentifier

    with writing(site):
        context = open_context(site)
        pages = data_docs_index(site).parent / "validations"
        runs = [run for run in context.validation_results_store.list_keys() if not pages.joinpath(*run.to_tuple()).with_suffix(".html").exists()]
        suites = {run.expectation_suite_identifier.name for run in runs}
        if runs:
            context.build_data_docs(resource_identifiers=[*runs, *map(ExpectationSuiteIdentifier, sorted(suites))])


def open_context(site: Path) -> Any:
    """Return a context of Great Expectations that keeps suites, runs and pages below ``site``, and all else only as long as itself.

    A file context would read and write its YAML a dozen times a suite.
    """
    import great_expectations as gx
    from great_expectations.data_context.types.base import DataContextConfig

    def files(*folders: str) -> dict[str, str]:
        return {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(site.joinpath(*folders))}

    memory = {"class_name": "InMemoryStoreBackend"}
    stores = {
        "expectations_store": {"class_name": "ExpectationsStore", "store_backend": files("gx", "expectations")},
        "validation_results_store": {"class_name": "ValidationResultsStore", "store_backend": files(*RUNS)},
        "validation_definition_store": {"class_name": "ValidationDefinitionStore", "store_backend": memory},
        "checkpoint_store": {"class_name": "CheckpointStore", "store_backend": memory},
    }
    index = {"class_name": "DefaultSiteIndexBuilder"}
    config = DataContextConfig(
        config_version=4,
        stores=stores,
        expectations_store_name="expectations_store",
        validation_results_store_name="validation_results_store",
        checkpoint_store_name="checkpoint_store",
        data_docs_sites={"local_site": {"class_name": "SiteBuilder", "store_backend": files(*SITE), "site_index_builder": index}},
    )
    context: Any = gx.get_context(mode="ephemeral", project_config=config)
    context.variables.progress_bars = {"globally": False}
    return context


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


def make_room(suite: str, site: Path) -> None:
    """Leave room for one run among the last `KEPT_RUNS` of a suite, in the store and in the site."""
    for base in (site.joinpath(*RUNS), site.joinpath(*SITE, "validations")):
        runs = sorted((base / suite).glob("*/*"), key=lambda path: path.name)  # suite, run name, time of the run
        for run in runs[: max(0, len(runs) - KEPT_RUNS + 1)]:
            shutil.rmtree(run)
