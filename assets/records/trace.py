"""One document followed through the graph: where it came from, what each stage made of it, and what was made from it."""

from typing import Any, NamedTuple

from assets.corpus.names import CLEAN, DEDUPLICATED, DOCUMENTS, EVAL_TEXTS, FILTERED, TRIMMED
from resources.storage.lake import Lake
from resources.storage.manifest import Cell
from resources.storage.sources import Partition, load_sources, standing_cells
from resources.storage.tables import read_table

MAX_NEAREST = 5
MIXTURES_PREFIX = "tokens/mixture_"
HOLDERS = (MIXTURES_PREFIX, "models/", "release")
SHARDS_PREFIX = "tokens/shards"


class DocumentTrace(NamedTuple):
    """What the lake knows of one document; lists are empty and rows None where a stage has nothing of it."""

    id: str
    partition: str
    document: dict[str, Any] | None
    """The row as it was extracted."""
    reject: dict[str, Any] | None
    """The record that became no document."""
    tags: list[dict[str, Any]]
    dropped: dict[str, Any] | None
    """By a filter, or by the cutting of passages."""
    duplicate: dict[str, Any] | None
    """Whom it duplicates."""
    duplicates: list[dict[str, Any]]
    """Whom it stands for: documents dropped for it."""
    cuts: list[dict[str, Any]]
    contaminated: list[dict[str, Any]]
    is_clean: bool
    """Whether it is among the documents that tokens are made from."""
    num_tokens: int | None
    """Tokens in its shard, None where no shard holds it."""
    stands_in: list[tuple[str, list[dict[str, Any]]]]
    """Mixtures that hold tokens of it, and in which rows."""
    made_from_it: list[tuple[str, str]]
    """Those mixtures, and models and releases made from them or from its partition where it was kept, with their content."""

    @property
    def outcome(self) -> str:
        """What became of it, in a few words."""
        if self.document is None and self.reject is not None:
            return f"rejected: {self.reject['reason']}"
        if self.dropped is not None:
            return f"dropped by {self.dropped['filter']}: {self.dropped['reason']}"
        if self.duplicate is not None:
            return f"dropped as {self.duplicate['kind']} duplicate of {self.duplicate['kept_id']}"
        if self.num_tokens is not None:
            return "in the shards"
        if self.is_clean:
            return "kept, not yet in a shard"
        if self.contaminated:
            return f"dropped: it holds text of {self.contaminated[0]['evals']}"
        return "dropped: nothing was left of it" if self.cuts else "not yet curated to the end"


def trace_document(lake: Lake, recipe: str, document_id: str) -> DocumentTrace:
    """Return what became of one document by its id (``source/path#key``).

    Raises:
        KeyError: no stage knows the id (names the nearest of the same file, and how to look for others).
    """
    partitions = [partition for partition in load_sources(lake, recipe).active if _holds(partition, document_id)]
    for partition in partitions:
        trace = _trace(lake, recipe, document_id, partition.key)
        if trace.document is not None or trace.reject is not None:
            return trace
    near = _nearest(lake, recipe, document_id, partitions)
    hint = f"; the same file has {', '.join(near)}" if near else "; ids read source/path#key"
    raise KeyError(f"no document {document_id!r}{hint}; look with: mill sql \"select id from corpus_documents where text like '%...%'\"")


def _holds(partition: Partition, document_id: str) -> bool:
    return any(document_id.startswith(f"{partition.source}/{file.path}#") for file in partition.files)


def _rows(lake: Lake, cell: Cell, table: str, column: str, value: str) -> list[dict[str, Any]]:
    """Return the rows of a cell's table with one value; none where there is no such cell or table. Other rows are passed by, not read."""
    manifest = lake.readable(cell)
    if manifest is None or f"{table}.parquet" not in manifest.files:
        return []
    return read_table(lake.folder(cell) / f"{table}.parquet", only=(column, value)).to_pylist()


