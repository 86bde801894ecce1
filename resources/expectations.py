"""The bridge to Great Expectations: row-wise expectations over the rows of many partitions at once, findings by partition.

One validation judges a whole table; each failing row is then laid to its partition, so that a bad shard stops itself and nobody else. Results
go to a file context whose Data Docs grow with every run. Importing Great Expectations takes seconds: only `validate` does it.
"""

import os
import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

MAX_EXAMPLES = 5
EXAMPLE_CHARS = 200
KEPT_RUNS = 20
SITE = ("gx", "uncommitted", "data_docs", "local_site")


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """One row-wise expectation, in Great Expectations' snake-case name."""

    name: str
    description: str
    type: str
    kwargs: Mapping[str, Any]
    max_bad_share: float = 0.0
    """Largest share of a partition's rows that may fail."""
    blocking: bool = True


class Finding(NamedTuple):
    """What one expectation found in one partition. ``row`` in an example counts from 0 within the partition."""

    passed: bool
    num_rows: int
    num_bad: int
    examples: list[dict[str, str]]


def data_docs_index(site: Path) -> Path:
    """Return the first page of the Data Docs kept under ``site``."""
    return site.joinpath(*SITE, "index.html")


def validate(
    suite: str, table: pa.Table, expectations: Sequence[Expectation], *, partition_column: str, example_columns: Sequence[str], site: Path
) -> dict[str, dict[str, Finding]]:
    """Judge a table's rows and return findings by partition and expectation.

    Raises:
        RuntimeError: an expectation could not be evaluated (a column that is not there, a bad regex): a fault of the suite, not of the data.
    """
    if table.num_rows == 0:
        return {}
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # third-party deprecations inside Great Expectations, none of which a user can act on
        results = _run(suite, table, expectations, site)
    _prune(suite, site)
    partitions = table[partition_column]
    labels = partitions.combine_chunks().dictionary_encode()
    codes: Any = labels.indices.to_pylist()
    names: Any = labels.dictionary.to_pylist()
    first_row: dict[int, int] = {}
    row_in_partition: list[int] = []
    for code in codes:
        row_in_partition.append(first_row.get(code, 0))
        first_row[code] = row_in_partition[-1] + 1
    findings: dict[str, dict[str, Finding]] = {name: {} for name in names}
    for expectation in expectations:
        bad: dict[int, list[int]] = {}
        for row in results[expectation.name]:
            bad.setdefault(codes[row], []).append(row)
        for code, name in enumerate(names):
            rows = bad.get(code, [])
            examples = [_example(table, row, row_in_partition[row], example_columns) for row in rows[:MAX_EXAMPLES]]
            passed = len(rows) <= expectation.max_bad_share * first_row[code]
            findings[name][expectation.name] = Finding(passed, first_row[code], len(rows), examples)
    return findings


def _prune(suite: str, site: Path) -> None:
    """Keep the last `KEPT_RUNS` runs of a suite, in the store and in the site."""
    for base in (site.joinpath(*SITE[:2], "validations"), site.joinpath(*SITE, "validations")):
        runs = sorted((base / suite).glob("*"), key=lambda path: path.stat().st_mtime) if (base / suite).is_dir() else []
        for run in runs[:-KEPT_RUNS]:
            shutil.rmtree(run)


def _example(table: pa.Table, row: int, number: int, columns: Sequence[str]) -> dict[str, str]:
    values = {name: str(table[name][row].as_py())[:EXAMPLE_CHARS] for name in columns}
    return {"row": str(number), **{name: value for name, value in values.items() if value}}


def _run(suite: str, table: pa.Table, expectations: Sequence[Expectation], site: Path) -> dict[str, list[int]]:
    """Run one validation and return the failing rows by expectation."""
    import great_expectations as gx
    from great_expectations.checkpoint.actions import UpdateDataDocsAction
    from great_expectations.expectations.registry import get_expectation_impl

    site.mkdir(parents=True, exist_ok=True)
    context: Any = gx.get_context(mode="file", project_root_dir=str(site))
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_or_update_pandas("lake")
    batch = source.add_dataframe_asset(suite).add_batch_definition_whole_dataframe("rows")
    definitions = [
        get_expectation_impl(e.type)(**e.kwargs, description=e.description, meta={"check": e.name, "max_bad_share": e.max_bad_share})
        for e in expectations
    ]
    gx_suite = context.suites.add_or_update(gx.ExpectationSuite(name=suite, expectations=definitions))
    validation = context.validation_definitions.add_or_update(gx.ValidationDefinition(name=suite, data=batch, suite=gx_suite))
    checkpoint = context.checkpoints.add_or_update(
        gx.Checkpoint(
            name=suite,
            validation_definitions=[validation],
            actions=[UpdateDataDocsAction(name="update_data_docs")],
            result_format={"result_format": "COMPLETE", "include_unexpected_rows": False, "partial_unexpected_count": MAX_EXAMPLES},
        )
    )
    outcome = checkpoint.run(batch_parameters={"dataframe": table.to_pandas()})
    failing: dict[str, list[int]] = {}
    for result in next(iter(outcome.run_results.values())).results:
        name = result.expectation_config.meta["check"]
        raised = result.exception_info
        infos = [raised] if "raised_exception" in raised else list(raised.values())
        for info in infos:
            if info["raised_exception"]:
                raise RuntimeError(f"suite {suite}, expectation {name}: {info['exception_message']}; mend the suite")
        failing[name] = [int(row) for row in result.result.get("unexpected_index_list") or []]
    return failing
