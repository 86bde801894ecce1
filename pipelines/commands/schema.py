"""``mill schema``: the JSON Schema of recipes."""

from pipelines.recipe.schema import recipe_type
from pipelines.terminal.application import app


@app.command()
def schema() -> None:
    """Print the JSON Schema of recipes, for editors."""
    import json

    print(json.dumps(recipe_type().model_json_schema(), indent=1))
