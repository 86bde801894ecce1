"""Deduplication: an index of every partition, whole documents dropped by it, and where the recipe says so repeated passages cut out."""

from pathlib import Path

import pyarrow as pa
from pydantic import SerializeAsAny

from assets.corpus.documents import DEDUPLICATED_ASSET, FILTERED_ASSET, PARAGRAPHS_ASSET, SIGNATURES_ASSET, TRIMMED_ASSET, show
from assets.graph.artifact import Artifact, Dependency, Work, markdown_table
from kernels.curation.deduplication.matching import DedupConfig
from kernels.curation.deduplication.meaning.config import SemanticConfig
from kernels.curation.deduplication.minhash import MinHashConfig
from kernels.curation.deduplication.passages.paragraphs import ParagraphConfig
from kernels.curation.deduplication.passages.substring import SubstringConfig
from kernels.curation.profile import Profile
from kernels.documents.schema import DOCUMENTS
from kernels.specs.config import Config
from resources.storage.sources import Location, Registry

SIGNATURES_VERSION = 2
MATCHING_VERSION = 2
TRIMMING_VERSION = 1
MODEL_INPUT = "semantic_model"


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
    """What an index depends on: nothing of the thresholds."""

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


def earlier(registry: Registry, partition: str | None) -> tuple[str | None, ...]:
    """Return the active partitions that arrived before one."""
    keys = [active.key for active in registry.active()]
    return tuple(keys[: keys.index(str(partition))])


def _earlier_folders(work: Work, asset: str, name: str = "") -> list[Path]:
    """Return the index folders of the partitions before this one that stand."""
    known = set(work.existing(asset))
    return [work.folder(asset, key) / name for key in earlier(work.registry, work.partition) if key in known]


def signatures(recipe: str, entry: DeduplicationEntry, model: Location | None) -> Artifact:
    """Return the artifact of deduplication indexes."""
    index = IndexConfig(minhash=entry.minhash, semantic=entry.semantic and entry.semantic.model_dump(exclude={"min_cosine", "model"}))

    def build(work: Work) -> None:
        from kernels.curation.deduplication.matching import write_index
        from kernels.curation.deduplication.meaning.semantic import write_vectors
        from kernels.inference.embeddings import embed

        documents = work.table(FILTERED_ASSET, "documents", work.partition).select(["id", "text"])
        (work.draft.folder / "minhash").mkdir()
        write_index(documents, entry, work.draft.folder / "minhash")
        if entry.semantic is not None and model is not None:
            (work.draft.folder / "semantic").mkdir()
            vectors = embed(documents["text"].to_pylist(), Path(model.root), entry.semantic.max_tokens)
            write_vectors(documents["id"], vectors, entry.semantic, work.draft.folder / "semantic")
        work.draft.num_rows = documents.num_rows

    return Artifact(
        recipe=recipe,
        name=SIGNATURES_ASSET,
        description="The index that later partitions are matched against: hashes of texts and MinHash bands, sorted, mapped and never read whole.",
        group="corpus",
        kinds=("arrow", "numpy"),
        code_version=f"signatures:{SIGNATURES_VERSION}",
        partitioned=True,
        config=lambda partition: index,
        dependencies=lambda registry, partition: [
            Dependency(FILTERED_ASSET, (partition,)),
            *([Dependency(f"inputs/{MODEL_INPUT}", (None,))] if model else []),
        ],
        build=build,
        upstream=(FILTERED_ASSET, *((f"inputs/{MODEL_INPUT}",) if model else ())),
    )


