"""``mill reference``: every key of a recipe."""

import yaml

from pipelines.recipe.reference import reference
from pipelines.recipe.schema import recipe_type
from pipelines.settings import SHIPPED
from pipelines.terminal.application import app


@app.command("reference")
def print_reference() -> None:
    """Print every key of a recipe with its type, default and meaning, and examples, as Markdown."""
    recipes = [yaml.safe_load(path.read_text()) for path in sorted(SHIPPED.rglob("*.yaml"))]
    print(reference(recipe_type().model_json_schema(), recipes), end="")
