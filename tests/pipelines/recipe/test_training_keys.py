"""What a recipe says of how its trainings are told of: offline runs, statistics, and trainings side by side."""

import re
import sys
from pathlib import Path

import pytest

from assets.evals.names import TRAINING_RUNS
from assets.graph.artifact import Graph
from kernels.specs.extras import Extra
from pipelines.recipe.graph import build_graph
from pipelines.recipe.schema import kernel_config, load_recipe
from resources.storage.home import Home
from tests.small_recipe import RECIPE, SMALL, changed, faults, line_of, write

PROJECT = changed("    num_steps: 30\n", "    num_steps: 30\n    wandb_project: demo\n")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Extra, "is_installed", lambda extra: True)


def test_an_offline_run_without_the_library_is_a_fault_of_the_recipe_with_line_and_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    (told,) = faults(tmp_path, PROJECT)
    assert told.startswith(f"{line_of(PROJECT, 'wandb_project')}: models.base.wandb_project: runs of Weights & Biases need the extra 'wandb'")
    assert told.endswith("pip install 'modelmill[wandb]', or leave the key out")


def test_a_training_by_deepspeed_without_it_is_a_fault_of_the_recipe_with_line_and_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_it = changed("    num_steps: 30\n", "    num_steps: 30\n    run: {processes: 2, zero: 2, back_end: deepspeed}\n")
    load_recipe(write(tmp_path, by_it))
    monkeypatch.setattr(Extra, "is_installed", lambda extra: extra.name != "deepspeed")
    (told,) = faults(tmp_path, by_it)
    assert told.startswith(f"{line_of(by_it, 'run')}: models.base.run.back_end: trainings by DeepSpeed need the extra 'deepspeed'")
    assert told.endswith("pip install 'modelmill[deepspeed]', or take back_end: modelmill")


def test_an_offline_run_changes_nothing_of_what_is_computed(tmp_path: Path, installed: None) -> None:
    with_run, without = (load_recipe(write(tmp_path, text)).entries.models["base"] for text in (PROJECT, RECIPE))
    assert with_run.wandb_project == "demo" and without.wandb_project is None
    assert kernel_config("methods", "pretrain", with_run) == kernel_config("methods", "pretrain", without)


@pytest.mark.parametrize("name", ["a/b", "a:b", "what?", '""'])
def test_a_project_is_named_as_the_service_names_them(name: str, tmp_path: Path, installed: None) -> None:
    assert any("models.base.wandb_project" in line for line in faults(tmp_path, PROJECT.replace("wandb_project: demo", f"wandb_project: {name}")))


def test_what_is_not_trained_has_no_run(tmp_path: Path, installed: None) -> None:
    (told,) = faults(tmp_path, changed("small_sft: {method: int8,", "small_sft: {method: int8, wandb_project: demo,"))
    assert "models.small_sft.wandb_project: unknown key 'wandb_project'" in told


def test_stages_of_a_recipe_reach_the_process_that_trains_as_they_were_written(tmp_path: Path) -> None:
    stages = "batch_stages: [{from: 0.5, batch_size: 8}]\n    length_stages: [{from: 0, length: 32}, {from: 0.25, length: 64}]\n"
    entry = load_recipe(write(tmp_path, changed("    num_steps: 30\n", f"    num_steps: 30\n    {stages}"))).entries.models["base"]
    config = kernel_config("methods", "pretrain", entry)
    asked = config.model_dump(mode="json")  # as a worker is asked (assets/models/checkpoints.py)
    assert asked["batch_stages"] == [{"from": 0.5, "batch_size": 8}]
    assert [stage["from"] for stage in asked["length_stages"]] == [0, 0.25]
    assert type(config).model_validate(asked) == config


def test_steps_between_looks_at_tensors_are_at_least_one(tmp_path: Path) -> None:
    (told,) = faults(tmp_path, changed("    num_steps: 30\n", "    num_steps: 30\n    tensor_statistics_every: 0\n"))
    assert "models.base.tensor_statistics_every: " in told and "greater than 0" in told


def second(name: str, **changes: str) -> str:
    """The recipe's model once more under another name, with changes of its entry."""
    entry = SMALL.split("  base:\n", 1)[1]
    for key, value in changes.items():
        entry, count = re.subn(rf"(?m)^    {key}: .*$", f"    {key}: {value}", entry)
        assert count == 1, key
    return RECIPE.replace("  sft:\n", f"  {name}:\n{entry}  sft:\n", 1)


def graph(folder: Path, text: str) -> Graph:
    return build_graph(load_recipe(write(folder, text)), Home.resolve(folder / "home", {}))


def test_trainings_that_compare_stand_side_by_side_and_with_the_leaderboard(tmp_path: Path) -> None:
    found = graph(tmp_path, second("faster", learning_rate="0.01")).artifacts
    assert found[TRAINING_RUNS].upstream == ("models/base", "models/faster")
    assert TRAINING_RUNS in found["evals/leaderboard"].upstream
    assert list(found).index(TRAINING_RUNS) < list(found).index("evals/leaderboard"), "parents come first"


@pytest.mark.parametrize("changes", [{"max_validation_sequences": "2"}, None])
def test_trainings_that_do_not_compare_stand_nowhere(changes: dict[str, str] | None, tmp_path: Path) -> None:
    found = graph(tmp_path, RECIPE if changes is None else second("other", **changes)).artifacts
    assert TRAINING_RUNS not in found and TRAINING_RUNS not in found["evals/leaderboard"].upstream


def test_no_model_takes_the_name_of_the_trainings(tmp_path: Path) -> None:
    assert any("models.training_runs: this name is taken by the trainings side by side" in line for line in faults(tmp_path, second("training_runs")))
