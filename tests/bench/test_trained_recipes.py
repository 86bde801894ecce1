"""The recipes that benchmarks of trainings run are recipes, and train the models of the comparison at their sizes."""

from pathlib import Path

from pipelines.recipe.schema import load_recipe
from tests.bench import estimate, overhead
from tests.bench.trained_recipes import write_recipe
from tests.locations import PROJECT


def test_the_models_are_those_of_the_comparison_of_architectures_and_as_long_as_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    found = load_recipe(write_recipe(tmp_path, estimate.MODELS, 7)).entries
    known = load_recipe(PROJECT / "pipelines" / "recipes" / "architectures.yaml").entries
    assert list(found.models) == estimate.MODELS and overhead.MODEL in found.models
    for name, entry in found.models.items():
        assert (entry.architecture, entry.objective, entry.batch_size) == (
            known.models[name].architecture,
            known.models[name].objective,
            known.models[name].batch_size,
        )
        assert (entry.num_steps, entry.validate_every) == (7, 7)
