"""Deduplication: an index of every partition, whole documents dropped by it, and where the recipe says so repeated passages cut out."""

from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import SerializeAsAny

from assets.corpus.names import DEDUPLICATED, FILTERED, PARAGRAPHS, SIGNATURES, TRIMMED
from assets.corpus.profile import describe
from assets.graph.artifact import SHARDS, Artifact
from assets.graph.build import CellBuild
from assets.graph.metadata import rows_markdown
from assets.graph.upstream import earlier, same, whole
from kernels.curation.deduplication.matching import DedupConfig
from kernels.curation.deduplication.meaning.config import SemanticConfig
from kernels.curation.deduplication.minhash import MinHashConfig
from kernels.curation.deduplication.passages.paragraphs import ParagraphConfig
from kernels.curation.deduplication.passages.substring import SubstringConfig
from kernels.curation.profile import Profile
from kernels.documents.schema import DOCUMENTS
from kernels.specs.config import Config
from resources.storage.sources import Location
from resources.storage.tables import num_rows_of, read_table, read_tables

SIGNATURES_VERSION = 4
MATCHING_VERSION = 3
TRIMMING_VERSION = 2
MODEL_INPUT = "semantic_model"
"""The input that holds the sentence encoder."""


class SemanticEntry(SemanticConfig):
    """Semantic deduplication, and the encoder that it asks."""

    model: str
    """Folder of a sentence encoder, or ``embedded:NAME``."""


class DeduplicationEntry(DedupConfig):
    """Which documents and passages count as said before."""

    semantic: SemanticEntry | None = None
    """Drop documents that mean what an earlier one means."""
    paragraphs: ParagraphConfig | None = None
    """Cut paragraphs that an earlier document has."""
    substring: SubstringConfig | None = None
    """Cut long spans of words that an earlier document of the partition has."""

    @property
    def trims(self) -> bool:
        """Whether passages are cut."""
        return self.paragraphs is not None or self.substring is not None


class IndexConfig(Config):
    """What an index depends on: of the thresholds, only what shapes the bands."""

    minhash: MinHashConfig
    semantic: dict[str, int | float | str] | None


class MatchConfig(Config):
    """Thresholds of whole documents."""

    minhash: DedupConfig
    min_cosine: float | None


class TrimConfig(Config):
    """What is cut."""

    paragraphs: SerializeAsAny[ParagraphConfig] | None
    substring: SerializeAsAny[SubstringConfig] | None


def _earlier_folders(build: CellBuild, asset: str, name: str = "") -> list[Path]:
    """Return the index folders of the partitions before this one that may be used."""
    usable = set(build.usable(asset))
    keys = build.observed.keys[: build.observed.positions[build.key]]
    return [build.folder(asset, key) / name for key in keys if key in usable]


def signatures(recipe: str, entry: DeduplicationEntry, model: Location | None) -> Artifact:
    """Return the artifact of deduplication indexes."""
    index = IndexConfig(minhash=entry.minhash, semantic=entry.semantic and entry.semantic.model_dump(exclude={"min_cosine", "model"}))
    return Artifact(
        recipe=recipe,
        name=SIGNATURES,
        description="The index that later partitions are matched against: texts, MinHash bands and shingles as hashes, sorted, never read whole.",
        group="corpus",
        kinds=("arrow", "numpy"),
        code_version=f"signatures:{SIGNATURES_VERSION}",
        partitioning=SHARDS,
        config=lambda partition: index,
        made_from=(same(FILTERED), *((whole(f"inputs/{MODEL_INPUT}"),) if model else ())),
        build=lambda build: write_indexes(build, entry, model),
    )


def write_indexes(build: CellBuild, entry: DeduplicationEntry, model: Location | None) -> None:
    """Write the index of a partition's texts and, where the recipe asks, of their meaning."""
    from kernels.curation.deduplication.matching import write_index_in_pieces
    from kernels.curation.deduplication.meaning.semantic import write_vectors
    from kernels.inference.embeddings import embed

    path = build.folder(FILTERED, build.key) / "documents.parquet"
    num_rows = num_rows_of(path)
    (build.draft.folder / "minhash").mkdir()
    write_index_in_pieces(read_tables(path, ["id", "text"]), num_rows, entry, build.draft.folder / "minhash")
    if entry.semantic is not None and model is not None:
        documents = read_table(path, ["id", "text"])  # the encoder sorts all texts by length
        (build.draft.folder / "semantic").mkdir()
        texts: Any = documents["text"].to_pylist()
        vectors = embed(texts, Path(model.root), entry.semantic.max_tokens)
        write_vectors(documents["id"], vectors, entry.semantic, build.draft.folder / "semantic")
    build.draft.num_rows = num_rows


def deduplicated(recipe: str, entry: DeduplicationEntry) -> Artifact:
    """Return the artifact of documents that no earlier document equals, nearly equals or means."""
    thresholds = MatchConfig(
        minhash=DedupConfig.model_validate(entry.model_dump(include=set(DedupConfig.model_fields))),
        min_cosine=entry.semantic and entry.semantic.min_cosine,
    )
    return Artifact(
        recipe=recipe,
        name=DEDUPLICATED,
        description="Filtered documents that no earlier one equals or nearly equals. `duplicates` says which went for whom, how alike they are.",
        group="corpus",
        kinds=("parquet", "polars"),
        code_version=f"matching:{MATCHING_VERSION}",
        partitioning=SHARDS,
        config=lambda partition: thresholds,
        made_from=(same(FILTERED), same(SIGNATURES), earlier(SIGNATURES)),
        build=lambda build: drop_duplicates(build, entry),
        schema=DOCUMENTS,
    )


