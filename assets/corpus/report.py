"""The curation report: what became of every record, and, where a source has labels, how right curation was."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from pydantic import Field

from assets.corpus.documents import SourcePlan
from assets.corpus.names import CLEAN, DEDUPLICATED, DOCUMENTS, EVAL_TEXTS, FILTERED, REPORT, TRIMMED
from assets.graph.artifact import Artifact
from assets.graph.build import CellBuild
from assets.graph.metadata import rows_markdown
from assets.graph.upstream import as_set, every, named, passed_over, source_of
from kernels.specs.config import Config
from kernels.synthesis.labels import LABELS_FILE
from resources.storage.sources import Location, open_file

CURATION_VERSION = 5
STAGES = (DOCUMENTS, FILTERED, DEDUPLICATED, CLEAN)
SHOWN_ROWS = 30
SIZES = (2, 5, 20, 100)
SIZE_BANDS = ("2", "3 to 5", "6 to 20", "21 to 100", "more")


class GroupLimits(Config):
    """How much less often than others a group of people may be mentioned after curation."""

    min_relative: float | None = Field(default=None, gt=0)
    """Least share of a group's documents that are kept, relative to the share of all that are; None asks nothing."""
    min_documents: int = Field(default=20, gt=0)
    """Groups mentioned by fewer documents before curation are not judged."""


def curation_report(recipe: str, sources: Mapping[str, SourcePlan], evals: Sequence[str], *, trims: bool) -> Artifact:
    """Return the artifact that counts records through curation and scores it against labels.

    ``evals`` are those whose texts are looked for; ``trims`` says whether passages are cut.
    """
    stages = (*STAGES, TRIMMED) if trims else STAGES
    return Artifact(
        recipe=recipe,
        name=REPORT,
        description="What became of every record, by source, stage and reason; precision and recall of curation where a source has labels.",
        group="corpus",
        kinds=("polars",),
        code_version=f"curation:{CURATION_VERSION}",
        made_from=(
            *passed_over(list(sources)),
            *(every(asset) for asset in stages),
            *((as_set(named(EVAL_TEXTS, evals)),) if evals else ()),
        ),
        build=lambda build: write_report(build, sources, evals, stages),
    )


def write_report(build: CellBuild, sources: Mapping[str, SourcePlan], evals: Sequence[str], stages: Sequence[str]) -> None:
    """Write every table of the report, and show the first rows of each."""
    from kernels.charts.corpus import plot_outcomes, plot_reasons

    flow, reasons = _flow(build), _reasons(build, stages)
    build.write_plot("outcomes_plot", plot_outcomes(flow))
    build.write_plot("drops_plot", plot_reasons(reasons))
    build.write("flow", flow, main=True)
    build.draft.metadata["flow"] = build.draft.metadata.pop("sample")
    clusters, sizes = _clusters(build)
    tables = {"reasons": reasons, "mentions": _mentions(build), "clusters": clusters, "contaminated_items": _contaminated_items(build, evals)}
    tables |= {"passed_over": _passed_over(build), "charsets": _charsets(build)}
    scores = [score for name, plan in sources.items() if (score := _score(build, name, plan.location)) is not None]
    if scores:
        tables["labelled"] = pa.concat_tables(scores, promote_options="permissive")
    for name, table in tables.items():
        build.write(name, table)
        build.draft.metadata[name] = rows_markdown(table.slice(0, SHOWN_ROWS).to_pylist())
    build.draft.metadata["cluster_sizes"] = rows_markdown(sizes)


def _flow(build: CellBuild) -> pa.Table:
    """Return counts by source from the manifests: what each stage took out, and what is left."""
    counts: dict[str, dict[str, int]] = {}
    names = ("partitions", "records", "rejected", "filtered", "duplicates", "emptied", "contaminated", "kept")
    for key in build.usable(CLEAN):
        row = counts.setdefault(source_of(key), dict.fromkeys(names, 0))
        manifests = {asset: build.manifest(asset, key) for asset in STAGES}
        rows = {asset: manifest.num_rows or 0 for asset, manifest in manifests.items()}
        row["partitions"] += 1
        row["rejected"] += int(manifests[DOCUMENTS].metadata["num_rejects"])
        row["records"] += int(manifests[DOCUMENTS].metadata["num_rejects"]) + rows[DOCUMENTS]
        row["filtered"] += rows[DOCUMENTS] - rows[FILTERED]
        row["duplicates"] += rows[FILTERED] - rows[DEDUPLICATED]
        contaminated = int(manifests[CLEAN].metadata["num_dropped"])
        row["emptied"] += rows[DEDUPLICATED] - rows[CLEAN] - contaminated
        row["contaminated"] += contaminated
        row["kept"] += rows[CLEAN]
    return pa.Table.from_pylist([{"source": source, **row} for source, row in counts.items()])


