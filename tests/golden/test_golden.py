"""What must not change unnoticed: the asset graphs, the recipes' JSON Schema, and what loading the definitions costs. `make golden` rewrites."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.locations import PROJECT


def mill(*arguments: str, **environment: str) -> str:
    command = [sys.executable, "-m", "pipelines.commands", *arguments]
    return subprocess.run(command, cwd=PROJECT, env={**os.environ, **environment}, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("recipe", ["demo", "smoke"])
def test_the_asset_graph_is_the_reviewed_one(recipe: str) -> None:
    assert mill("graph", "--recipe", recipe) == (Path(__file__).parent / f"{recipe}_graph.txt").read_text()


def test_the_exported_schema_is_that_of_the_recipes() -> None:
    assert json.loads(mill("schema")) == json.loads((PROJECT / "pipelines" / "recipes" / "recipe.schema.json").read_text())


def test_the_written_reference_is_that_of_the_recipes() -> None:
    assert mill("reference") == (PROJECT / "pipelines" / "recipes" / "reference.md").read_text()


def loaded_modules(statement: str, environment: dict[str, str]) -> set[str]:
    code = f"import warnings; warnings.simplefilter('ignore'); import sys; {statement}; print('\\n'.join(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, env=environment, capture_output=True, text=True, check=True)
    return set(result.stdout.splitlines())


def test_definitions_load_without_torch_or_environment_variables() -> None:
    modules = loaded_modules("import pipelines.definitions", {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")})
    assert not {"accelerate", "torch", "transformers", "trl", "great_expectations", "datasets", "matplotlib", "trafilatura"} & modules


def test_planning_needs_no_dagster() -> None:
    modules = loaded_modules("import pipelines.commands, pipelines.recipe.graph", dict(os.environ))
    assert "dagster" not in modules and "torch" not in modules


def test_all_recipes_stand_side_by_side_in_dagster() -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pipelines.definitions import defs

    keys = {key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys()}
    assert {"demo/models/smollm2", "smoke/models/dpo", "demo/evals/leaderboard", "smoke/sources/web"} <= keys
    assert {"demo_refresh", "smoke_refresh"} <= {schedule.name for schedule in defs.schedules or ()}
    assert {"demo_bring_up_to_date", "smoke_materialize"} <= {job.name for job in defs.jobs or ()}


def test_our_kernels_package_hides_no_installed_distribution_of_that_name() -> None:
    import importlib.metadata

    assert (PROJECT / "kernels" / "__init__.py").read_text() == ""
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("kernels")


def test_asset_modules_do_not_postpone_annotations() -> None:
    offenders = [path.name for path in (PROJECT / "assets").rglob("*.py") if "from __future__ import annotations" in path.read_text()]
    assert offenders == [] and list((PROJECT / "assets" / "orchestration").glob("*.py"))
