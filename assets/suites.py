"""Checks beside the assets: Great Expectations suites on every corpus table, and the questions asked of models."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import pyarrow as pa

from assets.artifact import Check, CheckSuite
from assets.corpus import CLEAN_ASSET, DEDUPLICATED_ASSET, DOCUMENTS_ASSET, FILTERED_ASSET, SourceLimits, source_of
from assets.curation import CURATION_ASSET, GroupLimits
from assets.models import LOSSES, ModelPlan, model_asset
from assets.tokens import SHARDS_ASSET
from kernels.documents import DOCUMENTS
from kernels.specs import Eval
from resources.content import hash_json
from resources.expectations import Expectation, Finding, validate_pieces
from resources.home import Home
from resources.lake import Cell, Lake, Verdict
from resources.registry import Location, load_registry, standing_cells
from resources.tables import read_tables

MOJIBAKE = r"\uFFFD|Ã[\u0080-\u00BF]|â€[\u0080-\u00BF\u2018-\u201E\u2122œ]|ï»¿"
"""UTF-8 read as Latin-1 or Windows-1252, and the replacement character."""
MAX_FAULT_SHARE = 0.2
FAULTS = frozenset(
    """damaged truncated undecodable not_wikitext invalid_json schema
    role_order empty_turn control_token invalid_unicode duplicate_key""".split()  # noqa: SIM905 (a column of words reads worse)
)
"""Reasons that tell of a bad file; the other rejects (redirects, pages without text, generated code) are as it should be."""
MAX_MOJIBAKE_SHARE = 0.05
MAX_KL_NATS = 0.05
MIN_TOP1_AGREEMENT = 0.8
TABLE = "documents"
"""The table of a corpus cell that its suite judges."""
PIECE_BYTES = 1 << 25
PIECE_ROWS = 50_000
"""What a suite judges at a time; it takes several times as much memory."""
EXAMPLE_CHARS = 200
SHOWN_FAULTS = 3

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


def _schema_difference(schema: pa.Schema) -> str:
    """Return how a schema differs from a document table's, empty where it does not."""
    declared = {field.name: field.type for field in DOCUMENTS}
    found = {field.name: field.type for field in schema}
    changes = [f"{name} is missing" for name in declared if name not in found]
    changes += [f"{name} is {found[name]}, not {kind}" for name, kind in declared.items() if name in found and found[name] != kind]
    return "; ".join(changes + [f"{name} is unknown" for name in found if name not in declared])


def _excesses(lake: Lake, cell: Cell, limits: Mapping[str, SourceLimits]) -> dict[str, Any]:
    """Return by how much a cell is outside its source's limits, 0 or less where it is inside, and what was found."""
    own, limit = lake.require(cell).metadata, limits.get(source_of(cell.partition), SourceLimits())
    keep_rate, shares = float(own.get("keep_rate", 1)), own.get("language_shares", {})
    low, high = limit.keep_rate or (0, 1)
    missing = {language: share - shares.get(language, 0) for language, share in limit.language_shares.items()} if shares else {}
    drifts = _drifts(lake, cell) if limit.max_length_drift is not None else {}
    found = {"keep_rate": keep_rate, **{f"share of {language}": shares.get(language, 0) for language in missing}, **drifts}
    return {
        "keep_rate_excess": max(low - keep_rate, keep_rate - high),
        "language_shares_excess": max(missing.values(), default=0.0),
        "length_drift_excess": max(drifts.values(), default=0.0) - (limit.max_length_drift or 0),
        "found": ", ".join(f"{name} {value:.3g}" for name, value in found.items()),
    }


def _drifts(lake: Lake, cell: Cell) -> dict[str, float]:
    """Return the relative change of each length quantile from the accepted partition of the source before."""
    keys = [partition.key for partition in load_registry(lake, cell.recipe).active() if partition.source == source_of(cell.partition)]
    before = [Cell(cell.recipe, cell.asset, key) for key in keys[: keys.index(str(cell.partition))]] if cell.partition in keys else []
    accepted = [other for other in before if lake.manifest(other) is not None and lake.blocked_by(other) is None]
    if not accepted:
        return {}
    old, new = (lake.require(other).metadata.get("length_quantiles", {}) for other in (accepted[-1], cell))
    return {f"drift of {name}": abs(new[name] - old[name]) / max(1.0, old[name]) for name in old.keys() & new.keys()}


