"""The last stage of the corpus: documents that share words with an evaluation of the recipe are dropped."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from pydantic import Field

from assets.corpus.documents import CLEAN_ASSET, show
from assets.graph.artifact import Artifact, Dependency, Work
from kernels.curation.profile import Profile
from kernels.documents.schema import DOCUMENTS
from kernels.specs.config import Config
from kernels.specs.tasks import Eval
from resources.storage.sources import Location

if TYPE_CHECKING:
    from kernels.curation.contamination import EvalIndex

VERSION = 1
CONTAMINATED = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False, metadata={"description": "the document"}),
        pa.field("eval", pa.string(), nullable=False, metadata={"description": "the evaluation, as the recipe calls it"}),
        pa.field("item", pa.int64(), nullable=False, metadata={"description": "which of its texts, counted from 0"}),
        pa.field("ngram", pa.string(), nullable=False, metadata={"description": "the first words shared"}),
        pa.field("text", pa.string(), nullable=False, metadata={"description": "how the document begins"}),
    ]
)


class DecontaminationConfig(Config):
    """What counts as contaminated, and what becomes of it."""

    ngram: int = Field(13, ge=8)
    """Words in a row that a document and an evaluation text must share (Brown et al. 2020, arXiv 2005.14165, appendix C)."""
    drop: bool = True
    """Drop such documents; otherwise they are only listed."""


def decontaminated(recipe: str, above: str, config: DecontaminationConfig, evals: Mapping[str, tuple[Eval, Location]]) -> Artifact:
    """Return the artifact of documents that hold no evaluation's words, made from those of the stage ``above``."""

    def build(work: Work) -> None:
        from kernels.curation.contamination import index_evals

        texts = {name: list(spec.texts(Path(location.root))) for name, (spec, location) in evals.items() if spec.texts}
        items = [(name, number) for name, own in texts.items() for number in range(len(own))]
        index = index_evals([text for own in texts.values() for text in own], config.ngram)
        profile = Profile()
        with work.writer("documents", DOCUMENTS) as documents, work.writer("contaminated", CONTAMINATED) as contaminated:
            for table in work.tables(above, "documents", work.partition):
                found = _contaminated(table, index, items)
                lost = set(found["id"].to_pylist()) if config.drop else set()
                kept = table.filter(pa.array([key not in lost for key in table["id"].to_pylist()], pa.bool_()))
                documents.write(kept)
                contaminated.write(found)
                profile.keep(kept)
                profile.mention(kept)
                if lost:
                    profile.drop(
                        found.group_by("id", use_threads=False).aggregate([("eval", "first"), ("text", "first")]), "eval_first", "text_first"
                    )
        show(work, profile)
        work.draft.metadata["num_contaminated"] = contaminated.num_rows

    return Artifact(
        recipe=recipe,
        name=CLEAN_ASSET,
        description="Deduplicated documents that hold no text of the recipe's evaluations. `contaminated` lists the others with the shared words.",
        group="corpus",
        kinds=("parquet", "polars"),
        code_version="+".join([f"decontamination:{VERSION}", *sorted({f"{spec.name}:{spec.version}" for spec, _ in evals.values()})]),
        partitioned=True,
        config=lambda partition: config,
        dependencies=lambda registry, partition: [
            Dependency(above, (partition,)),
            *(Dependency(f"inputs/{name}", (None,)) for name in evals),
        ],
        build=build,
        upstream=(above, *(f"inputs/{name}" for name in evals)),
        schema=DOCUMENTS,
    )


def _contaminated(documents: pa.Table, index: "EvalIndex", items: list[tuple[str, int]]) -> pa.Table:
    """Return the documents of a table that share words with evaluation texts (schema `CONTAMINATED`)."""
    from kernels.curation.contamination import find_contaminated

    found = find_contaminated(documents, index).to_dicts()
    wanted = {row["id"] for row in found}
    excerpts = {row["id"]: row["text"][:200] for row in documents.select(["id", "text"]).to_pylist() if row["id"] in wanted} if wanted else {}
    rows: list[dict[str, object]] = []
    for row in found:
        name, number = items[row["eval_index"]]
        rows.append({"id": row["id"], "eval": name, "item": number, "ngram": row["ngram"], "text": excerpts[row["id"]]})
    return pa.Table.from_pylist(rows, schema=CONTAMINATED)
