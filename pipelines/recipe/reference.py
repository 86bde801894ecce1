"""The reference of recipes: every key with its type, default and meaning, and an example of each entry, from the JSON Schema."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import yaml

Schema = Mapping[str, Any]
REF = "#/$defs/"
NUMBERS = (("minimum", "at least"), ("exclusiveMinimum", "more than"), ("maximum", "at most"), ("exclusiveMaximum", "less than"))
INTRODUCTION = """# Recipe reference

Made from the schema by `make golden`. A key without a default must be given. Paths are relative to the recipe; `embedded:NAME` names a data set
that modelmill makes itself. Examples come from the shipped recipes where those have one.

"""


class Section(NamedTuple):
    """One kind of entry."""

    place: str
    """Where it stands in a recipe, such as ``sources.NAME``."""
    tag: str
    """The key and value that choose it, such as ``format: web``; empty where there is nothing to choose."""
    name: str
    """Of its definition in the schema; empty for the recipe itself."""
    within: str = ""
    """What chooses the entry that it is part of."""

    @property
    def title(self) -> str:
        """The heading."""
        return f"{self.place}, {self.tag}" if self.tag else self.place


def reference(schema: Schema, recipes: Sequence[Any]) -> str:
    """Return the reference as Markdown; examples are taken from recipes where they have one."""
    sections = list(_sections(schema))
    titles = {section.name: section.title for section in sections}
    examples: dict[str, Any] = {}
    for recipe in recipes:
        for name, value in _instances(schema, schema, recipe):
            examples.setdefault(name, value)
    return INTRODUCTION + "\n".join(_render(schema, section, titles, examples) for section in sections)


def _sections(schema: Schema) -> Iterator[Section]:
    """Yield the recipe and every entry below it, each definition once, in the order of the keys."""
    seen: set[str] = set()
    places: set[str] = set()
    queue = [Section("recipe", "", "")]
    while queue:
        section = queue.pop(0)
        if section.name in seen:
            continue
        seen.add(section.name)
        yield section if section.title not in places else section._replace(tag=section.within)
        places.add(section.title)
        below: list[Section] = []
        for key, value in _definition(schema, section.name).get("properties", {}).items():
            place = key if not section.name else f"{section.place}.{key}"
            below += [Section(place + suffix, tag, name, section.tag) for suffix, tag, name in _targets(schema, value)]
        queue = below + queue


def _definition(schema: Schema, name: str) -> Schema:
    return schema["$defs"][name] if name else schema


def _targets(schema: Schema, value: Schema) -> Iterator[tuple[str, str, str]]:
    """Yield the definitions that a value may be of: what its place ends in, what chooses it, its name."""
    if "$ref" in value:
        yield "", "", value["$ref"].removeprefix(REF)
    elif "discriminator" in value:
        key = value["discriminator"]["propertyName"]
        for tag, ref in value["discriminator"]["mapping"].items():
            yield "", f"{key}: {tag}", ref.removeprefix(REF)
    for inner in (*value.get("anyOf", ()), *value.get("allOf", ())):
        yield from _targets(schema, inner)
    for suffix, inner in ((".NAME", _named(value)), ("[]", value.get("items"))):
        if isinstance(inner, Mapping):
            yield from ((suffix + rest, tag, name) for rest, tag, name in _targets(schema, inner))


def _named(value: Schema) -> Schema | None:
    """Return what the entries of a mapping by name are."""
    patterns = value.get("patternProperties", {})
    found = next(iter(patterns.values()), value.get("additionalProperties"))
    return found if isinstance(found, Mapping) else None


def _instances(schema: Schema, kind: Schema, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the values within a value that are of a definition, with its name, outer ones first."""
    if "$ref" in kind:
        name = kind["$ref"].removeprefix(REF)
        yield name, value
        yield from _instances(schema, schema["$defs"][name], value)
        return
    if "discriminator" in kind and isinstance(value, dict):
        ref = kind["discriminator"]["mapping"].get(value.get(kind["discriminator"]["propertyName"]))
        if ref is not None:
            yield from _instances(schema, {"$ref": ref}, value)
    for inner in kind.get("anyOf", ()):
        yield from _instances(schema, inner, value)
    if isinstance(value, list) and isinstance(kind.get("items"), Mapping):
        for entry in value:
            yield from _instances(schema, kind["items"], entry)
    if isinstance(value, dict):
        named, keys = _named(kind), kind.get("properties", {})
        for key, inner in value.items():
            below = keys.get(key, named)
            if below is not None:
                yield from _instances(schema, below, inner)


