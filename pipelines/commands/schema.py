"""``mill schema``: the JSON Schema of recipes."""

from pipelines.commands.application import app
from pipelines.recipe.schema import recipe_type


@app.command()
def schema() -> None:
    """Print the JSON Schema of recipes, for editors."""
    import json

    print(json.dumps(recipe_type().model_json_schema(), indent=1))
