"""The corpus: documents -> filtered -> signatures -> deduplicated, one cell a partition, one chain for all sources."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pyarrow as pa
from pydantic import SerializeAsAny

from assets.artifact import Artifact, Dependency, Work, markdown_table
from kernels.deduplication.matching import SIGNATURES, DedupConfig
from kernels.documents import DOCUMENTS, document_table, reject_table
from kernels.specs import Config, Document, Filter, Reject, SourceFile, SourceFormat, Spec
from resources.registry import Location, Registry, open_file

DOCUMENTS_ASSET = "corpus/documents"
FILTERED_ASSET = "corpus/filtered"
SIGNATURES_ASSET = "corpus/signatures"
DEDUPLICATED_ASSET = "corpus/deduplicated"
DEDUPLICATION_VERSION = 1


class SourcePlan(NamedTuple):
    """One source as the recipe chose it."""

    format: SourceFormat
    config: Config
    steps: tuple[tuple[Filter, Config], ...]
    location: Location


class ReadConfig(Config):
    """How a partition's files are read."""

    source: str
    """The recipe's name of the source."""
    format: str
    """The reader."""
    reader: SerializeAsAny[Config]
    """The reader's own config."""


class StepsConfig(Config):
    """The filters of a partition's source, in order."""

    steps: list[SerializeAsAny[Config]]
    """Each filter's config, its ``kind`` first."""


def source_of(partition: str | None) -> str:
    """Return the source of a partition's key (``source.snapshot.NNN``)."""
    return str(partition).split(".", 1)[0]


def documents(recipe: str, sources: Mapping[str, SourcePlan]) -> Artifact:
    """Return the artifact of extracted documents."""

    def config(partition: str | None) -> ReadConfig:
        source = source_of(partition)
        return ReadConfig(source=source, format=sources[source].format.name, reader=sources[source].config)

    def build(work: Work) -> None:
        plan = sources[source_of(work.partition)]
        tables: list[pa.Table] = []
        rejects: list[pa.Table] = []
        files = work.registry.partition(work.partition).files
        for number, file in enumerate(files):
            source_file = SourceFile(file.path, lambda path=file.path: open_file(plan.location, path))
            records = list(plan.format.read(source_file, plan.config))
            tables.append(document_table(source_of(work.partition), file.path, (r for r in records if isinstance(r, Document))))
            rejects.append(reject_table(file.path, (r for r in records if isinstance(r, Reject))))
            work.tell(file.path, number + 1, len(files))
        rejected = pa.concat_tables(rejects)
        work.write("documents", pa.concat_tables(tables), main=True)
        work.write("rejects", rejected)
        work.draft.metadata |= {"num_rejects": rejected.num_rows, "rejects": {"markdown": _counts(rejected, "reason")}}

    return Artifact(
        recipe=recipe,
        name=DOCUMENTS_ASSET,
        description="Texts extracted from the source files, one row a document. Records that cannot be read stand in `rejects` with their reason.",
        group="corpus",
        kinds=("parquet", "datatrove"),
        code_version=_versions(plan.format for plan in sources.values()),
        code_version_by_partition=lambda partition: _versions([sources[source_of(partition)].format]),
        partitioned=True,
        config=config,
        dependencies=lambda registry, partition: [Dependency(f"sources/{source_of(partition)}", (partition,))],
        build=build,
        upstream=tuple(f"sources/{name}" for name in sources),
        schema=DOCUMENTS,
    )


def filtered(recipe: str, sources: Mapping[str, SourcePlan]) -> Artifact:
    """Return the artifact of documents that every filter of their source keeps."""

    def build(work: Work) -> None:
        from kernels.filters.chain import apply_filters

        table = work.table(DOCUMENTS_ASSET, "documents", work.partition)
        kept, dropped, tags = apply_filters(table, list(sources[source_of(work.partition)].steps))
        work.write("documents", kept, main=True)
        work.write("dropped", dropped)
        work.write("tags", tags)
        work.draft.metadata |= {"num_dropped": dropped.num_rows, "dropped": {"markdown": _counts(dropped, "reason")}}

    return Artifact(
        recipe=recipe,
        name=FILTERED_ASSET,
        description="Documents that every filter of their source keeps, personal data masked. `dropped` has the others: filter, reason, value.",
        group="corpus",
        kinds=("parquet", "polars"),
        code_version=_versions(filter_ for plan in sources.values() for filter_, _ in plan.steps),
        code_version_by_partition=lambda partition: _versions(filter_ for filter_, _ in sources[source_of(partition)].steps),
        partitioned=True,
        config=lambda partition: StepsConfig(steps=[config for _, config in sources[source_of(partition)].steps]),
        dependencies=lambda registry, partition: [Dependency(DOCUMENTS_ASSET, (partition,))],
        build=build,
        upstream=(DOCUMENTS_ASSET,),
        schema=DOCUMENTS,
    )