def _render(schema: Schema, section: Section, titles: Mapping[str, str], examples: Mapping[str, Any]) -> str:
    """Return one section."""
    definition = _definition(schema, section.name)
    required = definition.get("required", [])
    lines = [f"## {section.title}", "", definition.get("description", ""), "", "| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    for key, value in definition.get("properties", {}).items():
        default = "required" if key in required else _plain(value.get("default"))
        kind, meaning = _type(value, titles).replace("|", "\\|"), " ".join(value.get("description", "").split()).replace("|", "\\|")
        lines.append(f"| `{key}` | {kind} | {default} | {meaning} |")
    if section.name:
        example = examples.get(section.name, next(iter(definition.get("examples", [])), _least(schema, definition)))
        lines += ["", "```yaml", yaml.safe_dump(example, sort_keys=False, default_flow_style=None, width=120).rstrip(), "```"]
    return "\n".join(lines) + "\n"


def _plain(value: Any) -> str:
    """Return a default as a recipe would say it."""
    return f"`{yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix('...' + chr(10)).strip()}`".replace("|", "\\|")


def _type(value: Schema, titles: Mapping[str, str]) -> str:
    """Return a type in words, entries by the title of their section."""
    if "$ref" in value:
        return _link(titles[value["$ref"].removeprefix(REF)])
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return ", ".join(f"`{choice}`" for choice in value["enum"])
    if "discriminator" in value:
        key = value["discriminator"]["propertyName"]
        return f"by `{key}`: " + ", ".join(_link(titles[ref.removeprefix(REF)], tag) for tag, ref in value["discriminator"]["mapping"].items())
    if "anyOf" in value:
        return " or ".join(dict.fromkeys(_type(inner, titles) for inner in value["anyOf"]))
    named = _named(value)
    if named is not None:
        return f"by name: {_type(named, titles)}"
    if value.get("type") == "array":
        return "list of " + (_type(value["items"], titles) if isinstance(value.get("items"), Mapping) else "values")
    limits = [f"{word} {value[key]}" for key, word in NUMBERS if key in value]
    return " ".join([str(value.get("type", "any")), *limits])


def _link(title: str, text: str = "") -> str:
    anchor = "".join(character for character in title.lower().replace(" ", "-") if character.isalnum() or character in "-_")
    return f"[{text or title}](#{anchor})"


def _least(schema: Schema, definition: Schema) -> dict[str, Any]:
    """Return the smallest entry of a definition: what must be given."""
    properties = definition.get("properties", {})
    keys = [key for key, value in properties.items() if key in definition.get("required", []) or "const" in value]
    return {key: _value(schema, properties[key], key) for key in keys}


def _value(schema: Schema, kind: Schema, key: str) -> Any:
    """Return a value that a key may have."""
    if "$ref" in kind:
        return _least(schema, schema["$defs"][kind["$ref"].removeprefix(REF)])
    if "examples" in kind:
        return kind["examples"][0]
    if "const" in kind or "enum" in kind:
        return kind.get("const", kind.get("enum", [None])[0])
    if "discriminator" in kind:
        return _value(schema, {"$ref": next(iter(kind["discriminator"]["mapping"].values()))}, key)
    if "anyOf" in kind:
        return _value(schema, kind["anyOf"][0], key)
    least = kind.get("minimum", kind.get("exclusiveMinimum", 0) + 1)
    return {
        "integer": least,
        "number": kind.get("minimum", 0.5),
        "boolean": True,
        "array": [_value(schema, kind["items"], key)] if isinstance(kind.get("items"), Mapping) and kind.get("minItems") else [],
        "object": {},
    }.get(str(kind.get("type")), key)
