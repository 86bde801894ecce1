"""The last stage of the corpus: documents that share words with an item of the recipe's evaluations are dropped.

What is looked for is a set of texts: neither the names of evaluations nor their order count. A cell that was made from the same documents
before knows what was found then, so that only texts that are new are looked for.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
from pydantic import Field

from assets.corpus.names import CLEAN, EVAL_TEXTS
from assets.corpus.profile import describe
from assets.graph.artifact import SHARDS, Artifact
from assets.graph.build import CellBuild
from assets.graph.upstream import as_set, named, same
from kernels.curation.profile import Profile
from kernels.documents.schema import DOCUMENTS
from kernels.specs.config import Config

VERSION = 4
EXCERPT_CHARS = 200
CONTAMINATED = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False, metadata={"description": "the document"}),
        pa.field("texts", pa.string(), nullable=False, metadata={"description": "content of the evaluation's texts (corpus/eval_texts)"}),
        pa.field("item", pa.int64(), nullable=False, metadata={"description": "which of its items, counted from 0"}),
        pa.field("ngram", pa.string(), nullable=False, metadata={"description": "the first words shared"}),
        pa.field("text", pa.string(), nullable=False, metadata={"description": "how the document begins"}),
    ]
)
LOOKED_FOR = "looked_for"
"""In the metadata: the contents of the texts that were looked for, and in which documents."""


class DecontaminationConfig(Config):
    """What counts as contaminated, and what becomes of it."""

    ngram: int = Field(13, ge=8)
    """Words in a row that a document and an evaluation's item must share (Brown et al. 2020, arXiv 2005.14165, appendix C); a shorter item
    counts as a whole."""
    drop: bool = True
    """Drop such documents; otherwise they are only listed."""


def decontaminated(recipe: str, above: str, config: DecontaminationConfig, evals: Sequence[str]) -> Artifact:
    """Return the artifact of documents that hold no evaluation's words, made from those of the stage ``above``."""
    return Artifact(
        recipe=recipe,
        name=CLEAN,
        description="Deduplicated documents that hold no text of the recipe's evaluations. `contaminated` lists the others with the shared words.",
        group="corpus",
        kinds=("parquet", "polars"),
        code_version=f"decontamination:{VERSION}",
        partitioning=SHARDS,
        config=lambda partition: config,
        made_from=(same(above), *((as_set(named(EVAL_TEXTS, evals)),) if evals else ())),
        build=lambda build: drop_contaminated(build, above, config, evals),
        schema=DOCUMENTS,
    )


class _Found(NamedTuple):
    """What an earlier making of a cell found in the same documents: rows of `CONTAMINATED`, and the texts that were looked for."""

    rows: list[dict[str, Any]]
    texts: set[str]


def drop_contaminated(build: CellBuild, above: str, config: DecontaminationConfig, evals: Sequence[str]) -> None:
    """Drop a partition's documents that hold a text of an evaluation."""
    names = {build.manifest(EVAL_TEXTS, name).content: name for name in evals}
    documents_content = build.manifest(above, build.key).content
    before = _found_before(build, documents_content, config)
    search = _Search(build, {content: name for content, name in names.items() if content not in before.texts}, config.ngram)
    carried = [row for row in before.rows if row["texts"] in names]
    profile = Profile()
    with build.writer("documents", DOCUMENTS) as documents, build.writer("contaminated", CONTAMINATED) as contaminated:
        for table in build.tables(above, "documents", build.key):
            found = search.find(table, carried)
            lost = set(found["id"].to_pylist()) if config.drop else set[str]()
            kept = table.filter(pa.array([key not in lost for key in table["id"].to_pylist()], pa.bool_()))
            documents.write(kept)
            contaminated.write(found)
            profile.keep(kept)
            profile.mention(kept)
            if lost:
                named_found = found.append_column("eval", pa.array([names[str(content)] for content in found["texts"].to_pylist()], pa.string()))
                first = named_found.group_by("id", use_threads=False).aggregate([("eval", "first"), ("text", "first")])
                profile.drop(first, "eval_first", "text_first")
    describe(build, profile)
    build.draft.metadata["num_contaminated"] = contaminated.num_rows
    build.draft.metadata[LOOKED_FOR] = {"documents": documents_content, "ngram": config.ngram, "texts": sorted(names)}


def _found_before(build: CellBuild, documents: str, config: DecontaminationConfig) -> _Found:
    """Return what the standing version of the cell found, nothing where it was made from other documents or by other rules."""
    record = build.state.record(CLEAN, build.key)
    standing = record.manifest
    if standing is None or record.trouble or standing.code_version != build.identity.code_version:
        return _Found([], set())
    looked = standing.metadata.get(LOOKED_FOR, {})
    if (looked.get("documents"), looked.get("ngram")) != (documents, config.ngram):
        return _Found([], set())
    return _Found(build.table(CLEAN, "contaminated", build.key).to_pylist(), set(looked["texts"]))


class _Search:
    """Looks for the texts of some evaluations (name by content of its texts) in documents."""

    def __init__(self, build: CellBuild, evals: Mapping[str, str], ngram: int) -> None:
        from kernels.curation.contamination import EvalText, index_evals

        self.items: list[tuple[str, int]] = []
        texts: list[EvalText] = []
        for content, name in sorted(evals.items()):
            first = len(self.items)
            own = [EvalText(**row) for row in build.table(EVAL_TEXTS, "texts", name).to_pylist()]
            self.items += [(content, number) for number in range(max((text.item for text in own), default=-1) + 1)]
            texts += [text._replace(item=first + text.item) for text in own]
        self.index = index_evals(texts, ngram) if texts else None

    def find(self, documents: pa.Table, carried: list[dict[str, Any]]) -> pa.Table:
        """Return what is found in a table of documents, and what was found in them before, in order of documents, texts and items."""
        from kernels.curation.contamination import find_contaminated

        found = [] if self.index is None else find_contaminated(documents, self.index).to_dicts()
        position = {key: row for row, key in enumerate(documents["id"].to_pylist())} if found or carried else {}
        rows = [row for row in carried if row["id"] in position]
        for row in found:
            content, number = self.items[row["item"]]
            excerpt = str(documents["text"][position[row["id"]]])[:EXCERPT_CHARS]
            rows.append({"id": row["id"], "texts": content, "item": number, "ngram": row["ngram"], "text": excerpt})
        rows.sort(key=lambda row: (position[row["id"]], row["texts"], row["item"]))
        return pa.Table.from_pylist(rows, schema=CONTAMINATED)