def _facts(lake: Lake, cells: Iterable[Cell], limits: Mapping[str, SourceLimits]) -> pa.Table:
    """Return one row a cell: what a whole table must satisfy."""
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = []
    for cell in cells:
        metadata = pq.read_metadata(lake.folder(cell) / f"{TABLE}.parquet")
        faults = _faults(lake, cell)
        share = len(faults) / max(1, len(faults) + metadata.num_rows)
        rows.append(
            {
                "partition": cell.partition,
                "num_rows": metadata.num_rows,
                "fault_share": share,
                "schema": _schema_difference(metadata.schema.to_arrow_schema()),
                "faults": "; ".join(faults[:SHOWN_FAULTS]) if share > MAX_FAULT_SHARE else "",
                **_excesses(lake, cell, limits),
            }
        )
    return pa.Table.from_pylist(rows)


def _faults(lake: Lake, cell: Cell) -> list[str]:
    """Return the records of a cell that could not be read, as text."""
    if "rejects.parquet" not in lake.require(cell).files:
        return []
    rows: list[dict[str, str]] = lake.table(cell, "rejects").to_pylist()
    return [f"{row['path']} {row['key']}: {row['reason']} {row['detail']}" for row in rows if row["reason"] in FAULTS]


def _rows(lake: Lake, cells: Iterable[Cell], columns: tuple[str, ...]) -> Iterator[pa.Table]:
    """Yield the rows of many cells in pieces of bounded size.

    ``partition`` is the cell's, and ``num_same_id`` tells how many of its rows have the row's id.
    """
    held: list[pa.Table] = []
    for cell in cells:
        path = lake.folder(cell) / f"{TABLE}.parquet"
        num_same_id = _count_ids(path)
        start = 0
        for rows in read_tables(path, list(columns)):
            for piece in rows.select(columns).to_batches(PIECE_ROWS):
                partition = pa.repeat(str(cell.partition), piece.num_rows)
                counted = num_same_id.slice(start, piece.num_rows)
                held.append(pa.table([*piece.columns, partition, counted], [*columns, "partition", "num_same_id"]))
                start += piece.num_rows
                if sum(part.num_rows for part in held) >= PIECE_ROWS or sum(part.nbytes for part in held) >= PIECE_BYTES:
                    yield pa.concat_tables(held, promote_options="permissive")
                    held.clear()
    if held:
        yield pa.concat_tables(held, promote_options="permissive")


def _has(lake: Lake, cell: Cell, columns: tuple[str, ...]) -> bool:
    import pyarrow.parquet as pq

    return set(columns) <= set(pq.read_schema(lake.folder(cell) / f"{TABLE}.parquet").names)


def _count_ids(path: Path) -> pa.Array:
    """Return how many rows of a table have each row's id. Ids are held as hashes of 64 bits: two of n differ and count as one at n²/2⁶⁵."""
    import polars as pl

    hashes = [cast(pl.Series, pl.from_arrow(rows["id"])).hash() for rows in read_tables(path, ["id"])]
    ids = pl.concat(hashes).alias("id") if hashes else pl.Series("id", [], pl.UInt64)
    return ids.to_frame().select(pl.len().over("id").cast(pl.Int64))["len"].to_arrow()


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
        whole = [cell for cell in cells if _has(lake, cell, columns)]  # the others are left to the schema check

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

        judge(name, _rows(lake, whole, columns), rows, whole, list(columns))
        if facts:
            judge(f"{name}_facts", [_facts(lake, cells, limits)], facts, cells, ["schema", "faults", "found"])
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


Judge = Callable[[Lake, Home, Cell], tuple[bool, str, dict[str, Any]]]


def single_check(name: str, description: str, asset: str, blocking: bool, version: int | str, judge: Judge) -> CheckSuite:
    """Return a suite of one check that looks at one cell at a time."""

    def evaluate(lake: Lake, home: Home, cells: list[Cell]) -> dict[Cell, dict[str, Verdict]]:
        verdicts: dict[Cell, dict[str, Verdict]] = {}
        for cell in cells:
            passed, finding, metadata = judge(lake, home, cell)
            content = lake.require(cell).content
            verdicts[cell] = {
                name: Verdict(content=content, version=str(version), passed=passed, blocking=blocking, description=finding, metadata=metadata)
            }
        return verdicts

    suite = f"{asset.replace('/', '_')}__{name}"
    return CheckSuite(name=suite, asset=asset, checks=(Check(name, description, blocking, str(version)),), evaluate=evaluate)


