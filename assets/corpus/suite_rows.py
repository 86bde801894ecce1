"""What corpus suites judge: the rows of many cells in pieces, and facts of each cell as a whole."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from assets.corpus.documents import SourceLimits
from assets.graph.build import Judging
from assets.graph.upstream import Partition, source_of
from kernels.documents.conversations import disagreement, turns_of
from kernels.documents.schema import DOCUMENTS
from kernels.reading.parsing.charsets import FEW_REPLACED, MAX_REPLACED_SHARE
from resources.storage.manifest import Cell
from resources.storage.tables import read_tables

TURNS_FAULT = "turns_fault"
TABLE = "documents"
"""The table of a corpus cell that its suite judges."""
PIECE_BYTES = 1 << 25
PIECE_ROWS = 50_000
"""What a suite judges at a time; it takes several times as much memory."""
SHOWN_FAULTS = 3
FAULTS = frozenset(
    """damaged truncated undecodable not_wikitext invalid_json schema
    role_order empty_turn invalid_unicode""".split()  # noqa: SIM905 (a column of words reads worse)
)
"""Reasons that tell of a bad file; the other rejects (redirects, pages without text, generated code, records that come twice) are as it should be."""
UNTOLD = "text_beside_replaced"
"""The column of a document's text without the replacement characters that its metadata tells of, where they are few."""


def limits_of(limits: Mapping[str, SourceLimits], partition: Partition) -> SourceLimits:
    """Return what the recipe asks of a partition."""
    return limits.get(source_of(partition), SourceLimits())


def _schema_difference(schema: pa.Schema) -> str:
    """Return how a schema differs from a document table's, empty where it does not."""
    declared = {field.name: field.type for field in DOCUMENTS}
    found = {field.name: field.type for field in schema}
    changes = [f"{name} is missing" for name in declared if name not in found]
    changes += [f"{name} is {found[name]}, not {kind}" for name, kind in declared.items() if name in found and found[name] != kind]
    return "; ".join(changes + [f"{name} is unknown" for name in found if name not in declared])


def _excesses(judging: Judging, cell: Cell, limits: Mapping[str, SourceLimits]) -> dict[str, Any]:
    """Return by how much a cell is outside its source's limits, 0 or less where it is inside, and what was found."""
    own, limit = judging.manifest(cell).metadata, limits_of(limits, cell.partition)
    keep_rate, shares = float(own.get("keep_rate", 1)), own.get("language_shares", {})
    low, high = limit.keep_rate or (0, 1)
    missing = {language: share - shares.get(language, 0) for language, share in limit.language_shares.items()} if shares else {}
    drifts = _drifts(judging, cell) if limit.max_length_drift is not None else {}
    found = {"keep_rate": keep_rate, **{f"share of {language}": shares.get(language, 0) for language in missing}, **drifts}
    return {
        "keep_rate_excess": max(low - keep_rate, keep_rate - high),
        "language_shares_excess": max(missing.values(), default=0.0),
        "length_drift_excess": max(drifts.values(), default=0.0) - (limit.max_length_drift or 0),
        "found": ", ".join(f"{name} {value:.3g}" for name, value in found.items()),
    }


def _drifts(judging: Judging, cell: Cell) -> dict[str, float]:
    """Return the relative change of each length quantile from the accepted partition of the source before."""
    keys = judging.state.observed.keys_of({source_of(cell.partition)})
    before = keys[: keys.index(str(cell.partition))] if cell.partition in keys else ()
    accepted = [key for key in before if judging.state.usable(cell.asset, key) is not None]
    if not accepted:
        return {}
    old, new = (judging.manifest(cell._replace(partition=key)).metadata.get("length_quantiles", {}) for key in (accepted[-1], cell.partition))
    return {f"drift of {name}": abs(new[name] - old[name]) / max(1.0, old[name]) for name in old.keys() & new.keys()}


def facts_of(judging: Judging, cells: Iterable[Cell], limits: Mapping[str, SourceLimits]) -> pa.Table:
    """Return one row a cell: what a whole table must satisfy."""
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = []
    for cell in cells:
        metadata = pq.read_metadata(judging.folder(cell) / f"{TABLE}.parquet")
        faults = _faults(judging, cell)
        share = len(faults) / max(1, len(faults) + metadata.num_rows)
        limit = limits_of(limits, cell.partition)
        rows.append(
            {
                "partition": cell.partition,
                "num_rows": metadata.num_rows,
                "fault_share_excess": share - limit.max_fault_share,
                "num_rows_lacking": limit.min_documents - metadata.num_rows,
                "schema": _schema_difference(metadata.schema.to_arrow_schema()),
                "faults": f"{share:.0%} of records are faulty: " + "; ".join(faults[:SHOWN_FAULTS]) if share > limit.max_fault_share else "",
                **_excesses(judging, cell, limits),
            }
        )
    return pa.Table.from_pylist(rows)