def _reasons(build: CellBuild, stages: Sequence[str]) -> pa.Table:
    """Return how many documents each stage took out of each source for which reason, the commonest first."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for key in build.usable(CLEAN):
        for asset in stages:
            for reason, count in build.manifest(asset, key).metadata.get("reasons", {}).items():
                counts[source_of(key), asset.split("/")[1], reason] += count
    rows = [{"source": source, "stage": stage, "reason": reason, "documents": count} for (source, stage, reason), count in counts.most_common()]
    schema = pa.schema([("source", pa.string()), ("stage", pa.string()), ("reason", pa.string()), ("documents", pa.int64())])
    return pa.Table.from_pylist(rows, schema=schema)


def _passed_over(build: CellBuild) -> pa.Table:
    """Return the files below the sources' roots that nothing reads, by source and reason."""
    rows = [
        {"source": found.source, "reason": found.reason, "files": found.count, "names": ", ".join(found.names)} for found in build.observed.passed
    ]
    schema = pa.schema([("source", pa.string()), ("reason", pa.string()), ("files", pa.int64()), ("names", pa.string())])
    return pa.Table.from_pylist(rows, schema=schema)


def _charsets(build: CellBuild) -> pa.Table:
    """Return how many documents of each source were in which charset, and how many runs of bytes were replaced in them."""
    counts = {name: Counter[tuple[str, str]]() for name in ("charsets", "replaced")}
    for key in build.usable(DOCUMENTS):
        told = build.manifest(DOCUMENTS, key).metadata
        for name, counter in counts.items():
            counter.update({(source_of(key), charset): count for charset, count in told.get(name, {}).items()})
    rows = [
        {"source": source, "charset": charset, "documents": count, "replaced": counts["replaced"][source, charset]}
        for (source, charset), count in sorted(counts["charsets"].items())
    ]
    schema = pa.schema([("source", pa.string()), ("charset", pa.string()), ("documents", pa.int64()), ("replaced", pa.int64())])
    return pa.Table.from_pylist(rows, schema=schema)


def _mentions(build: CellBuild) -> pa.Table:
    """Return how many documents mention each group of people as extracted and at the end, all sources together."""
    from kernels.curation.group_mentions import compare_mentions

    counts: dict[str, Counter[str]] = {asset: Counter() for asset in (DOCUMENTS, CLEAN)}
    totals = dict.fromkeys(counts, 0)
    for key in build.usable(CLEAN):
        for asset in counts:
            manifest = build.manifest(asset, key)
            counts[asset].update(manifest.metadata.get("mentions", {}))
            totals[asset] += manifest.num_rows or 0
    before, after = counts.values()
    return compare_mentions(before, after, totals[DOCUMENTS], totals[CLEAN]).to_arrow()


def _clusters(build: CellBuild) -> tuple[pa.Table, list[dict[str, Any]]]:
    """Return the clusters of duplicates over all partitions, and how many there are of which size."""
    import polars as pl

    from kernels.curation.deduplication.chains import DUPLICATES, clusters

    tables = [DUPLICATES.empty_table(), *(build.table(DEDUPLICATED, "duplicates", key) for key in build.usable(DEDUPLICATED))]
    found = clusters(_frame(tables).lazy())
    bands = found.group_by(documents=pl.col("documents").cut(SIZES, labels=SIZE_BANDS)).agg(
        clusters=pl.len(), dropped=pl.col("documents").sum() - pl.len()
    )
    return found.to_arrow(), bands.sort("documents").to_dicts()


def _contaminated_items(build: CellBuild, evals: Sequence[str]) -> pa.Table:
    """Return the evaluation texts that documents held: the other direction of decontamination."""
    names: dict[str, list[str]] = {}
    for name in evals:
        names.setdefault(build.manifest(EVAL_TEXTS, name).content, []).append(name)
    found: Counter[tuple[str, int]] = Counter()
    for key in build.usable(CLEAN):  # a cell lists a document once for each text that it holds
        found.update((row["texts"], row["item"]) for row in build.table(CLEAN, "contaminated", key).select(["texts", "item"]).to_pylist())
    rows = [{"eval": ", ".join(sorted(names[texts])), "item": item, "documents": count} for (texts, item), count in found.items() if texts in names]
    rows.sort(key=lambda row: (-row["documents"], row["eval"], row["item"]))
    return pa.Table.from_pylist(rows, schema=pa.schema([("eval", pa.string()), ("item", pa.int64()), ("documents", pa.int64())]))


def _score(build: CellBuild, source: str, location: Location) -> pa.Table | None:
    """Return precision and recall by kind of planted noise, None for a source without labels."""
    import polars as pl

    from kernels.synthesis.labels import score_curation

    keys = [key for key in build.usable(DEDUPLICATED) if source_of(key) == source]
    try:
        with open_file(location, LABELS_FILE) as stream:
            labels = pl.read_ndjson(stream.read())
    except (FileNotFoundError, NotADirectoryError):
        return None
    paths = {file.path for key in keys for file in build.observed.partition(key).files}
    kept = [build.table(DEDUPLICATED, "documents", key).select(["id", "text"]) for key in keys]
    dropped = [build.table(FILTERED, "dropped", key).select(["id", "reason"]) for key in keys]
    dropped += [_as_dropped(build.table(DEDUPLICATED, "duplicates", key), "kind") for key in keys]
    dropped += [_rejects_as_dropped(build.table(DOCUMENTS, "rejects", key), source) for key in keys]
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
