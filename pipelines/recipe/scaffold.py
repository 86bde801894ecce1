"""``mill init``: a recipe beside the user's own data, written from the formats that are found there."""

import fnmatch
import re
from pathlib import Path

from kernels.specs.families import specs
from pipelines.recipe.schema import load_recipe
from pipelines.settings import HOME_NAME

RECIPE_FILE = "recipe.yaml"
TEMPLATES = Path(__file__).parent
MAX_LISTED = 10_000


def scaffold(folder: Path) -> Path:
    """Write ``recipe.yaml`` into a folder and return its path.

    Raises:
        FileExistsError: there is a recipe already.
        FileNotFoundError: the folder does not exist, or holds nothing in a format that can be read.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; make it and put your data there")
    target = folder / RECIPE_FILE
    if target.exists():
        raise FileExistsError(f"{target}: exists; delete it first, or write your recipe by hand")
    found = find_formats(folder)
    if not found:
        patterns = "; ".join(f"{name}: {' '.join(spec.patterns)}" for name, spec in specs("sources").items())
        raise FileNotFoundError(f"{folder}: no file in a format that can be read ({patterns})")
    text = (TEMPLATES / "template.yaml").read_text()
    name = re.sub(r"\W+", "_", folder.resolve().name.lower()).strip("_") or "mine"
    name = name if name[0].isalpha() else f"r_{name}"
    chosen = {source: format_ for source, format_ in found.items() if format_ != "chats"} or found
    sources = "\n".join(_source_lines(source, format_, folder) for source, format_ in found.items())
    weights = "\n".join(f"      {source}: 1.0" for source in chosen)
    text = text.replace("@NAME@", name).replace("@SOURCES@", sources).replace("@WEIGHTS@", weights)
    target.write_text(text.replace("@TOKENIZER_SOURCES@", ", ".join(chosen)))
    load_recipe(target)
    return target


def find_formats(folder: Path) -> dict[str, str]:
    """Return the sources found in a folder by name: one a format. A file is of the format with the longest pattern that fits its name."""
    files = [path for path in folder.rglob("*") if path.is_file() and HOME_NAME not in path.parts][:MAX_LISTED]
    names = {path.name for path in files if not path.name.startswith(".") and path.name != RECIPE_FILE}
    patterns = [(name == "code", -len(pattern), name, pattern) for name, spec in specs("sources").items() for pattern in spec.patterns]
    chosen = {next((name for _, _, name, pattern in sorted(patterns) if fnmatch.fnmatch(file, pattern)), None) for file in names}
    return {name: name for name in sorted(filter(None, chosen), key=lambda name: (name == "code", name))}


def _source_lines(source: str, format_: str, folder: Path) -> str:
    template = (TEMPLATES / "template_sources" / f"{format_}.yaml").read_text()
    return template.rstrip("\n").replace("@SOURCE@", source)