def _faults(judging: Judging, cell: Cell) -> list[str]:
    """Return the records of a cell that could not be read, as text."""
    if "rejects.parquet" not in judging.manifest(cell).files:
        return []
    rows: list[dict[str, str]] = judging.table(cell, "rejects").to_pylist()
    return [f"{row['path']} {row['key']}: {row['reason']} {row['detail']}" for row in rows if row["reason"] in FAULTS]


def rows_of(judging: Judging, cells: Iterable[Cell], columns: tuple[str, ...]) -> Iterator[pa.Table]:
    """Yield the rows of many cells in pieces of bounded size.

    ``partition`` is the cell's, ``num_same_id`` tells how many of its rows have the row's id, and `UNTOLD` is the text that is judged as read.
    In the place of ``turns`` stands ``turns_fault``: what is wrong with a conversation, nothing where it is whole and its text is that of its
    turns.
    """
    named = [TURNS_FAULT if column == "turns" else column for column in columns]
    held: list[pa.Table] = []
    for cell in cells:
        path = judging.folder(cell) / f"{TABLE}.parquet"
        num_same_id = _count_ids(path)
        start = 0
        metadata = ["metadata"] if "text" in columns and has_columns(judging, cell, ("metadata",)) else []
        for rows in read_tables(path, [*columns, *metadata]):
            for piece in rows.to_batches(PIECE_ROWS):
                partition = pa.repeat(str(cell.partition), piece.num_rows)
                values = [_turns_faults(piece) if column == "turns" else piece[column] for column in columns]
                added = {"partition": partition, "num_same_id": num_same_id.slice(start, piece.num_rows)}
                if "text" in columns:
                    added[UNTOLD] = untold(piece)
                held.append(pa.table({**dict(zip(named, values, strict=True)), **added}))
                start += piece.num_rows
                if sum(part.num_rows for part in held) >= PIECE_ROWS or sum(part.nbytes for part in held) >= PIECE_BYTES:
                    yield pa.concat_tables(held, promote_options="permissive")
                    held.clear()
    if held:
        yield pa.concat_tables(held, promote_options="permissive")


def _turns_faults(rows: pa.RecordBatch) -> pa.Array:
    turns = turns_of(rows["turns"])
    texts = rows["text"].to_pylist() if any(turns) else [""] * len(turns)
    return pa.array([disagreement(str(text), found) for text, found in zip(texts, turns, strict=True)], pa.string())


def untold(piece: pa.RecordBatch) -> pa.Array:
    """Return the texts of a piece without the replacement characters that their metadata tells of."""
    import pyarrow.compute

    pc: Any = pyarrow.compute
    texts: Any = piece["text"]
    marked = pc.match_substring(texts, "\ufffd")
    if "metadata" not in piece.schema.names or not pc.any(marked).as_py():
        return texts
    told = pa.array([_num_told(row) for row in piece["metadata"].to_pylist()], pa.int64())
    allowed = pc.max_element_wise(pc.multiply(pc.utf8_length(texts), MAX_REPLACED_SHARE), FEW_REPLACED)
    counts = pc.count_substring(texts, "\ufffd")
    is_told = pc.and_(pc.less_equal(counts, told), pc.less_equal(counts, allowed))
    return pc.if_else(is_told, pc.replace_substring(texts, "\ufffd", ""), texts)


def _num_told(metadata: str | None) -> int:
    """Return how many replaced characters a document's metadata tells of."""
    found: Any = json.loads(metadata).get("num_replaced") if metadata and "num_replaced" in metadata else 0
    return found if isinstance(found, int) else 0


def has_columns(judging: Judging, cell: Cell, columns: tuple[str, ...]) -> bool:
    """Return whether a cell's table has all of some columns."""
    import pyarrow.parquet as pq

    return set(columns) <= set(pq.read_schema(judging.folder(cell) / f"{TABLE}.parquet").names)


def _count_ids(path: Path) -> pa.Array:
    """Return how many rows of a table have each row's id. Ids are held as hashes of 64 bits: two of n differ and count as one at n²/2⁶⁵."""
    import polars as pl

    hashes = [cast(pl.Series, pl.from_arrow(rows["id"])).hash() for rows in read_tables(path, ["id"])]
    ids = pl.concat(hashes).alias("id") if hashes else pl.Series("id", [], pl.UInt64)
    return ids.to_frame().select(pl.len().over("id").cast(pl.Int64))["len"].to_arrow()
