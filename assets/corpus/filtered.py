"""Documents that the filters of their source keep."""

from collections.abc import Mapping
from typing import Any

from pydantic import SerializeAsAny, model_serializer

from assets.corpus.documents import SourcePlan
from assets.corpus.filter_needs import kind_of
from assets.corpus.names import DOCUMENTS, FILTERED
from assets.corpus.profile import describe, versions
from assets.graph.artifact import SHARDS, Artifact
from assets.graph.build import CellBuild
from assets.graph.upstream import same, source_of
from kernels.curation.profile import Profile
from kernels.documents import schema
from kernels.specs.config import Config
from kernels.specs.needs import FilterNeed
from resources.storage.sources import Location

CHAIN_VERSION = 3


class StepConfig(Config):
    """One filter of a source."""

    filter: str
    settings: SerializeAsAny[Config]
    """The filter's own config."""

    @model_serializer(mode="plain")
    def _as_recipes_write_it(self) -> dict[str, Any]:
        return {"kind": self.filter, **self.settings.model_dump(mode="json")}


class StepsConfig(Config):
    """The filters of a partition's source, in order."""

    steps: list[StepConfig]


def steps_of(plan: SourcePlan) -> list[StepConfig]:
    """Return a source's filters as config."""
    return [StepConfig(filter=step.name, settings=config) for step, config in plan.steps]


def needs_of(plan: SourcePlan) -> list[FilterNeed]:
    """Return what a source's filters need, each once."""
    return list(dict.fromkeys(need for step, config in plan.steps for need in step.needs(config)))


def filtered(recipe: str, sources: Mapping[str, SourcePlan], keys: Mapping[str, Location]) -> Artifact:
    """Return the artifact of documents that every filter of their source keeps. ``keys`` are files of secret keys by name."""
    return Artifact(
        recipe=recipe,
        name=FILTERED,
        description="Documents that every filter of their source keeps, personal data masked. `dropped` has the others: filter, reason, value.",
        group="corpus",
        kinds=("parquet", "polars"),
        code_version=f"chain:{CHAIN_VERSION}+" + versions(step for plan in sources.values() for step, _ in plan.steps),
        code_version_by_partition=lambda partition: f"chain:{CHAIN_VERSION}+" + versions(step for step, _ in sources[source_of(partition)].steps),
        partitioning=SHARDS,
        config=lambda partition: StepsConfig(steps=steps_of(sources[source_of(partition)])),
        made_from=(same(DOCUMENTS), *(kind_of(need).upstream(need).of({source}) for source, plan in sources.items() for need in needs_of(plan))),
        build=lambda build: filter_documents(build, sources[source_of(build.key)], keys),
        schema=schema.DOCUMENTS,
    )


def filter_documents(build: CellBuild, plan: SourcePlan, keys: Mapping[str, Location]) -> None:
    """Pass a partition's documents through its source's filters."""
    from kernels.curation.filtering.chain import DROPPED, TAGS, apply_filters

    paths = {need: kind_of(need).path(need, build, keys) for need in needs_of(plan)}
    profile = Profile()
    with build.writer("documents", schema.DOCUMENTS) as documents, build.writer("dropped", DROPPED) as drops, build.writer("tags", TAGS) as tagged:
        for table in build.tables(DOCUMENTS, "documents", build.key):
            kept, dropped, tags = apply_filters(table, plan.steps, paths)
            documents.write(kept)
            drops.write(dropped)
            tagged.write(tags)
            profile.keep(kept)
            profile.drop(dropped)
            profile.tag(tags)
    describe(build, profile)