def signatures(recipe: str, config: DedupConfig) -> Artifact:
    """Return the artifact of deduplication signatures: the index that later partitions are matched against."""

    def build(work: Work) -> None:
        from kernels.deduplication.matching import signature_table

        work.write("signatures", signature_table(work.table(FILTERED_ASSET, "documents", work.partition), config))
        work.draft.num_rows = work.table(FILTERED_ASSET, "documents", work.partition).num_rows

    return Artifact(
        recipe=recipe,
        name=SIGNATURES_ASSET,
        description="Exact hash, MinHash signature and bands of every filtered document: the index that later partitions are matched against.",
        group="corpus",
        kinds=("parquet", "numpy"),
        code_version=f"minhash:{DEDUPLICATION_VERSION}",
        partitioned=True,
        config=lambda partition: config,
        dependencies=lambda registry, partition: [Dependency(FILTERED_ASSET, (partition,))],
        build=build,
        upstream=(FILTERED_ASSET,),
        schema=SIGNATURES,
    )


def earlier(registry: Registry, partition: str | None) -> tuple[str | None, ...]:
    """Return the active partitions that arrived before one."""
    keys = [active.key for active in registry.active()]
    return tuple(keys[: keys.index(str(partition))])


def deduplicated(recipe: str, config: DedupConfig) -> Artifact:
    """Return the artifact of documents that no earlier document equals or nearly equals."""

    def build(work: Work) -> None:
        from kernels.deduplication.matching import deduplicate, find_duplicates

        known = set(work.existing(SIGNATURES_ASSET))
        before = [key for key in earlier(work.registry, work.partition) if key in known]
        duplicates = find_duplicates(
            work.table(SIGNATURES_ASSET, "signatures", work.partition),
            [work.table(SIGNATURES_ASSET, "signatures", key) for key in before],
            config,
        )
        work.write("documents", deduplicate(work.table(FILTERED_ASSET, "documents", work.partition), duplicates), main=True)
        work.write("duplicates", duplicates)
        work.draft.metadata |= {"num_duplicates": duplicates.num_rows, "duplicates": {"markdown": _counts(duplicates, "kind")}}

    return Artifact(
        recipe=recipe,
        name=DEDUPLICATED_ASSET,
        description="Filtered documents that no earlier one equals or nearly equals. `duplicates` says which went for whom.",
        group="corpus",
        kinds=("parquet", "polars"),
        code_version=f"matching:{DEDUPLICATION_VERSION}",
        partitioned=True,
        config=lambda partition: config,
        dependencies=lambda registry, partition: [
            Dependency(FILTERED_ASSET, (partition,)),
            Dependency(SIGNATURES_ASSET, (partition,)),
            Dependency(SIGNATURES_ASSET, earlier(registry, partition), optional=True, together=True),
        ],
        build=build,
        upstream=(FILTERED_ASSET, SIGNATURES_ASSET),
        schema=DOCUMENTS,
    )


def _versions(specs: Iterable[Spec]) -> str:
    """Return the versions of specs as one text, each named once."""
    return "+".join(sorted({f"{spec.name}:{spec.version}" for spec in specs})) or "none"


def _counts(table: pa.Table, column: str) -> str:
    """Return how often each value of a column occurs, as a Markdown table."""
    counted: list[dict[str, Any]] = table.group_by(column).aggregate([([], "count_all")]).sort_by([("count_all", "descending")]).to_pylist()
    return markdown_table([{column: row[column], "documents": row["count_all"]} for row in counted])
