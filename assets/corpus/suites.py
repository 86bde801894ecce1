"""Great Expectations suites on every corpus table, beside the assets that they judge."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import pyarrow as pa

from assets.corpus.documents import CLEAN_ASSET, DEDUPLICATED_ASSET, DOCUMENTS_ASSET, FILTERED_ASSET, SourceLimits
from assets.corpus.suite_rows import MAX_FAULT_SHARE, facts_of, has_columns, rows_of
from assets.graph.artifact import Check, CheckSuite
from assets.tokens.tokens import SHARDS_ASSET
from resources.quality.expectations import Expectation, Finding, validate_pieces
from resources.storage.content import hash_json
from resources.storage.home import Home
from resources.storage.lake import Cell, Lake, Verdict

MOJIBAKE = r"\uFFFD|Ã[\u0080-\u00BF]|â€[\u0080-\u00BF\u2018-\u201E\u2122œ]|ï»¿"
"""UTF-8 read as Latin-1 or Windows-1252, and the replacement character."""
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
        kwargs={"column": "text", "regex": MOJIBAKE},
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
TOKENS_ARE_PRESENT = Expectation(
    name="every_document_has_tokens",
    description="Every document has a token beside the end of text.",
    type="expect_column_values_to_be_between",
    kwargs={"column": "num_tokens", "min_value": 2},
)


def _describe(finding: Finding) -> str:
    if not finding.num_bad:
        return f"{finding.num_rows} rows, all good"
    examples = "; ".join(", ".join(f"{k} {v[:EXAMPLE_CHARS]!r}" if k != "row" else f"row {v}" for k, v in row.items()) for row in finding.examples)
    return f"{finding.num_bad} of {finding.num_rows} rows fail: {examples}"


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
    versions = {
        e.name: hash_json([e.type, {k: str(v) for k, v in e.kwargs.items()}, e.max_bad_share, e.blocking, asked if e in WITHIN_LIMITS else None])[:8]
        for e in (*rows, *facts)
    }

    def evaluate(lake: Lake, home: Home, cells: list[Cell]) -> dict[Cell, dict[str, Verdict]]:
        verdicts: dict[Cell, dict[str, Verdict]] = {cell: {} for cell in cells}
        whole = [cell for cell in cells if has_columns(lake, cell, columns)]  # the others are left to the schema check

        def judge(suite: str, pieces: Iterable[pa.Table], expectations: tuple[Expectation, ...], judged: list[Cell], examples: list[str]) -> None:
            findings = validate_pieces(suite, pieces, expectations, partition_column="partition", example_columns=examples, site=home.data_docs)
            for cell in judged:
                for expectation in expectations:
                    finding = findings.get(str(cell.partition), {}).get(expectation.name, Finding(True, 0, 0, []))
                    verdicts[cell][expectation.name] = Verdict(
                        content=lake.require(cell).content,
                        version=versions[expectation.name],
                        passed=finding.passed,
                        blocking=expectation.blocking,
                        description=_describe(finding),
                        metadata={"num_rows": finding.num_rows, "num_bad": finding.num_bad},
                    )

        judge(name, rows_of(lake, whole, columns), rows, whole, list(columns))
        if facts:
            judge(f"{name}_facts", [facts_of(lake, cells, limits)], facts, cells, ["schema", "faults", "found"])
        for cell in cells:
            for expectation in rows:
                verdicts[cell].setdefault(expectation.name, _unjudged(lake, cell, expectation, versions[expectation.name]))
        return verdicts

    checks = tuple(Check(e.name, e.description, e.blocking, versions[e.name]) for e in (*rows, *facts))
    return CheckSuite(name=name, asset=asset, checks=checks, evaluate=evaluate)


def _unjudged(lake: Lake, cell: Cell, expectation: Expectation, version: str) -> Verdict:
    return Verdict(
        content=lake.require(cell).content,
        version=version,
        passed=False,
        blocking=expectation.blocking,
        description="not judged: the table lacks the columns it is about",
    )


def corpus_suites(limits: Mapping[str, SourceLimits]) -> list[CheckSuite]:
    """Return the suites on the corpus, with what each source is to look like."""
    return [
        corpus_suite("documents_suite", DOCUMENTS_ASSET, ("id", "text"), TEXTS, (SCHEMA, FAULTS_ARE_FEW)),
        corpus_suite("filtered_suite", FILTERED_ASSET, ("id", "text"), TEXTS, (SCHEMA, NOT_ALL_DROPPED, *WITHIN_LIMITS), limits),
        corpus_suite("deduplicated_suite", DEDUPLICATED_ASSET, ("id", "text"), TEXTS, (SCHEMA, NOT_ALL_DROPPED)),
        corpus_suite("decontaminated_suite", CLEAN_ASSET, ("id", "text"), TEXTS, (SCHEMA, NOT_ALL_DROPPED)),
        corpus_suite("tokens_suite", SHARDS_ASSET, ("id", "num_tokens"), (*IDS, TOKENS_ARE_PRESENT), ()),
    ]
