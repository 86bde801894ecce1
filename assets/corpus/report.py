"""The curation report: what became of every record, and, where a source has labels, how right curation was."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from pydantic import Field

from assets.corpus.documents import CLEAN_ASSET, DEDUPLICATED_ASSET, DOCUMENTS_ASSET, FILTERED_ASSET, SourcePlan, source_of
from assets.graph.artifact import Artifact, Dependency, Work, markdown_table
from kernels.specs.config import Config
from resources.storage.sources import Location, Registry, open_file

CURATION_ASSET = "corpus/report"
CURATION_VERSION = 3
STAGES = (DOCUMENTS_ASSET, FILTERED_ASSET, DEDUPLICATED_ASSET, CLEAN_ASSET)
SHOWN_ROWS = 30
SIZES = (2, 5, 20, 100)
SIZE_BANDS = ("2", "3 to 5", "6 to 20", "21 to 100", "more")
LABELS = ".labels.jsonl"


class GroupLimits(Config):
    """How much less often than others a group of people may be mentioned after curation."""

    min_relative: float | None = Field(default=None, gt=0)
    """Least share of a group's documents that are kept, relative to the share of all that are; None asks nothing."""
    min_documents: int = Field(default=20, gt=0)
    """Groups mentioned by fewer documents before curation are not judged."""


def curation_report(recipe: str, sources: Mapping[str, SourcePlan]) -> Artifact:
    """Return the artifact that counts records through curation and scores it against labels."""

    def partitions(registry: Registry) -> tuple[str | None, ...]:
        return tuple(partition.key for partition in registry.active())

    def build(work: Work) -> None:
        from kernels.charts.corpus import plot_outcomes, plot_reasons

        flow, reasons = _flow(work), _reasons(work)
        work.write("flow", flow, main=True)
        work.write("reasons", reasons)
        work.draft.metadata["flow"] = work.draft.metadata.pop("sample")
        work.draft.metadata["reasons"] = {"markdown": markdown_table(reasons.slice(0, SHOWN_ROWS).to_pylist())}
        for name, image in {"outcomes": plot_outcomes(flow), "drops": plot_reasons(reasons)}.items():
            (work.draft.folder / f"{name}.png").write_bytes(image)
            work.draft.unhashed.append(f"{name}.png")
            work.draft.metadata[f"{name}_plot"] = {"png": f"{name}.png"}
        mentions = _mentions(work)
        work.write("mentions", mentions)
        work.draft.metadata["mentions"] = {"markdown": markdown_table(mentions.to_pylist())}
        clusters, sizes = _clusters(work)
        work.write("clusters", clusters)
        work.draft.metadata["clusters"] = {"markdown": markdown_table(clusters.slice(0, SHOWN_ROWS).to_pylist())}
        work.draft.metadata["cluster_sizes"] = {"markdown": markdown_table(sizes)}
        contaminated = _contaminated_items(work)
        work.write("contaminated_items", contaminated)
        work.draft.metadata["contaminated_items"] = {"markdown": markdown_table(contaminated.slice(0, SHOWN_ROWS).to_pylist())}
        scores = [score for name, plan in sources.items() if (score := _score(work, name, plan.location)) is not None]
        if scores:
            table = pa.concat_tables(scores, promote_options="permissive")
            work.write("labelled", table)
            work.draft.metadata["labelled"] = {"markdown": markdown_table(table.to_pylist())}

    return Artifact(
        recipe=recipe,
        name=CURATION_ASSET,
        description="What became of every record, by source, stage and reason; precision and recall of curation where a source has labels.",
        group="corpus",
        kinds=("polars",),
        code_version=f"curation:{CURATION_VERSION}",
        partitioned=False,
        config=lambda partition: None,
        dependencies=lambda registry, partition: [Dependency(asset, partitions(registry), optional=True) for asset in STAGES],
        build=build,
        upstream=STAGES,
    )


