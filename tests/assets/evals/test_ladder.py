"""Ladders: the law that losses follow is found, what it foretells stands beside what was reached, and a check holds the two together."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from assets.evals.ladder import CHECK, LadderEntry, ladder, ladder_suites
from assets.graph.artifact import Artifact
from kernels.training.laws import scaling_law
from resources.storage.home import Home
from resources.storage.lake import Lake
from resources.storage.manifest import Cell, Manifest, Verdict
from tests.small_graphs import artifact, bring_up, graph_of, observed

LADDER = "evals/ladder_base"
TOKENS, FLOPS_PER_TOKEN = 1e6, 7.0
SIZES = {"a": 1e5, "b": 2e5, "c": 4e5, "d": 8e5, "e": 1.6e6}
"""Parameters that a token is multiplied by; the largest is held out."""
ENTRY = LadderEntry(models=list(SIZES), held_out=["e"])


def law(num_parameters: float) -> float:
    return 40.0 * num_parameters**-0.2


LOSSES = {name: law(size) * (1 + wiggle) for (name, size), wiggle in zip(SIZES.items(), (1e-3, -1e-3, -1e-3, 1e-3, 0), strict=True)}


def climbed(folder: Path, entry: LadderEntry = ENTRY, lacking: str = "", **losses: float) -> Lake:
    """Return the lake of a ladder through models of some losses."""

    def trained(name: str, loss: float) -> Artifact:
        told = {"num_matmul_parameters": SIZES[name], "num_train_tokens": TOKENS * SIZES[name] / 1e5, "flops_per_token": FLOPS_PER_TOKEN}
        told |= {} if name == lacking else {"validation_loss": loss}

        def build(cell: Any) -> None:
            (cell.draft.folder / "config.json").write_text(str(loss))
            cell.draft.metadata |= told

        return artifact(f"models/{name}", build)

    home = Home.resolve(folder, {})
    models = [trained(name, loss) for name, loss in {**LOSSES, **losses}.items()]
    graph = graph_of(*models, ladder("r", "base", entry), suites={LADDER: list(ladder_suites("base", entry))})
    bring_up(graph, home, observed())
    return home.lake()


def told_of(lake: Lake) -> tuple[Manifest, pl.DataFrame, dict[str, Any]]:
    manifest = lake.require(Cell("r", LADDER, None))
    folder = lake.folder(manifest.cell, manifest.version)
    return manifest, pl.read_parquet(folder / "runs.parquet"), json.loads((folder / "law.json").read_text())


def verdict_on(lake: Lake) -> Verdict:
    return lake.verdicts(Cell("r", LADDER, None))[CHECK]


@pytest.fixture(scope="module", autouse=True)
def fitted_once_to_the_same_runs_and_seldom_drawn_anew() -> Iterator[None]:
    @cache
    def fit(runs: tuple[scaling_law.Run, ...], seed: int) -> scaling_law.ScalingFit:
        return plain(runs, seed=seed, num_bootstrap=8)

    plain = scaling_law.fit_scaling_law
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(scaling_law, "fit_scaling_law", lambda runs, seed: fit(tuple(runs), seed))
        yield


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return climbed(tmp_path_factory.mktemp("ladder"))


def test_the_law_that_losses_follow_is_found_with_intervals_around_its_constants(found: Lake) -> None:
    manifest, runs, told = told_of(found)
    assert told["formula"] == "A/N^alpha" and told["explained"] > 0.999
    constants = {row["constant"]: row for row in told["constants"]}
    assert constants.keys() == {"size_factor", "size_exponent"}
    assert constants["size_exponent"]["value"] == pytest.approx(0.2, abs=0.005) and constants["size_factor"]["value"] == pytest.approx(40, rel=0.05)
    assert all(row["low"] <= row["value"] <= row["high"] for row in constants.values())
    assert runs["fitted"].to_list() == pytest.approx([law(size) for size in SIZES.values()], rel=0.003)
    assert manifest.unhashed.keys() == {"law.png"} and "explains" in manifest.metadata["law"]["markdown"]


def test_each_model_has_a_row_with_what_it_took_and_those_held_out_what_was_foretold_of_them(found: Lake) -> None:
    _, runs, _ = told_of(found)
    assert runs.select("model", "num_parameters", "num_tokens", "flops", "loss", "held_out").rows() == [
        (name, size, 10 * size, FLOPS_PER_TOKEN * 10 * size, LOSSES[name], name == "e") for name, size in SIZES.items()
    ]
    (row,) = runs.filter("held_out").to_dicts()
    assert row["foretold"] == pytest.approx(law(SIZES["e"]), rel=0.003)
    assert 0.95 * row["foretold"] < row["low"] < row["foretold"] < row["high"] == pytest.approx(law(SIZES["d"]), rel=0.003)
    assert runs.filter(~pl.col("held_out")).select("foretold", "low", "high").null_count().row(0) == (4, 4, 4)


def test_the_check_passes_where_the_held_out_size_reached_what_was_foretold(found: Lake) -> None:
    verdict = verdict_on(found)
    assert verdict.passed and verdict.description.startswith("1 of 1 within the interval that was foretold: e: ")


@pytest.mark.parametrize("ratio", [1.2, 0.8])
def test_the_check_warns_of_a_held_out_size_that_came_elsewhere_and_the_law_is_not_fitted_to_it(found: Lake, tmp_path: Path, ratio: float) -> None:
    other = climbed(tmp_path, e=ratio * law(SIZES["e"]))
    verdict = verdict_on(other)
    assert not verdict.passed and not verdict.blocking and verdict.description.startswith("0 of 1 within")
    assert f"reached {ratio * law(SIZES['e']):.3f}" in verdict.description
    assert told_of(other)[2] == told_of(found)[2]


def test_a_ladder_that_holds_nothing_out_foretells_nothing_and_has_no_check(tmp_path: Path) -> None:
    entry = LadderEntry(models=["a", "b", "c", "d"])
    assert ladder_suites("base", entry) == ()
    assert told_of(climbed(tmp_path, entry))[1]["foretold"].to_list() == [None] * 4


def test_a_model_without_validation_loss_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^c: has no validation_loss, .*; give pretrained models a mixture with a validation split"):
        climbed(tmp_path, lacking="c")
