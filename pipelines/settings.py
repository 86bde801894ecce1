"""Which recipes are in force and where their state is: the environment read in one place, every variable optional.

``MILL_RECIPES``: recipe files, parted as ``PATH`` is; ``MILL_HOME``: the state's folder; ``MILL_LAKE``: path or URL of the lake;
``MILL_CACHE``: downloaded packages.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from resources.home import Home

SHIPPED = Path(__file__).parent / "recipes"
PROJECT = Path(__file__).parents[1]
HOME_NAME = ".mill"


def find_recipes(environment: Mapping[str, str]) -> list[Path]:
    """Return the recipe files of ``MILL_RECIPES``, else those shipped with modelmill."""
    given = environment.get("MILL_RECIPES")
    return [Path(path) for path in given.split(os.pathsep) if path] if given else sorted(SHIPPED.glob("*.yaml"))


def find_recipe(name_or_path: str) -> Path:
    """Return the file of a recipe given as a path or as the name of a shipped one.

    Raises:
        FileNotFoundError: neither exists.
    """
    path = Path(name_or_path)
    if path.is_file():
        return path
    shipped = SHIPPED / f"{name_or_path}.yaml"
    if shipped.is_file():
        return shipped
    names = ", ".join(sorted(recipe.stem for recipe in SHIPPED.glob("*.yaml")))
    raise FileNotFoundError(f"{name_or_path}: no such recipe file, nor one shipped with modelmill ({names})")


def find_home(recipes: list[Path], environment: Mapping[str, str]) -> Home:
    """Return the home of recipes loaded together: beside the first, or in the project for those shipped."""
    first = recipes[0].absolute()
    return Home.resolve((PROJECT if first.parent == SHIPPED else first.parent) / HOME_NAME, environment)