def _flow(work: Work) -> pa.Table:
    """Return counts by source from the manifests: what each stage took out, and what is left."""
    counts: dict[str, dict[str, int]] = {}
    names = ("partitions", "records", "rejected", "filtered", "duplicates", "contaminated", "kept")
    for key in work.existing(CLEAN_ASSET):
        row = counts.setdefault(source_of(key), dict.fromkeys(names, 0))
        manifests = {asset: work.lake.require(work.parent(asset, key)) for asset in STAGES}
        rows = {asset: manifest.num_rows or 0 for asset, manifest in manifests.items()}
        row["partitions"] += 1
        row["rejected"] += int(manifests[DOCUMENTS_ASSET].metadata["num_rejects"])
        row["records"] += int(manifests[DOCUMENTS_ASSET].metadata["num_rejects"]) + rows[DOCUMENTS_ASSET]
        row["filtered"] += rows[DOCUMENTS_ASSET] - rows[FILTERED_ASSET]
        row["duplicates"] += rows[FILTERED_ASSET] - rows[DEDUPLICATED_ASSET]
        row["contaminated"] += rows[DEDUPLICATED_ASSET] - rows[CLEAN_ASSET]
        row["kept"] += rows[CLEAN_ASSET]
    return pa.Table.from_pylist([{"source": source, **row} for source, row in counts.items()])


def _reasons(work: Work) -> pa.Table:
    """Return how many documents each stage took out of each source for which reason, the commonest first."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for key in work.existing(CLEAN_ASSET):
        for asset in STAGES:
            for reason, count in work.lake.require(work.parent(asset, key)).metadata.get("reasons", {}).items():
                counts[source_of(key), asset.split("/")[1], reason] += count
    rows = [{"source": source, "stage": stage, "reason": reason, "documents": count} for (source, stage, reason), count in counts.most_common()]
    schema = pa.schema([("source", pa.string()), ("stage", pa.string()), ("reason", pa.string()), ("documents", pa.int64())])
    return pa.Table.from_pylist(rows, schema=schema)


def _mentions(work: Work) -> pa.Table:
    """Return how many documents mention each group of people as extracted and at the end, all sources together."""
    from kernels.curation.group_mentions import compare_mentions

    counts: dict[str, Counter[str]] = {asset: Counter() for asset in (DOCUMENTS_ASSET, CLEAN_ASSET)}
    totals = dict.fromkeys(counts, 0)
    for key in work.existing(CLEAN_ASSET):
        for asset in counts:
            manifest = work.lake.require(work.parent(asset, key))
            counts[asset].update(manifest.metadata.get("mentions", {}))
            totals[asset] += manifest.num_rows or 0
    before, after = counts.values()
    return compare_mentions(before, after, totals[DOCUMENTS_ASSET], totals[CLEAN_ASSET]).to_arrow()


def _clusters(work: Work) -> tuple[pa.Table, list[dict[str, Any]]]:
    """Return the clusters of duplicates over all partitions, and how many there are of which size."""
    import polars as pl

    from kernels.curation.deduplication.chains import DUPLICATES, clusters

    tables = [DUPLICATES.empty_table(), *(work.table(DEDUPLICATED_ASSET, "duplicates", key) for key in work.existing(DEDUPLICATED_ASSET))]
    found = clusters(_frame(tables).lazy())
    bands = found.group_by(documents=pl.col("documents").cut(SIZES, labels=SIZE_BANDS)).agg(
        clusters=pl.len(), dropped=pl.col("documents").sum() - pl.len()
    )
    return found.to_arrow(), bands.sort("documents").to_dicts()


def _contaminated_items(work: Work) -> pa.Table:
    """Return the evaluation texts that documents held: the other direction of decontamination."""
    tables = [work.table(CLEAN_ASSET, "contaminated", key) for key in work.existing(CLEAN_ASSET)]
    if not tables:
        return pa.table({"eval": pa.array([], pa.string()), "item": pa.array([], pa.int64()), "documents": pa.array([], pa.int64())})
    counted = pa.concat_tables(tables).group_by(["eval", "item"]).aggregate([("id", "count_distinct")])
    return counted.rename_columns(["eval", "item", "documents"]).sort_by([("documents", "descending"), ("eval", "ascending"), ("item", "ascending")])


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
