"""The corpus begins: sources, and documents as they are extracted, one cell a partition, one chain for all sources."""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

from pydantic import Field, SerializeAsAny

from assets.corpus.names import DOCUMENTS
from assets.corpus.profile import describe, versions
from assets.graph.artifact import SHARDS, Artifact
from assets.graph.build import CellBuild
from assets.graph.upstream import Partition, files_of, source_of
from kernels.curation.profile import Profile
from kernels.documents import schema
from kernels.reading.parsing.unique import Tally, unique_records
from kernels.specs.config import Config
from kernels.specs.filters import Filter
from kernels.specs.sources import SourceFile, SourceFormat
from resources.storage.sources import Location, open_file

Share = Annotated[float, Field(ge=0, le=1)]


class SourceLimits(Config):
    """What curation of a source should look like; a partition outside is a warning. None asks nothing."""

    keep_rate: tuple[Share, Share] | None = None
    """Least and greatest share of documents that the filters keep."""
    language_shares: dict[str, Share] = Field(default={})
    """Least share of documents by language, among those kept that were identified."""
    max_length_drift: float | None = Field(default=None, gt=0)
    """Greatest relative change of the 5th, 50th or 95th percentile of lengths from the partition before."""


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


def documents(recipe: str, sources: Mapping[str, SourcePlan]) -> Artifact:
    """Return the artifact of extracted documents."""

    def config(partition: Partition) -> ReadConfig:
        source = source_of(partition)
        return ReadConfig(source=source, format=sources[source].format.name, reader=sources[source].config)

    return Artifact(
        recipe=recipe,
        name=DOCUMENTS,
        description="Texts extracted from the source files, one row a document. Records that cannot be read stand in `rejects` with their reason.",
        group="corpus",
        kinds=("parquet", "datatrove"),
        code_version=versions(plan.format for plan in sources.values()),
        code_version_by_partition=lambda partition: versions([sources[source_of(partition)].format]),
        partitioning=SHARDS,
        config=config,
        made_from=files_of(list(sources)),
        build=lambda build: read_files(build, sources[source_of(build.key)]),
        schema=schema.DOCUMENTS,
    )


def read_files(build: CellBuild, plan: SourcePlan) -> None:
    """Read the files of a partition."""
    source, files = source_of(build.key), build.observed.partition(build.key).files
    profile, tally = Profile(), Tally()
    with build.writer("documents", schema.DOCUMENTS) as documents, build.writer("rejects", schema.REJECTS) as rejects:
        for number, file in enumerate(files):
            source_file = SourceFile(file.path, lambda path=file.path: open_file(plan.location, path))
            for read, rejected in schema.record_tables(source, file.path, unique_records(plan.format.read(source_file, plan.config), tally)):
                documents.write(read)
                rejects.write(rejected)
                profile.keep(read)
                profile.mention(read)
                profile.drop(rejected.rename_columns(["path", "id", "reason", "detail"]), text="detail")
            build.tell(file.path, number + 1, len(files))
    describe(build, profile)
    build.draft.metadata |= {"num_rejects": rejects.num_rows, "charsets": dict(tally.charsets), "replaced": dict(tally.replaced)}
