"""What is wrong with a recipe's form, said with file, line, key and remedy."""

from types import UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from pydantic.fields import FieldInfo

from kernels.specs.config import Config
from kernels.specs.families import FOLDERS, load
from kernels.specs.names import nearest
from pipelines.recipe.yaml_source import YamlSource

MAX_FOUND_CHARS = 200
Location = tuple[str | int, ...]


def _place(source: YamlSource, location: Location) -> Location:
    """Drop the union tags that pydantic puts into locations: keep the parts that lead somewhere in the file."""
    value: Any = source.value
    kept: list[str | int] = []
    for part in location:
        if (isinstance(value, dict) and part in value) or (isinstance(value, list) and isinstance(part, int) and part < len(value)):
            value = cast(Any, value)[part]
            kept.append(part)
    return tuple(kept)


def _valid_keys(recipe_type: type[Config], location: Location) -> list[str]:
    """Return the keys that may stand where pydantic found an unknown one (the last part of its location)."""
    kind: Any = recipe_type
    for part in location[:-1]:
        kind = _step_into(kind, part)
    fields = _fields(next((member for member in get_args(kind) if member is not type(None)), kind))
    return [field.alias or name for name, field in fields.items()]


def _step_into(kind: Any, part: str | int) -> Any:
    """Return the type one part further down: a field's, a container's items', or the member of a union that the part tags."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    members = [member for member in get_args(kind) if member is not type(None)]
    if get_origin(kind) in (Union, UnionType):
        tagged = [member for member in members if any(field.annotation == Literal[part] for field in _fields(member).values())]
        return tagged[0] if tagged else _step_into(members[0], part)
    if get_origin(kind) in (dict, list, tuple):
        return members[1] if get_origin(kind) is dict else members[0]
    found = [field.annotation for name, field in _fields(kind).items() if part in (name, field.alias)]
    return found[0] if found else kind


def _fields(kind: Any) -> dict[str, FieldInfo]:
    return getattr(kind, "model_fields", {})


def describe(source: YamlSource, recipe_type: type[Config], fault: dict[str, Any]) -> str:
    """Return one fault that pydantic found as a line: file, line, key, what is wrong and the remedy."""
    location: Location = fault["loc"]
    if fault["type"] == "key":
        location = (*location, fault["ctx"]["key"])
    elif fault["type"] == "union_tag_invalid":
        location = (*location, fault["ctx"]["discriminator"].strip("'"))
    place = _place(source, location)
    line = source.line(place)
    key = ".".join(map(str, place)) or str(location[-1])
    match fault["type"]:
        case "extra_forbidden":
            message = f"unknown key {location[-1]!r}; {nearest(str(location[-1]), _valid_keys(recipe_type, location))}"
        case "union_tag_invalid":
            tags = [tag.strip(" '") for tag in fault["ctx"]["expected_tags"].split(",")]
            tag = fault["ctx"]["tag"]
            message = f"no {location[-1]} is named {tag!r}; {_broken_module(tag) or nearest(tag, tags)}"
        case "missing" | "union_tag_not_found":
            absent = str(location[-1]) if fault["type"] == "missing" else fault["ctx"]["discriminator"].strip("'")
            message = f"the key {absent!r} is missing; add it"
        case "key":
            message = fault["ctx"]["message"]
        case _:
            found = "" if isinstance(fault["input"], dict) else f" (found {repr(fault['input'])[:MAX_FOUND_CHARS]})"
            message = fault["msg"].removeprefix("Value error, ") + found
    return f"{source.path}:{line}: {key}: {message}"


def _broken_module(name: str) -> str:
    """Return why the module of a name does not load, empty where there is no such module or it loads."""
    found = [reason for family in FOLDERS for module, reason in load(family).broken.items() if module == name]
    return f"its module does not load: {found[0]}; mend it" if found else ""
