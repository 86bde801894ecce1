"""The corpus: documents -> filtered -> deduplicated -> decontaminated, one cell a partition, one chain for all sources. Here the first two."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import Field, SerializeAsAny

from assets.graph.artifact import Artifact, Dependency, Work, markdown_table
from kernels.curation.profile import Profile
from kernels.documents.schema import DOCUMENTS, REJECTS, record_tables
from kernels.specs.config import Config, Spec
from kernels.specs.filters import Filter
from kernels.specs.sources import SourceFile, SourceFormat
from resources.storage.sources import Location, Registry, open_file

DOCUMENTS_ASSET = "corpus/documents"
FILTERED_ASSET = "corpus/filtered"
SIGNATURES_ASSET = "corpus/signatures"
DEDUPLICATED_ASSET = "corpus/deduplicated"
PARAGRAPHS_ASSET = "corpus/paragraphs"
TRIMMED_ASSET = "corpus/trimmed"
CLEAN_ASSET = "corpus/decontaminated"
"""What tokens and models are made from."""
CHAIN_VERSION = 2

Share = Annotated[float, Field(ge=0, le=1)]


class SourcePlan(NamedTuple):
    """One source as the recipe chose it."""

    format: SourceFormat
    config: Config
    steps: tuple[tuple[Filter, Config], ...]
    location: Location


class SourceLimits(Config):
    """What curation of a source should look like; a partition outside is a warning. None asks nothing."""

    keep_rate: tuple[Share, Share] | None = None
    """Least and greatest share of documents that the filters keep."""
    language_shares: dict[str, Share] = Field(default={})
    """Least share of documents by language, among those kept that were identified."""
    max_length_drift: float | None = Field(default=None, gt=0)
    """Greatest relative change of the 5th, 50th or 95th percentile of lengths from the partition before."""


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


def first_partitions(registry: Registry, sources: Iterable[str], count: int) -> tuple[str | None, ...]:
    """Return the first active partitions of each source, so that what is made of them stays as it is when data arrives."""
    keys = [partition.key for partition in registry.active()]
    return tuple(key for source in sources for key in [key for key in keys if source_of(key) == source][:count])


def documents(recipe: str, sources: Mapping[str, SourcePlan]) -> Artifact:
    """Return the artifact of extracted documents."""

    def config(partition: str | None) -> ReadConfig:
        source = source_of(partition)
        return ReadConfig(source=source, format=sources[source].format.name, reader=sources[source].config)

    def build(work: Work) -> None:
        plan = sources[source_of(work.partition)]
        profile = Profile()
        files = work.registry.partition(work.partition).files
        with work.writer("documents", DOCUMENTS) as documents, work.writer("rejects", REJECTS) as rejects:
            for number, file in enumerate(files):
                source_file = SourceFile(file.path, lambda path=file.path: open_file(plan.location, path))
                for read, rejected in record_tables(source_of(work.partition), file.path, plan.format.read(source_file, plan.config)):
                    documents.write(read)
                    rejects.write(rejected)
                    profile.keep(read)
                    profile.mention(read)
                    profile.drop(rejected.rename_columns(["path", "id", "reason", "detail"]), text="detail")
                work.tell(file.path, number + 1, len(files))
        show(work, profile)
        work.draft.metadata["num_rejects"] = rejects.num_rows

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


def key_input(name: str) -> str:
    """Return the name of the input that holds a secret key."""
    return f"key_{name}"


def filtered(recipe: str, sources: Mapping[str, SourcePlan], keys: Mapping[str, Location]) -> Artifact:
    """Return the artifact of documents that every filter of their source keeps. ``keys`` are files of secret keys by name."""

    def asked(source: str) -> list[str]:
        return sorted({name for step, config in sources[source].steps for name in step.files(config)})

    def asset(name: str) -> str:
        kind, _, own = name.partition("/")
        return f"inputs/{key_input(own)}" if kind == "keys" else name

    def place(work: Work, name: str) -> Path:
        kind, _, own = name.partition("/")
        return Path(keys[own].root) if kind == "keys" else work.folder(name)

    def build(work: Work) -> None:
        from kernels.curation.filtering.chain import DROPPED, TAGS, apply_filters

        steps = sources[source_of(work.partition)].steps
        files = {name: place(work, name) for name in asked(source_of(work.partition))}
        profile = Profile()
        with work.writer("documents", DOCUMENTS) as documents, work.writer("dropped", DROPPED) as drops, work.writer("tags", TAGS) as tagged:
            for table in work.tables(DOCUMENTS_ASSET, "documents", work.partition):
                kept, dropped, tags = apply_filters(table, steps, files)
                documents.write(kept)
                drops.write(dropped)
                tagged.write(tags)
                profile.keep(kept)
                profile.drop(dropped)
                profile.tag(tags)
        show(work, profile)

    return Artifact(
        recipe=recipe,
        name=FILTERED_ASSET,
        description="Documents that every filter of their source keeps, personal data masked. `dropped` has the others: filter, reason, value.",
        group="corpus",
        kinds=("parquet", "polars"),
        code_version=f"chain:{CHAIN_VERSION}+" + _versions(filter_ for plan in sources.values() for filter_, _ in plan.steps),
        code_version_by_partition=lambda partition: f"chain:{CHAIN_VERSION}+" + _versions(step for step, _ in sources[source_of(partition)].steps),
        partitioned=True,
        config=lambda partition: StepsConfig(steps=[config for _, config in sources[source_of(partition)].steps]),
        dependencies=lambda registry, partition: [
            Dependency(DOCUMENTS_ASSET, (partition,)),
            *(Dependency(asset(name), (None,)) for name in asked(source_of(partition))),
        ],
        build=build,
        upstream=(DOCUMENTS_ASSET, *sorted({asset(name) for source in sources for name in asked(source)})),
        schema=DOCUMENTS,
    )


def _versions(specs: Iterable[Spec]) -> str:
    """Return the versions of specs as one text, each named once."""
    return "+".join(sorted({f"{spec.name}:{spec.version}" for spec in specs})) or "none"


def show(work: Work, profile: Profile) -> None:
    """Add a stage's counts, histograms and samples to its metadata."""
    work.draft.num_rows = profile.num_kept
    tables = {
        "outcome": profile.outcome_rows(),
        "lengths": profile.length_rows(),
        "languages": profile.language_rows(),
        "kept_sample": profile.kept_rows(),
        "dropped_sample": profile.dropped_rows(),
    }
    work.draft.metadata |= {name: {"markdown": markdown_table(rows)} for name, rows in tables.items() if rows}
    dropped = profile.reasons.total()
    work.draft.metadata |= {
        "text_bytes": profile.num_text_bytes,
        "num_dropped": dropped,
        "reasons": dict(profile.reasons.most_common()),
        "keep_rate": profile.num_kept / max(1, profile.num_kept + dropped),
        "length_quantiles": profile.length_quantiles(),
        "language_shares": profile.language_shares(),
        "mentions": {group: count for group, count in profile.mentions.items() if count},
    }
