"""Great Expectations suites on every corpus table, beside the assets that they judge."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import pyarrow as pa

from assets.corpus.documents import SourceLimits
from assets.corpus.names import CLEAN, DEDUPLICATED, DOCUMENTS, FILTERED
from assets.corpus.suite_rows import TURNS_FAULT, UNTOLD, facts_of, has_columns, limits_of, rows_of
from assets.graph.build import Judging
from assets.graph.checks import BAD_ROWS, Check, CheckFinding, CheckSuite, Findings
from assets.graph.upstream import Upstream, earlier_of_source
from resources.quality.expectations import Expectation, Finding, validate_pieces
from resources.storage.content import hash_json
from resources.storage.manifest import Cell

MOJIBAKE = r"\uFFFD|Ã[\u0080-\u00BF]|â€[\u0080-\u00BF\u2018-\u201E\u2122œ]|ï»¿"
"""UTF-8 read as Latin-1 or Windows-1252, and the replacement character, beyond the few that a reader tells of in a document's metadata."""
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
        description="Documents have text that is more than white space, but for the share that the source's limits allow.",
        type="expect_column_values_to_match_regex",
        kwargs={"column": "text", "regex": r"\S"},
    ),
    Expectation(
        name="text_is_not_mojibake",
        description="No more of a partition's documents than its source's limits allow hold text decoded with the wrong charset.",
        type="expect_column_values_to_not_match_regex",
        kwargs={"column": UNTOLD, "regex": MOJIBAKE},
    ),
    Expectation(
        name="conversations_are_whole",
        description="In every conversation user and assistant speak in turn, nobody says nothing, and the text is that of the turns.",
        type="expect_column_values_to_be_in_set",
        kwargs={"column": TURNS_FAULT, "value_set": [""]},
    ),
)
COLUMNS = ("id", "text", "turns")
SCHEMA = Expectation(
    name="schema_is_as_declared",
    description="The table has the columns and types of a document table.",
    type="expect_column_values_to_be_in_set",
    kwargs={"column": "schema", "value_set": [""]},
)
FAULTS_ARE_FEW = Expectation(
    name="faulty_records_are_few",
    description="No more of a partition's records are unreadable than its source's limits allow.",
    type="expect_column_values_to_be_between",
    kwargs={"column": "fault_share_excess", "max_value": 0},
)
NOT_ALL_DROPPED = Expectation(
    name="not_everything_is_dropped",
    description="A partition keeps as many documents as its source's limits ask for.",
    type="expect_column_values_to_be_between",
    kwargs={"column": "num_rows_lacking", "max_value": 0},
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


THRESHOLDS = {
    "text_is_not_mojibake": "max_mojibake_share",
    "text_is_not_empty": "max_empty_share",
    "every_document_has_tokens": "max_tokenless_share",
    "faulty_records_are_few": "max_fault_share",
    "not_everything_is_dropped": "min_documents",
    "keep_rate": "keep_rate",
    "language_shares": "language_shares",
    "length_drift": "max_length_drift",
}
"""Which of a source's limits each check holds its partitions to. The others have none: ids are unique, a schema is as declared, or they are not."""
SHARES_OF_ROWS = ("text_is_not_mojibake", "text_is_not_empty", "every_document_has_tokens")


def _allowed(limit: SourceLimits, expectation: Expectation) -> float:
    """Return the share of a partition's rows that may fail."""
    return getattr(limit, THRESHOLDS[expectation.name]) if expectation.name in SHARES_OF_ROWS else expectation.max_bad_share


def _describe(finding: Finding, allowed: float) -> str:
    """Return what was measured, the limit, and examples of what fails."""
    if not finding.num_bad:
        return f"{finding.num_rows} rows, all good"
    limit = f" (at most {allowed:.3%} may)".replace(".000%", "%") if allowed else ""
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
    drifting = {source for source, limit in limits.items() if limit.max_length_drift is not None}
    reads: tuple[Upstream, ...] = (earlier_of_source(asset).of(drifting),) if drifting and facts is WITHIN_LIMITS else ()

    def version(e: Expectation) -> str:
        kwargs = {key: str(value) for key, value in e.kwargs.items()}
        field = THRESHOLDS.get(e.name, "")
        asked = {source: limit.model_dump(mode="json", exclude_defaults=True).get(field) for source, limit in limits.items()}
        return hash_json([e.type, kwargs, e.max_bad_share, e.blocking, {source: value for source, value in asked.items() if value is not None}])[:8]

    def evaluate(judging: Judging, cells: Sequence[Cell]) -> Findings:
        whole = [cell for cell in cells if has_columns(judging, cell, columns)]
        found: Findings = {cell: {e.name: NOT_JUDGED for e in rows} for cell in cells if cell not in whole}
        site = judging.home.data_docs

        def judge(suite: str, pieces: Iterable[pa.Table], expectations: tuple[Expectation, ...], judged: Sequence[Cell], examples: list[str]) -> None:
            by_partition = validate_pieces(suite, pieces, expectations, partition_column="partition", example_columns=examples, site=site)
            for cell in judged:
                for e in expectations:
                    finding = by_partition.get(str(cell.partition), {}).get(e.name, Finding(True, 0, 0, []))
                    allowed = _allowed(limits_of(limits, cell.partition), e)
                    numbers = {"num_rows": finding.num_rows, BAD_ROWS: finding.num_bad} if expectations is rows else {}
                    passed = finding.num_bad <= allowed * finding.num_rows
                    found.setdefault(cell, {})[e.name] = CheckFinding(passed, _describe(finding, allowed), numbers)

        if rows:
            judge(name, rows_of(judging, whole, columns), rows, whole, [TURNS_FAULT if column == "turns" else column for column in columns])
        if facts:
            judge(f"{name}_facts", [facts_of(judging, cells, limits)], facts, cells, ["schema", "faults", "found"])
        return found

    checks = tuple(Check(e.name, e.description, e.blocking, version(e)) for e in (*rows, *facts))
    return CheckSuite(name=name, asset=asset, checks=checks, evaluate=evaluate, reads=reads, has_data_docs=True)


NOT_JUDGED = CheckFinding(False, "not judged: the table lacks the columns it is about")


def corpus_suites(limits: Mapping[str, SourceLimits]) -> list[CheckSuite]:
    """Return the suites on the corpus, with what each source is to look like."""
    asks = any(limit.asks_of_curation for limit in limits.values())
    return [
        *([corpus_suite("limits_suite", FILTERED, (), (), WITHIN_LIMITS, limits)] if asks else []),
        corpus_suite("documents_suite", DOCUMENTS, COLUMNS, TEXTS, (SCHEMA, FAULTS_ARE_FEW), limits),
        corpus_suite("filtered_suite", FILTERED, COLUMNS, TEXTS, (SCHEMA, NOT_ALL_DROPPED), limits),
        corpus_suite("deduplicated_suite", DEDUPLICATED, COLUMNS, TEXTS, (SCHEMA, NOT_ALL_DROPPED), limits),
        corpus_suite("decontaminated_suite", CLEAN, COLUMNS, TEXTS, (SCHEMA, NOT_ALL_DROPPED), limits),
    ]
