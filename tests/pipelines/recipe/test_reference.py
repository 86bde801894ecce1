"""The reference of recipes tells every key, and its examples are valid."""

import re
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

from pipelines.recipe.reference import reference
from pipelines.recipe.schema import recipe_type
from tests.locations import PROJECT

SCHEMA = recipe_type().model_json_schema()
PLAIN = (PROJECT / "pipelines" / "recipes" / "reference.md").read_text()


def sections(text: str) -> dict[str, str]:
    parts = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def example(section: str) -> Any:
    (found,) = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    return yaml.safe_load(found)


def test_every_key_of_every_definition_has_a_line() -> None:
    told = sections(PLAIN)
    assert f"| `{'keep_versions'}` | integer at least 1 | `2` |" in told["recipe"]
    keys = {key for definition in SCHEMA["$defs"].values() for key in definition.get("properties", {})}
    assert len(keys) > 100
    assert [key for key in keys if f"| `{key}` |" not in PLAIN] == []
    assert len(told) == len(SCHEMA["$defs"]) + 1


def test_links_lead_to_sections() -> None:
    anchors = {"".join(c for c in title.lower().replace(" ", "-") if c.isalnum() or c in "-_") for title in sections(PLAIN)}
    links = set(re.findall(r"\]\(#([^)]*)\)", PLAIN))
    assert links and links <= anchors


@pytest.mark.parametrize("key", ["sources", "models", "evals"])
def test_examples_are_valid(key: str) -> None:
    kind = TypeAdapter(recipe_type().model_fields[key].annotation)
    found = {title: text for title, text in sections(PLAIN).items() if title.startswith(f"{key}.NAME, ")}
    assert len(found) > 4
    for text in found.values():
        kind.validate_python({"x": example(text)})


def test_examples_of_filters_are_valid() -> None:
    kind = TypeAdapter(recipe_type().model_fields["sources"].annotation)
    found = [text for title, text in sections(PLAIN).items() if title.startswith("sources.NAME.filters[], kind: ")]
    assert len(found) > 5
    for text in found:
        kind.validate_python({"x": {"format": "books", "path": "books", "max_chars": 1000, "filters": [example(text)]}})


def test_an_example_of_a_recipe_stands_where_there_is_one() -> None:
    told = sections(reference(SCHEMA, [{"sources": {"shop": {"format": "books", "path": "shop/books", "max_chars": 77}}}]))
    assert example(told["sources.NAME, format: books"]) == {"format": "books", "path": "shop/books", "max_chars": 77}