def group_suite(limits: GroupLimits) -> CheckSuite:
    """Return the check that curation erases no group of people."""

    def judge(lake: Lake, home: Home, cell: Cell) -> tuple[bool, str, dict[str, Any]]:
        rows = [row for row in lake.table(cell, "mentions").to_pylist() if row["before"] >= limits.min_documents]
        low = [row for row in rows if row["relative"] < (limits.min_relative or 0)]
        finding = "; ".join(
            f"{row['group']}: {row['before']} documents before, {row['after']} after, {row['relative']:.2f} of the rate of all" for row in low
        )
        return not low, finding or f"{len(rows)} groups are kept as others are", {"num_groups": len(rows), "num_low": len(low)}

    asked = "nothing is asked" if limits.min_relative is None else f"at least {limits.min_relative} of the rate of all"
    description = f"Documents that mention a group of people are kept about as often as others: {asked}."
    return single_check("no_group_is_erased", description, CURATION_ASSET, False, hash_json(limits.model_dump())[:8], judge)


def _judge_losses(lake: Lake, home: Home, cell: Cell) -> tuple[bool, str, dict[str, Any]]:
    losses = [float(value) for value in lake.table(cell, LOSSES.removesuffix(".parquet"))["loss"].to_pylist() if value is not None]
    tenth = max(1, len(losses) // 10)
    first, last = sum(losses[:tenth]) / tenth, sum(losses[-tenth:]) / tenth
    finite = all(math.isfinite(loss) for loss in losses)
    return finite and last < first, f"loss {first:.3f} -> {last:.3f} over {len(losses)} records", {"first": first, "last": last}


def _judge_quantized(lake: Lake, home: Home, cell: Cell) -> tuple[bool, str, dict[str, Any]]:
    metadata = lake.require(cell).metadata
    kl, agreement = float(metadata["mean_logit_kl"]), float(metadata["top1_agreement"])
    passed = kl <= MAX_KL_NATS and agreement >= MIN_TOP1_AGREEMENT
    return passed, f"KL {kl:.2g} nats, same first choice {agreement:.1%}", {"mean_logit_kl": kl, "top1_agreement": agreement}


def model_suites(
    models: Mapping[str, ModelPlan], training_sources: Mapping[str, set[str]], evals: Mapping[str, tuple[Eval, Location]]
) -> list[CheckSuite]:
    """Return the checks on models: those of training, of quantization, and that no eval text was trained on."""
    suites: list[CheckSuite] = []
    for name, plan in models.items():
        asset = model_asset(name)
        if plan.method.data in ("mixture", "conversations"):
            suites.append(
                single_check("loss_is_finite_and_fell", "Every loss is finite and the last tenth is below the first.", asset, True, 1, _judge_losses)
            )
            if evals:
                suites.append(_decontamination_check(asset, training_sources[name], evals))
        if plan.method.name == "int8":
            description = (
                f"The mean KL divergence from its parent is at most {MAX_KL_NATS} nats a token and {MIN_TOP1_AGREEMENT:.0%} of first choices agree."
            )
            suites.append(single_check("stays_close_to_its_parent", description, asset, True, 1, _judge_quantized))
    return suites


def _decontamination_check(asset: str, sources: set[str], evals: Mapping[str, tuple[Eval, Location]]) -> CheckSuite:
    def judge(lake: Lake, home: Home, cell: Cell) -> tuple[bool, str, dict[str, Any]]:
        from pathlib import Path

        import polars as pl

        from kernels.contamination import find_contaminated, index_evals

        texts = [text for spec, location in evals.values() if spec.texts for text in spec.texts(Path(location.root))]
        trained = [c for c in standing_cells(lake, cell.recipe) if c.asset == CLEAN_ASSET and source_of(c.partition) in sources]
        index = index_evals(texts)
        parts = [find_contaminated(table, index) for c in trained for table in read_tables(lake.folder(c) / "documents.parquet")]
        found = pl.concat([find_contaminated(DOCUMENTS.empty_table(), index), *parts])
        examples = "; ".join(f"{row['id']}: {row['ngram']!r}" for row in found.head(3).iter_rows(named=True))
        finding = f"{found['id'].n_unique()} documents share 13 words with an eval item" + (f": {examples}" if examples else "")
        return found.is_empty(), finding, {"num_documents": found["id"].n_unique(), "num_eval_items": len(texts)}

    description = "No document it was trained on shares 13 words in a row with an item of the recipe's evals."
    return single_check("no_eval_text_in_training", description, asset, False, 1, judge)
