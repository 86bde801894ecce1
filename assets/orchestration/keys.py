"""Artifacts by the names that Dagster knows them under."""

from collections.abc import Sequence

import dagster as dg

from assets.graph.artifact import SHARDS, Artifact, Graph, Partitioning
from resources.storage.content import hash_json
from resources.storage.sources import ObservedSources

VERSION_CHARS = 12


def asset_key(recipe: str, name: str) -> dg.AssetKey:
    """Return the Dagster key of an asset."""
    return dg.AssetKey([recipe, *name.split("/")])


def partitions_name(recipe: str, partitioning: Partitioning) -> str:
    """Return under which name Dagster keeps the partitions of some assets."""
    return f"{recipe}_{partitioning.name}"


def partitions_definition(recipe: str, partitioning: Partitioning) -> dg.DynamicPartitionsDefinition:
    """Return the partitions of some assets: their keys come and go with sources and recipes."""
    return dg.DynamicPartitionsDefinition(name=partitions_name(recipe, partitioning))


def partitionings(graph: Graph) -> dict[str, Partitioning]:
    """Return the ways in which a recipe's artifacts are partitioned, by name."""
    return {artifact.partitioning.name: artifact.partitioning for artifact in graph.artifacts.values() if artifact.partitioning is not None}


def declared_version(graph: Graph, artifact: Artifact) -> str:
    """Return the code version that Dagster compares: of code and config together, since Dagster knows no configs.

    Where partitions differ in code or config, it is that of all of them, so that events are stamped anew where another's changed (mirror.py).
    """
    variants: set[str] = set()
    for partition in _variants(graph, artifact):
        config = artifact.config(partition)
        values = None if config is None else config.model_dump(mode="json", by_alias=True)
        variants.add(hash_json([artifact.code_version_of(partition), values]))
    return f"{artifact.code_version} {hash_json(sorted(variants))[:VERSION_CHARS]}"


def _variants(graph: Graph, artifact: Artifact) -> Sequence[str | None]:
    """Return partitions that stand for all kinds of an artifact's partitions: one a source, or each name."""
    if artifact.partitioning is None:
        return [None]
    if artifact.partitioning is SHARDS:
        return [f"{source}.any.000" for source in graph.sources]
    return list(artifact.partitioning.keys(ObservedSources()))
