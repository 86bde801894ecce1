"""The curation report: what became of every record, and, where a source has labels, how right curation was."""

from collections.abc import Mapping

import pyarrow as pa

from assets.artifact import Artifact, Dependency, Work, markdown_table
from assets.corpus import DEDUPLICATED_ASSET, DOCUMENTS_ASSET, FILTERED_ASSET, SourcePlan, source_of
from resources.registry import Location, Registry, open_file

CURATION_ASSET = "corpus/report"
CURATION_VERSION = 1
LABELS = ".labels.jsonl"


def curation_report(recipe: str, sources: Mapping[str, SourcePlan]) -> Artifact:
    """Return the artifact that counts records through curation and scores it against labels."""

    def partitions(registry: Registry) -> tuple[str | None, ...]:
        return tuple(partition.key for partition in registry.active())

    def build(work: Work) -> None:
        flow = _flow(work)
        work.write("flow", flow, main=True)
        work.draft.metadata["flow"] = {"markdown": markdown_table(flow.to_pylist())}
        scores = [score for name, plan in sources.items() if (score := _score(work, name, plan.location)) is not None]
        if scores:
            table = pa.concat_tables(scores, promote_options="permissive")
            work.write("labelled", table)
            work.draft.metadata["labelled"] = {"markdown": markdown_table(table.to_pylist())}

    return Artifact(
        recipe=recipe,
        name=CURATION_ASSET,
        description="Records read, rejected, filtered, deduplicated and kept by source; precision and recall of curation where a source has labels.",
        group="corpus",
        kinds=("polars",),
        code_version=f"curation:{CURATION_VERSION}",
        partitioned=False,
        config=lambda partition: None,
        dependencies=lambda registry, partition: [
            Dependency(asset, partitions(registry), optional=True) for asset in (DOCUMENTS_ASSET, FILTERED_ASSET, DEDUPLICATED_ASSET)
        ],
        build=build,
        upstream=(DOCUMENTS_ASSET, FILTERED_ASSET, DEDUPLICATED_ASSET),
    )


def _flow(work: Work) -> pa.Table:
    """Return counts by source from the manifests."""
    counts: dict[str, dict[str, int]] = {}
    for key in work.existing(DEDUPLICATED_ASSET):
        row = counts.setdefault(source_of(key), dict.fromkeys(("partitions", "documents", "rejects", "dropped", "duplicates", "kept"), 0))
        manifests = {asset: work.lake.require(work.parent(asset, key)) for asset in (DOCUMENTS_ASSET, FILTERED_ASSET, DEDUPLICATED_ASSET)}
        row["partitions"] += 1
        row["documents"] += manifests[DOCUMENTS_ASSET].num_rows or 0
        row["rejects"] += int(manifests[DOCUMENTS_ASSET].metadata["num_rejects"])
        row["dropped"] += int(manifests[FILTERED_ASSET].metadata["num_dropped"])
        row["duplicates"] += int(manifests[DEDUPLICATED_ASSET].metadata["num_duplicates"])
        row["kept"] += manifests[DEDUPLICATED_ASSET].num_rows or 0
    return pa.Table.from_pylist([{"source": source, **row} for source, row in counts.items()])


def _score(work: Work, source: str, location: Location) -> pa.Table | None:
    """Return precision and recall by kind of planted noise, None for a source without labels."""
    import polars as pl

    from kernels.synthesis.labels import score_curation

    keys = [key for key in work.existing(DEDUPLICATED_ASSET) if source_of(key) == source]
    try:
        with open_file(location, LABELS) as stream:
            labels = pl.read_ndjson(stream.read())
    except (FileNotFoundError, NotADirectoryError):
        return None
    paths = {file.path for key in keys for file in work.registry.partition(key).files}
    kept = [work.table(DEDUPLICATED_ASSET, "documents", key).select(["id", "text"]) for key in keys]
    dropped = [work.table(FILTERED_ASSET, "dropped", key).select(["id", "reason"]) for key in keys]
    dropped += [_as_dropped(work.table(DEDUPLICATED_ASSET, "duplicates", key), "kind") for key in keys]
    dropped += [_rejects_as_dropped(work.table(DOCUMENTS_ASSET, "rejects", key), source) for key in keys]
    score = score_curation(labels.filter(pl.col("path").is_in(sorted(paths))), _frame(kept), _frame(dropped), source)
    return score.select(pl.lit(source).alias("source"), pl.all()).to_arrow()


def _frame(tables: list[pa.Table]):  # noqa: ANN202 (polars is imported where it is used)
    import polars as pl

    return pl.DataFrame(pl.from_arrow(pa.concat_tables(tables, promote_options="permissive")))


def _as_dropped(table: pa.Table, reason: str) -> pa.Table:
    return table.select(["id", reason]).rename_columns(["id", "reason"])


def _rejects_as_dropped(table: pa.Table, source: str) -> pa.Table:
    ids = [f"{source}/{row['path']}#{row['key']}" for row in table.select(["path", "key"]).to_pylist()]
    return table.select(["reason"]).add_column(0, "id", pa.array(ids, pa.string()))
