"""The bridge to Great Expectations: row-wise expectations over the rows of many partitions at once, findings by partition.

One validation judges a whole table; each failing row is then laid to its partition, so that a bad shard stops itself and nobody else. Results
go to a file context whose Data Docs hold each suite's last runs. Importing Great Expectations takes seconds: only `load` does it.
"""

import gc
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from resources.quality import judge
from resources.quality.data_docs import make_room, open_context, pages_are_due, writing
from resources.quality.loading import load, quiet

MAX_EXAMPLES = 5
EXAMPLE_CHARS = 200
LARGE_BYTES = 1 << 24


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

    def is_met(self, num_rows: int, num_bad: int) -> bool:
        """Return whether a partition with so many rows may have so many that fail."""
        return num_bad <= self.max_bad_share * num_rows


class Finding(NamedTuple):
    """What one expectation found in one partition. ``row`` in an example counts from 0 within the partition."""

    passed: bool
    num_rows: int
    num_bad: int
    examples: list[dict[str, str]]


def validate(
    suite: str, table: pa.Table, expectations: Sequence[Expectation], *, partition_column: str, example_columns: Sequence[str], site: Path
) -> dict[str, dict[str, Finding]]:
    """Judge a table's rows and return findings by partition and expectation.

    Raises:
        ValueError: two expectations have one name, or a row has no partition.
        RuntimeError: an expectation could not be evaluated (a column that is not there, a bad regex): a fault of the suite, not of the data.
    """
    if table.num_rows == 0:
        return {}
    if len({e.name for e in expectations}) < len(expectations):
        raise ValueError(f"suite {suite}: two expectations have one name, {[e.name for e in expectations]}; name each differently")
    partitions = table[partition_column]
    if partitions.null_count:
        raise ValueError(f"suite {suite}: {partitions.null_count} rows have no {partition_column!r}; every row needs its partition")
    try:
        results = judge.call(_failing, suite, table, list(expectations), site)
    finally:  # a run that failed has a page too
        pages_are_due(site)
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
            passed = expectation.is_met(first_row[code], len(rows))
            findings[name][expectation.name] = Finding(passed, first_row[code], len(rows), examples)
    return findings


def validate_pieces(
    suite: str, tables: Iterable[pa.Table], expectations: Sequence[Expectation], *, partition_column: str, example_columns: Sequence[str], site: Path
) -> dict[str, dict[str, Finding]]:
    """Judge rows that come piece by piece, partitions running on from one to the next, as `validate` would judge them all at once."""
    joined: dict[str, dict[str, Finding]] = {}
    for table in tables:
        found = validate(suite, table, expectations, partition_column=partition_column, example_columns=example_columns, site=site)
        for partition, findings in found.items():
            before = joined.get(partition, {})
            joined[partition] = {e.name: _joined(before.get(e.name), findings[e.name], e) for e in expectations}
    return joined


def _joined(before: Finding | None, after: Finding, expectation: Expectation) -> Finding:
    """Return what was found in two pieces of one partition, one behind the other."""
    if before is None:
        return after
    num_rows, num_bad = before.num_rows + after.num_rows, before.num_bad + after.num_bad
    moved = [example | {"row": str(int(example["row"]) + before.num_rows)} for example in after.examples]
    return Finding(expectation.is_met(num_rows, num_bad), num_rows, num_bad, [*before.examples, *moved][:MAX_EXAMPLES])


def _example(table: pa.Table, row: int, number: int, columns: Sequence[str]) -> dict[str, str]:
    values = {name: str(table[name][row].as_py())[:EXAMPLE_CHARS] for name in columns}
    return {"row": str(number), **{name: value for name, value in values.items() if value}}


def _definition(suite: str, expectation: Expectation) -> Any:
    """Return an expectation as Great Expectations' own object."""
    from great_expectations.expectations.expectation import ColumnMapExpectation, ColumnPairMapExpectation, MulticolumnMapExpectation
    from great_expectations.expectations.registry import get_expectation_impl

    meta = {"check": expectation.name, "max_bad_share": expectation.max_bad_share}
    try:
        kind = get_expectation_impl(expectation.type)
        definition = kind(**expectation.kwargs, description=expectation.description, meta=meta)
    except Exception as error:
        raise RuntimeError(f"suite {suite}, expectation {expectation.name}: {error}; mend the suite") from error
    if not isinstance(definition, ColumnMapExpectation | ColumnPairMapExpectation | MulticolumnMapExpectation):
        raise RuntimeError(f"suite {suite}, expectation {expectation.name}: {expectation.type} does not judge rows; use a row-wise one")
    return definition


def _failing_rows(suite: str, result: Any) -> list[int]:
    """Return the numbers of the rows that fail, in the whole table."""
    raised = result.exception_info
    for info in [raised] if "raised_exception" in raised else raised.values():
        if info["raised_exception"]:
            name = result.expectation_config.meta["check"]
            raise RuntimeError(f"suite {suite}, expectation {name}: {info['exception_message']}; mend the suite")
    return [int(row) for row in result.result.get("unexpected_index_list") or []]


def _failing(suite: str, table: pa.Table, expectations: Sequence[Expectation], site: Path) -> dict[str, list[int]]:
    """Judge a table and return the failing rows by expectation."""
    load()
    with quiet(), writing(site):
        make_room(suite, site)
        results = _run(suite, table, expectations, site)
    if table.nbytes > LARGE_BYTES:
        gc.collect()  # the context is a cycle that holds the rows: left to themselves, hundreds of megabytes pile up
    return results


def _run(suite: str, table: pa.Table, expectations: Sequence[Expectation], site: Path) -> dict[str, list[int]]:
    """Run one validation and return the failing rows by expectation."""
    import great_expectations as gx

    definitions = [_definition(suite, expectation) for expectation in expectations]
    context = open_context(site)
    source = context.data_sources.add_pandas("lake")
    batch = source.add_dataframe_asset(suite).add_batch_definition_whole_dataframe("rows")
    gx_suite = context.suites.add_or_update(gx.ExpectationSuite(name=suite, expectations=definitions))
    validation = context.validation_definitions.add(gx.ValidationDefinition(name=suite, data=batch, suite=gx_suite))
    checkpoint = context.checkpoints.add(
        gx.Checkpoint(
            name=suite,
            validation_definitions=[validation],
            actions=[],
            result_format={"result_format": "COMPLETE", "include_unexpected_rows": False, "partial_unexpected_count": MAX_EXAMPLES},
        )
    )
    frame = table.to_pandas(ignore_metadata=True)  # an index that pandas left in the schema would renumber the rows
    outcome = checkpoint.run(batch_parameters={"dataframe": frame})
    results = next(iter(outcome.run_results.values())).results
    return {result.expectation_config.meta["check"]: _failing_rows(suite, result) for result in results}
