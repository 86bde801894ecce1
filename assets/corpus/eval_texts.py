"""The texts of the recipe's evaluations, which no model may be trained on: one cell an evaluation.

A cell's content is its texts alone, item by item. The same texts under another name, or read from another file, are nothing new. Items whose
texts are all too short to be told from common speech are listed and counted: decontamination does not look for them.
"""

from collections.abc import Mapping
from typing import NamedTuple

import pyarrow as pa

from assets.corpus.names import EVAL_TEXTS
from assets.graph.artifact import Artifact, by_name
from assets.graph.build import CellBuild
from assets.graph.upstream import Upstream
from kernels.specs.tasks import Task, TaskTexts
from resources.storage.sources import Location

TEXTS = pa.schema(
    [
        pa.field("item", pa.int64(), nullable=False, metadata={"description": "which record of the data file, counted from 0"}),
        pa.field("whole", pa.bool_(), nullable=False, metadata={"description": "whether the text is the item as a whole: question and option"}),
        pa.field("text", pa.string(), nullable=False, metadata={"description": "what must not occur in training data"}),
    ]
)
NOT_SEARCHED = pa.schema(
    [
        pa.field("item", pa.int64(), nullable=False, metadata={"description": "an item whose texts are all too short to be looked for"}),
        pa.field("text", pa.string(), nullable=False, metadata={"description": "its longest text"}),
    ]
)
SHOWN_ITEMS = 5


class EvalTexts(NamedTuple):
    """Where the texts of one evaluation are, and how they are read."""

    task: Task
    texts: TaskTexts
    location: Location


def eval_texts(recipe: str, evals: Mapping[str, EvalTexts]) -> Artifact:
    """Return the artifact of evaluation texts."""

    def version(name: str) -> str:
        return f"{evals[name].task.name}_texts:{evals[name].texts.version}"

    return Artifact(
        recipe=recipe,
        name=EVAL_TEXTS,
        description="Texts of the recipe's evaluations, to be kept out of training data. `not_searched` lists items too short to be looked for.",
        group="corpus",
        kinds=("parquet",),
        code_version="+".join(sorted({version(name) for name in evals})),
        code_version_by_partition=lambda partition: version(str(partition)),
        partitioning=by_name("eval_texts", list(evals)),
        made_from=tuple(_file_of(name) for name in evals),
        build=lambda build: read_texts(build, evals[build.key]),
        schema=TEXTS,
    )


def _file_of(name: str) -> Upstream:
    return Upstream(f"inputs/{name}", lambda observed, partition: (None,) if partition == name else ())


def read_texts(build: CellBuild, plan: EvalTexts) -> None:
    """Read the texts of one evaluation's items from its data file, and tell which items cannot be looked for."""
    from kernels.curation.contamination import EvalText, is_searchable

    items = list(plan.texts.read(build.verified_input(build.key, plan.location)))
    texts = [
        EvalText(number, whole, text)
        for number, item in enumerate(items)
        for whole in (False, True)
        for text in (item.wholes if whole else item.parts)
    ]
    searched = {text.item for text, found in zip(texts, is_searchable(texts), strict=True) if found}
    missed = [number for number in range(len(items)) if number not in searched]
    longest = [max((text for own in items[number] for text in own), key=len, default="") for number in missed]
    columns = zip(*((text.item, text.whole, text.text) for text in texts), strict=True) if texts else ([], [], [])
    build.write("texts", pa.table(dict(zip(TEXTS.names, map(list, columns), strict=True)), schema=TEXTS), main=True)
    build.write("not_searched", pa.table({"item": missed, "text": longest}, schema=NOT_SEARCHED))
    build.draft.metadata |= {"num_items": len(items), "num_not_searched": len(missed), "not_searched": "; ".join(longest[:SHOWN_ITEMS])}
