"""Great Expectations suites on every corpus table, beside the assets that they judge."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import pyarrow as pa

from assets.corpus.documents import SourceLimits
from assets.corpus.names import CLEAN, DEDUPLICATED, DOCUMENTS, FILTERED
from assets.corpus.suite_rows import MAX_FAULT_SHARE, UNTOLD, facts_of, has_columns, rows_of
from assets.graph.build import Judging
from assets.graph.checks import Check, CheckFinding, CheckSuite, Findings
from assets.graph.upstream import Upstream, earlier_of_source
from resources.quality.expectations import Expectation, Finding, validate_pieces
from resources.storage.content import hash_json
from resources.storage.manifest import Cell

MOJIBAKE = r"\uFFFD|Ã[\u0080-\u00BF]|â€[\u0080-\u00BF\u2018-\u201E\u2122œ]|ï»¿"
"""UTF-8 read as Latin-1 or Windows-1252, and the replacement character, beyond the few that a reader tells of in a document's metadata."""
MAX_MOJIBAKE_SHARE = 0.05
EXAMPLE_CHARS = 200

IDS = (
    Expectation(
        name="ids_are_unique",
        description="No two documents of a partition have one id.",
        type="expect_column_values_to_be_in_set",
        kwargs={"column": "num_same_id", "value_set": [1]},
    ),
)
TEXTS = (
    *IDS,
    Expectation(
        name="text_is_not_empty",
        description="Every document has text that is more than white space.",
        type="expect_column_values_to_match_regex",
        kwargs={"column": "text", "regex": r"\S"},
    ),
    Expectation(
        name="text_is_not_mojibake",
        description=f"At most {MAX_MOJIBAKE_SHARE:.0%} of a partition's documents hold text decoded with the wrong charset.",
        type="expect_column_values_to_not_match_regex",
        kwargs={"column": UNTOLD, "regex": MOJIBAKE},
        max_bad_share=MAX_MOJIBAKE_SHARE,
    ),
)
SCHEMA = Expectation(
    name="schema_is_as_declared",
    description="The table has the columns and types of a document table.",
    type="expect_column_values_to_be_in_set",
    kwargs={"column": "schema", "value_set": [""]},
)
FAULTS_ARE_FEW = Expectation(
    name="faulty_records_are_few",
    description=f"At most {MAX_FAULT_SHARE:.0%} of a partition's records could not be read.",
    type="expect_column_values_to_be_between",
    kwargs={"column": "fault_share", "max_value": MAX_FAULT_SHARE},
)
NOT_ALL_DROPPED = Expectation(
    name="not_everything_is_dropped",
    description="A partition keeps at least one document.",
    type="expect_column_values_to_be_between",
    kwargs={"column": "num_rows", "min_value": 1},
    blocking=False,
)
WITHIN_LIMITS = tuple(
    Expectation(
        name=name,
        description=description,
        type="expect_column_values_to_be_between",
        kwargs={"column": f"{name}_excess", "max_value": 0},
        blocking=False,
    )
    for name, description in (
        ("keep_rate", "The share of documents that the filters keep is within the source's limits."),
        ("language_shares", "Each language has at least the share that the source's limits ask for."),
        ("length_drift", "Lengths are distributed like those of the partition before, within the source's limits."),
    )
)


def _describe(finding: Finding, expectation: Expectation) -> str:
    """Return what was measured, the limit, and examples of what fails."""
    if not finding.num_bad:
        return f"{finding.num_rows} rows, all good"
    limit = f" (at most {expectation.max_bad_share:.0%} may)" if expectation.max_bad_share else ""
    examples = "; ".join(", ".join(f"{k} {v[:EXAMPLE_CHARS]!r}" if k != "row" else f"row {v}" for k, v in row.items()) for row in finding.examples)
    return f"{finding.num_bad} of {finding.num_rows} rows fail{limit}: {examples}"


def corpus_suite(
    name: str,
    asset: str,
    columns: tuple[str, ...],
    rows: tuple[Expectation, ...],
    facts: tuple[Expectation, ...],
    limits: Mapping[str, SourceLimits] = MappingProxyType({}),
) -> CheckSuite:
    """Return a Great Expectations suite on one corpus asset: expectations on its rows, and on one row of facts a cell."""
    asked = {source: limit.model_dump(mode="json") for source, limit in limits.items()}
    drifting = {source for source, limit in limits.items() if limit.max_length_drift is not None}
    reads: tuple[Upstream, ...] = (earlier_of_source(asset).of(drifting),) if drifting else ()

    def version(e: Expectation) -> str:
        kwargs = {key: str(value) for key, value in e.kwargs.items()}
        return hash_json([e.type, kwargs, e.max_bad_share, e.blocking, asked if e in WITHIN_LIMITS else None])[:8]

    def evaluate(judging: Judging, cells: Sequence[Cell]) -> Findings:
        whole = [cell for cell in cells if has_columns(judging, cell, columns)]
        found: Findings = {cell: {e.name: NOT_JUDGED for e in rows} for cell in cells if cell not in whole}
        site = judging.home.data_docs

        def judge(suite: str, pieces: Iterable[pa.Table], expectations: tuple[Expectation, ...], judged: Sequence[Cell], examples: list[str]) -> None:
            by_partition = validate_pieces(suite, pieces, expectations, partition_column="partition", example_columns=examples, site=site)
            for cell in judged:
                for e in expectations:
                    finding = by_partition.get(str(cell.partition), {}).get(e.name, Finding(True, 0, 0, []))
                    numbers = {"num_rows": finding.num_rows, "num_bad": finding.num_bad}
                    found.setdefault(cell, {})[e.name] = CheckFinding(finding.passed, _describe(finding, e), numbers)

        if rows:
            judge(name, rows_of(judging, whole, columns), rows, whole, list(columns))
        if facts:
            judge(f"{name}_facts", [facts_of(judging, cells, limits)], facts, cells, ["schema", "faults", "found"])
        return found

    checks = tuple(Check(e.name, e.description, e.blocking, version(e)) for e in (*rows, *facts))
    return CheckSuite(name=name, asset=asset, checks=checks, evaluate=evaluate, reads=reads, has_data_docs=True)


NOT_JUDGED = CheckFinding(False, "not judged: the table lacks the columns it is about")


def corpus_suites(limits: Mapping[str, SourceLimits]) -> list[CheckSuite]:
    """Return the suites on the corpus, with what each source is to look like."""
    asked = {source: limit for source, limit in limits.items() if limit != SourceLimits()}
    return [
        *([corpus_suite("limits_suite", FILTERED, (), (), WITHIN_LIMITS, asked)] if asked else []),
        corpus_suite("documents_suite", DOCUMENTS, ("id", "text"), TEXTS, (SCHEMA, FAULTS_ARE_FEW)),
        corpus_suite("filtered_suite", FILTERED, ("id", "text"), TEXTS, (SCHEMA, NOT_ALL_DROPPED)),
        corpus_suite("deduplicated_suite", DEDUPLICATED, ("id", "text"), TEXTS, (SCHEMA, NOT_ALL_DROPPED)),
        corpus_suite("decontaminated_suite", CLEAN, ("id", "text"), TEXTS, (SCHEMA, NOT_ALL_DROPPED)),
    ]