def drop_duplicates(build: CellBuild, entry: DeduplicationEntry) -> None:
    """Drop a partition's documents that an earlier one, or an earlier partition's, makes superfluous."""
    from kernels.curation.deduplication.chains import deduplicate
    from kernels.curation.deduplication.matching import find_duplicates
    from kernels.curation.deduplication.meaning.semantic import find_semantic_duplicates

    own = build.folder(SIGNATURES, build.key)
    found = [find_duplicates(own / "minhash", _earlier_folders(build, SIGNATURES, "minhash"), entry)]
    if entry.semantic is not None:
        found.append(find_semantic_duplicates(own / "semantic", _earlier_folders(build, SIGNATURES, "semantic"), entry.semantic))
    duplicates = _first_of_each(found)
    profile = Profile()
    with build.writer("documents", DOCUMENTS) as documents:
        for table in build.tables(FILTERED, "documents", build.key):
            kept = deduplicate(table, duplicates)
            documents.write(kept)
            profile.keep(kept)
    profile.drop(duplicates, reason="kind", text="kept_id")
    build.write("duplicates", duplicates)
    describe(build, profile)
    build.draft.metadata["num_duplicates"] = duplicates.num_rows
    build.draft.metadata["chance_of_finding_a_pair_at_min_similarity"] = round(entry.minhash.chance(entry.min_similarity), 4)


def _first_of_each(found: list[pa.Table]) -> pa.Table:
    """Return duplicates found in several ways, each document once: as the first way has it."""
    seen: set[str] = set()
    parts: list[pa.Table] = []
    for table in found:
        ids = table["id"].to_pylist()
        parts.append(table.filter(pa.array([key not in seen for key in ids], pa.bool_())))
        seen.update(str(key) for key in ids)
    return pa.concat_tables(parts)


def paragraphs(recipe: str, config: ParagraphConfig) -> Artifact:
    """Return the artifact of paragraph indexes."""
    return Artifact(
        recipe=recipe,
        name=PARAGRAPHS,
        description="Hashes of the paragraphs of deduplicated documents: what later partitions look theirs up in.",
        group="corpus",
        kinds=("arrow", "numpy"),
        code_version=f"paragraphs:{TRIMMING_VERSION}",
        partitioning=SHARDS,
        config=lambda partition: config,
        made_from=(same(DEDUPLICATED),),
        build=lambda build: write_paragraphs(build, config),
    )


def write_paragraphs(build: CellBuild, config: ParagraphConfig) -> None:
    """Write the index of a partition's paragraphs."""
    from kernels.curation.deduplication.passages.paragraphs import write_paragraph_index

    documents = build.table(DEDUPLICATED, "documents", build.key).select(["id", "text", "turns"])
    write_paragraph_index(documents, config, build.draft.folder)
    build.draft.num_rows = documents.num_rows


def trimmed(recipe: str, entry: DeduplicationEntry) -> Artifact:
    """Return the artifact of documents without passages that stand elsewhere before."""
    config = TrimConfig(paragraphs=entry.paragraphs, substring=entry.substring)
    return Artifact(
        recipe=recipe,
        name=TRIMMED,
        description="Deduplicated documents without passages that stand in an earlier one. `cut_*` say what was cut and who has it still, "
        "`dropped` of which documents, or turns of conversations, nothing was left.",
        group="corpus",
        kinds=("parquet", "polars"),
        code_version=f"trimming:{TRIMMING_VERSION}",
        partitioning=SHARDS,
        config=lambda partition: config,
        made_from=(same(DEDUPLICATED), *((earlier(PARAGRAPHS),) if entry.paragraphs else ())),
        build=lambda build: cut_passages(build, entry),
        schema=DOCUMENTS,
    )


def cut_passages(build: CellBuild, entry: DeduplicationEntry) -> None:
    """Cut passages out of a partition's documents that stand in an earlier one."""
    from kernels.curation.deduplication.passages.cuts import CUTS, cut_documents, emptied_documents
    from kernels.curation.deduplication.passages.paragraphs import find_paragraphs
    from kernels.curation.deduplication.passages.substring import find_repeats

    documents = build.table(DEDUPLICATED, "documents", build.key)
    cuts = {"paragraphs": CUTS.empty_table(), "substring": CUTS.empty_table()}
    if entry.paragraphs is not None:
        cuts |= {"paragraphs": find_paragraphs(documents, _earlier_folders(build, PARAGRAPHS), entry.paragraphs)}
    without_paragraphs = cut_documents(documents, cuts["paragraphs"])
    if entry.substring is not None:
        cuts |= {"substring": find_repeats(without_paragraphs, entry.substring)}
    kept = cut_documents(without_paragraphs, cuts["substring"])
    steps = (("paragraphs", documents, without_paragraphs), ("substring", without_paragraphs, kept))
    dropped = pa.concat_tables([emptied_documents(before, after, name) for name, before, after in steps])
    profile = Profile()
    profile.keep(kept)
    profile.drop(dropped)
    build.write("documents", kept)
    build.write("dropped", dropped)
    for name, table in cuts.items():
        build.write(f"cut_{name}", table)
    describe(build, profile)
    rows = [{"cut": name, "spans": table.num_rows, "documents": len(set(table["id"].to_pylist()))} for name, table in cuts.items()]
    build.draft.metadata |= {"cuts": rows_markdown(rows), "num_emptied": dropped.num_rows}