def deduplicated(recipe: str, entry: DeduplicationEntry) -> Artifact:
    """Return the artifact of documents that no earlier document equals, nearly equals or means."""
    thresholds = MatchConfig(
        minhash=DedupConfig.model_validate(entry.model_dump(include=set(DedupConfig.model_fields))),
        min_cosine=entry.semantic and entry.semantic.min_cosine,
    )

    def build(work: Work) -> None:
        from kernels.curation.deduplication.chains import deduplicate
        from kernels.curation.deduplication.matching import find_duplicates
        from kernels.curation.deduplication.meaning.semantic import find_semantic_duplicates

        own = work.folder(SIGNATURES_ASSET, work.partition)
        found = [find_duplicates(own / "minhash", _earlier_folders(work, SIGNATURES_ASSET, "minhash"), entry)]
        if entry.semantic is not None:
            found.append(find_semantic_duplicates(own / "semantic", _earlier_folders(work, SIGNATURES_ASSET, "semantic"), entry.semantic))
        duplicates = _first_of_each(found)
        profile = Profile()
        with work.writer("documents", DOCUMENTS) as documents:
            for table in work.tables(FILTERED_ASSET, "documents", work.partition):
                kept = deduplicate(table, duplicates)
                documents.write(kept)
                profile.keep(kept)
        profile.drop(duplicates, reason="kind", text="kept_id")
        work.write("duplicates", duplicates)
        show(work, profile)
        work.draft.metadata["num_duplicates"] = duplicates.num_rows

    return Artifact(
        recipe=recipe,
        name=DEDUPLICATED_ASSET,
        description="Filtered documents that no earlier one equals or nearly equals. `duplicates` says which went for whom, how alike they are.",
        group="corpus",
        kinds=("parquet", "polars"),
        code_version=f"matching:{MATCHING_VERSION}",
        partitioned=True,
        config=lambda partition: thresholds,
        dependencies=lambda registry, partition: [
            Dependency(FILTERED_ASSET, (partition,)),
            Dependency(SIGNATURES_ASSET, (partition,)),
            Dependency(SIGNATURES_ASSET, earlier(registry, partition), optional=True, together=True),
        ],
        build=build,
        upstream=(FILTERED_ASSET, SIGNATURES_ASSET),
        schema=DOCUMENTS,
    )


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

    def build(work: Work) -> None:
        from kernels.curation.deduplication.passages.paragraphs import write_paragraph_index

        documents = work.table(DEDUPLICATED_ASSET, "documents", work.partition).select(["id", "text"])
        write_paragraph_index(documents, config, work.draft.folder)
        work.draft.num_rows = documents.num_rows

    return Artifact(
        recipe=recipe,
        name=PARAGRAPHS_ASSET,
        description="Hashes of the paragraphs of deduplicated documents: what later partitions look theirs up in.",
        group="corpus",
        kinds=("arrow", "numpy"),
        code_version=f"paragraphs:{TRIMMING_VERSION}",
        partitioned=True,
        config=lambda partition: config,
        dependencies=lambda registry, partition: [Dependency(DEDUPLICATED_ASSET, (partition,))],
        build=build,
        upstream=(DEDUPLICATED_ASSET,),
    )


def trimmed(recipe: str, entry: DeduplicationEntry) -> Artifact:
    """Return the artifact of documents without passages that stand elsewhere before."""
    config = TrimConfig(paragraphs=entry.paragraphs, substring=entry.substring)

    def build(work: Work) -> None:
        from kernels.curation.deduplication.passages.cuts import CUTS, cut_documents
        from kernels.curation.deduplication.passages.paragraphs import find_paragraphs
        from kernels.curation.deduplication.passages.substring import find_repeats

        documents = work.table(DEDUPLICATED_ASSET, "documents", work.partition)
        cuts = {"paragraphs": CUTS.empty_table(), "substring": CUTS.empty_table()}
        if entry.paragraphs is not None:
            cuts |= {"paragraphs": find_paragraphs(documents, _earlier_folders(work, PARAGRAPHS_ASSET), entry.paragraphs)}
        kept = cut_documents(documents, cuts["paragraphs"])
        if entry.substring is not None:
            cuts |= {"substring": find_repeats(kept, entry.substring)}
        kept = cut_documents(kept, cuts["substring"])
        profile = Profile()
        profile.keep(kept)
        work.write("documents", kept)
        for name, table in cuts.items():
            work.write(f"cut_{name}", table)
        show(work, profile)
        rows = [{"cut": name, "spans": table.num_rows, "documents": len(set(table["id"].to_pylist()))} for name, table in cuts.items()]
        work.draft.metadata |= {"cuts": {"markdown": markdown_table(rows)}, "num_emptied": documents.num_rows - kept.num_rows}

    return Artifact(
        recipe=recipe,
        name=TRIMMED_ASSET,
        description="Deduplicated documents without passages that stand in an earlier one. `cut_*` say what was cut, and who has it still.",
        group="corpus",
        kinds=("parquet", "polars"),
        code_version=f"trimming:{TRIMMING_VERSION}",
        partitioned=True,
        config=lambda partition: config,
        dependencies=lambda registry, partition: [
            Dependency(DEDUPLICATED_ASSET, (partition,)),
            *([Dependency(PARAGRAPHS_ASSET, earlier(registry, partition), optional=True, together=True)] if entry.paragraphs else []),
        ],
        build=build,
        upstream=(DEDUPLICATED_ASSET, *((PARAGRAPHS_ASSET,) if entry.paragraphs else ())),
        schema=DOCUMENTS,
    )