def _trace(lake: Lake, recipe: str, document_id: str, partition: str) -> DocumentTrace:
    def rows(asset: str, table: str) -> list[dict[str, Any]]:
        return _rows(lake, Cell(recipe, asset, partition), table, "id", document_id)

    shards = sorted({cell.asset for cell in standing_cells(lake, recipe) if cell.asset.startswith(SHARDS_PREFIX)})
    tokens = [row for asset in shards for row in rows(asset, "documents")]
    mixtures = [cell for cell in standing_cells(lake, recipe) if cell.asset.startswith(MIXTURES_PREFIX)] if tokens else []
    members = {cell.asset: _rows(lake, cell, "membership", "id", document_id) for cell in mixtures}
    without = {asset for asset, found in members.items() if not found}
    return DocumentTrace(
        document_id,
        partition,
        next(iter(rows(DOCUMENTS, "documents")), None),
        _reject(lake, recipe, document_id, partition),
        rows(FILTERED, "tags"),
        next(iter([*rows(FILTERED, "dropped"), *rows(TRIMMED, "dropped")]), None),
        next(iter(rows(DEDUPLICATED, "duplicates")), None),
        _stands_for(lake, recipe, document_id),
        [*rows(TRIMMED, "cut_paragraphs"), *rows(TRIMMED, "cut_substring")],
        _with_eval_names(lake, recipe, rows(CLEAN, "contaminated")),
        bool(rows(CLEAN, "documents")),
        tokens[0]["num_tokens"] if tokens else None,
        [(asset, found) for asset, found in members.items() if found],
        _made_from(lake, recipe, partition, without) if tokens else [],
    )


def _with_eval_names(lake: Lake, recipe: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return contaminated rows with the names of the evaluations whose texts they tell of (`evals`)."""
    if not rows:
        return []
    names: dict[str, list[str]] = {}
    for cell in standing_cells(lake, recipe):
        if cell.asset == EVAL_TEXTS and (manifest := lake.readable(cell)) is not None:
            names.setdefault(manifest.content, []).append(str(cell.partition))
    return [{**row, "evals": ", ".join(sorted(names.get(row["texts"], ["an evaluation that the recipe no longer has"])))} for row in rows]


def _reject(lake: Lake, recipe: str, document_id: str, partition: str) -> dict[str, Any] | None:
    """Return the reject whose source, path and key spell the id."""
    source = partition.split(".", 1)[0]
    for file in load_sources(lake, recipe).partition(partition).files:
        prefix = f"{source}/{file.path}#"
        if document_id.startswith(prefix):
            rows = _rows(lake, Cell(recipe, DOCUMENTS, partition), "rejects", "key", document_id.removeprefix(prefix))
            found = [row for row in rows if row["path"] == file.path]
            if found:
                return found[0]
    return None


def _stands_for(lake: Lake, recipe: str, document_id: str) -> list[dict[str, Any]]:
    cells = [cell for cell in standing_cells(lake, recipe) if cell.asset == DEDUPLICATED]
    return [row for cell in cells for row in _rows(lake, cell, "duplicates", "kept_id", document_id)]


def _made_from(lake: Lake, recipe: str, partition: str, without: set[str]) -> list[tuple[str, str]]:
    """Return what was made, at any remove, from a partition's shard and clean documents, but not by way of some assets."""
    reached = {str(cell) for cell in standing_cells(lake, recipe) if cell.partition == partition and cell.asset.startswith((SHARDS_PREFIX, CLEAN))}
    cells = [cell for cell in standing_cells(lake, recipe) if cell.asset.startswith(HOLDERS) and cell.asset not in without]
    holders = {cell: manifest for cell in cells if (manifest := lake.readable(cell)) is not None}
    found: dict[str, str] = {}
    while True:
        new = {
            str(cell): manifest.content
            for cell, manifest in holders.items()
            if str(cell) not in found and any(parent.name in reached for parent in manifest.parents)
        }
        if not new:
            return list(found.items())
        found |= new
        reached |= set(new)


def _nearest(lake: Lake, recipe: str, document_id: str, partitions: list[Partition]) -> list[str]:
    """Return ids of the same file that are written most alike."""
    import difflib

    ids: list[Any] = []
    for partition in partitions:
        cell = Cell(recipe, DOCUMENTS, partition.key)
        if lake.manifest(cell) is not None:
            ids += read_table(lake.folder(cell) / "documents.parquet", ["id"])["id"].to_pylist()
    return difflib.get_close_matches(document_id, ids, n=MAX_NEAREST, cutoff=0.6)
