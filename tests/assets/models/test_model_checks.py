"""No text of an evaluation among the documents that a model is trained on: of a mixture, those that stand in its training rows."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assets.corpus.names import CLEAN, EVAL_TEXTS
from assets.graph.artifact import SHARDS, by_name
from assets.graph.checks import CheckFinding
from assets.models.checkpoints import ModelPlan
from assets.models.checks import CONTAMINATION_CHECK, TrainingData, model_suites
from assets.models.names import model_asset
from assets.models.needs import NeedsOfRecipe
from kernels.documents.schema import document_table
from kernels.specs.families import specs
from kernels.specs.sources import Document
from kernels.tokens.mixtures.membership import MEMBERSHIP
from resources.devices.jobs import World
from resources.storage.home import Home
from resources.storage.manifest import Cell
from tests.small_graphs import artifact, graph_of, judging, no_launcher, observed, put_cell

PARTITION = "web.base.000"
MIXTURE = "tokens/mixture_pretrain"
ITEM = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"


def finding(folder: Path, mixture: str | None) -> CheckFinding:
    """Judge a model of three documents that hold an item: one trained on, one held out, one that the mixture leaves out."""
    home = Home.resolve(folder, {})
    lake, model = home.lake(), Cell("r", model_asset("base"))
    documents = document_table("web", "f", [Document(key, f"{key} says {ITEM} and more") for key in ("trained", "held", "left")])
    put_cell(lake, Cell("r", CLEAN, PARTITION), documents=documents)
    texts = pa.Table.from_pylist([{"item": 1, "whole": True, "text": ITEM}])
    put_cell(lake, Cell("r", EVAL_TEXTS, "boolq"), texts=texts, metadata={"num_not_searched": 0})
    run: dict[str, Any] = {"row": 0, "start": 0, "length": 9, "segment": 0, "source": "web", "first_token": 0, "is_earlier": False}
    runs = [{**run, "split": split, "id": f"web/f#{key}"} for split, key in (("train", "trained"), ("validation", "held"))]
    put_cell(lake, Cell("r", MIXTURE), membership=pa.Table.from_pylist(runs, schema=MEMBERSHIP))
    put_cell(lake, model)
    plan = ModelPlan(specs("methods")["pretrain"], None, NeedsOfRecipe("base", (), "pretrain", None, None), World(), {})  # pyright: ignore[reportArgumentType]
    suites = model_suites("base", plan, TrainingData({"web": None}, mixture), ["boolq"])
    (suite,) = (each for each in suites if each.checks[0].name == CONTAMINATION_CHECK)
    partitioning = {CLEAN: SHARDS, EVAL_TEXTS: by_name("evals", ["boolq"]), MIXTURE: None, model.asset: None}
    graph = graph_of(*(artifact(name, no_launcher, partitioning=each) for name, each in partitioning.items()))
    return suite.evaluate(judging(home, graph, observed(PARTITION)), [model])[model][CONTAMINATION_CHECK]


@pytest.mark.parametrize(("mixture", "num_trained_on"), [(MIXTURE, 1), (None, 3)])
def test_only_documents_that_a_mixtures_training_rows_hold_count_as_trained_on(tmp_path: Path, mixture: str | None, num_trained_on: int) -> None:
    found = finding(tmp_path, mixture)
    assert (found.passed, found.metadata["num_documents"], found.metadata["num_not_trained_on"]) == (False, num_trained_on, 3 - num_trained_on)
    assert "web/f#trained" in found.description
