"""The texts of the recipe's evaluations, which no model may be trained on: one cell an evaluation.

A cell's content is its texts alone. The same texts under another name, or read from another file, are nothing new.
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

TEXTS = pa.schema([pa.field("text", pa.string(), nullable=False, metadata={"description": "what must not occur in training data"})])


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
        description="Texts of the recipe's evaluations, to be kept out of training data. The same texts under another name are nothing new.",
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
    """Read the texts of one evaluation from its data file."""
    texts = list(plan.texts.read(build.verified_input(build.key, plan.location)))
    build.write("texts", pa.table({"text": pa.array(texts, pa.string())}, schema=TEXTS), main=True)
