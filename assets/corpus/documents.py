"""The corpus begins: sources, and documents as they are extracted, one cell a partition, one chain for all sources."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, NamedTuple, Self

from pydantic import Field, SerializeAsAny, model_validator

from assets.corpus.names import DOCUMENTS
from assets.corpus.profile import describe, versions
from assets.graph.artifact import SHARDS, Artifact
from assets.graph.build import CellBuild
from assets.graph.upstream import Partition, files_of, source_of
from kernels.curation.profile import Profile
from kernels.documents import schema
from kernels.reading.parsing.unique import Tally, unique_records
from kernels.specs.config import Config, fault_of_key
from kernels.specs.filters import Filter
from kernels.specs.sources import Document, Reject, SourceFile, SourceFormat
from resources.storage.sources import Location, open_file

VERSION = 2
"""Of the document table itself, whichever reader fills it."""
Share = Annotated[float, Field(ge=0, le=1)]


class SourceLimits(Config):
    """What a source's partitions must look like, or those outside are stopped, and what curation should make of them, or there is a warning."""

    max_mojibake_share: Share = 0.05
    """Share of documents that may hold text decoded with the wrong charset; more stops the partition."""
    max_empty_share: Share = 0.0
    """Share of documents that may be empty; more stops the partition."""
    max_fault_share: Share = 0.2
    """Share of records that may be unreadable; more stops the partition."""
    max_tokenless_share: Share = 0.0
    """Share of documents that may have no token beside control tokens; more stops the partition."""
    min_documents: int = Field(default=1, ge=0)
    """Documents that each stage must keep; fewer are a warning."""
    keep_rate: tuple[Share, Share] | None = None
    """Least and greatest share of documents that the filters keep. None, here and below, asks nothing."""
    language_shares: dict[str, Share] = Field(default={})
    """Least share of documents by language, among those kept that were identified."""
    max_length_drift: float | None = Field(default=None, gt=0)
    """Greatest relative change of the 5th, 50th or 95th percentile of lengths from the partition before."""

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.keep_rate is not None and self.keep_rate[0] > self.keep_rate[1]:
            raise fault_of_key("keep_rate", f"{self.keep_rate[0]:g} is more than {self.keep_rate[1]:g}, so that nothing is between; turn them round")
        return self

    @property
    def asks_of_curation(self) -> bool:
        """Whether anything is asked of what the filters keep."""
        return self.keep_rate is not None or bool(self.language_shares) or self.max_length_drift is not None


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
        description="Texts extracted from the source files, one row a document, conversations with their turns. Records that cannot be read "
        "stand in `rejects` with their reason.",
        group="corpus",
        kinds=("parquet", "datatrove"),
        code_version=f"documents:{VERSION}+" + versions(plan.format for plan in sources.values()),
        code_version_by_partition=lambda partition: f"documents:{VERSION}+" + versions([sources[source_of(partition)].format]),
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
    losses: Counter[str] = Counter()
    with build.writer("documents", schema.DOCUMENTS) as documents, build.writer("rejects", schema.REJECTS) as rejects:
        for number, file in enumerate(files):
            source_file = SourceFile(file.path, lambda path=file.path: open_file(plan.location, path))
            records = counted(unique_records(plan.format.read(source_file, plan.config), tally), losses)
            for read, rejected in schema.record_tables(source, file.path, records):
                documents.write(read)
                rejects.write(rejected)
                profile.keep(read)
                profile.mention(read)
                profile.drop(rejected.rename_columns(["path", "id", "reason", "detail"]), text="detail")
            build.tell(file.path, number + 1, len(files))
    describe(build, profile)
    told = {"losses": dict(losses.most_common()), "charsets": dict(tally.charsets), "replaced": dict(tally.replaced)}
    build.draft.metadata |= {"num_rejects": rejects.num_rows, **told}


def counted(records: Iterable[Document | Reject], losses: Counter[str]) -> Iterator[Document | Reject]:
    """Yield records, and count what the documents among them leave out."""
    for record in records:
        if isinstance(record, Document):
            losses.update(record.losses)
        yield record
