"""Sizes of a model: an entry with ``sizes`` stands for that many models, and for a ladder of them, before the recipe is validated.

``NAME`` with the sizes ``a`` and ``b`` is the models ``NAME_a`` and ``NAME_b``: all that the entry says, changed by what the size says. A line of
the file stays the line of what it said.
"""

from typing import Any, cast

from pipelines.recipe.yaml_source import RecipeError, YamlSource

SIZES, HELD_OUT = "sizes", "held_out"
Location = tuple[str | int, ...]


def unfolded(source: YamlSource) -> YamlSource:
    """Return a recipe's file with its sizes written out as models. What is not of the form is left for validation.

    Raises:
        RecipeError: a model has the name of a size already, or a size is held out that there is not.
    """
    models: Any = source.value.get("models")
    if not isinstance(models, dict) or not any(_has_sizes(entry) for entry in cast(dict[str, Any], models).values()):
        return source
    written: dict[str, Any] = {}
    ladders: dict[str, Any] = dict(source.value.get("ladders") or {})
    lines = dict(source.lines)
    for name, entry in cast(dict[str, Any], models).items():
        if not _has_sizes(entry):
            written[name] = entry
            continue
        base = {key: value for key, value in entry.items() if key not in (SIZES, HELD_OUT)}
        for size, changes in entry[SIZES].items():
            model, here = f"{name}_{size}", ("models", name, SIZES, str(size))
            if model in models or model in written:
                raise RecipeError(f"{source.path}:{source.line(here)}: {'.'.join(here)}: a model is named {model!r} already; rename one of them")
            written[model] = _merged(base, changes)
            lines |= _lines(source, ("models", name), here, ("models", model), written[model])
        if name in ladders:
            where = f"{source.path}:{source.line(('ladders', name))}: ladders.{name}"
            raise RecipeError(f"{where}: the sizes of the model {name!r} make a ladder of that name; rename this one, or leave it out")
        held = entry.get(HELD_OUT, [])
        _check_held_out(source, name, entry[SIZES], held)
        ladders[name] = {"models": [f"{name}_{size}" for size in entry[SIZES]], HELD_OUT: [f"{name}_{size}" for size in held]}
        lines[("ladders", name)] = source.line(("models", name, SIZES))
    return YamlSource(source.path, {**source.value, "models": written, "ladders": ladders}, lines)


def _has_sizes(entry: Any) -> bool:
    sizes = cast(dict[str, Any], entry).get(SIZES) if isinstance(entry, dict) else None
    return isinstance(sizes, dict) and bool(sizes) and all(isinstance(changes, dict) for changes in cast(dict[str, Any], sizes).values())


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return an entry with changes; mappings within are changed key by key."""
    found = dict(base)
    for key, value in changes.items():
        inner = found.get(key)
        found[key] = (
            _merged(cast(dict[str, Any], inner), cast(dict[str, Any], value)) if isinstance(inner, dict) and isinstance(value, dict) else value
        )
    return found


def _lines(source: YamlSource, base: Location, changed: Location, new: Location, value: Any) -> dict[Location, int]:
    """Return the lines of an entry that was written out: that of the size where it says something, else that of the entry."""
    found = {new: source.lines.get(changed, source.line(base))}
    inner = cast(dict[str, Any], value).items() if isinstance(value, dict) else enumerate(cast(list[Any], value)) if isinstance(value, list) else ()
    for key, below in inner:
        found |= _lines(source, (*base, key), (*changed, key), (*new, key), below)
    return found


def _check_held_out(source: YamlSource, name: str, sizes: dict[str, Any], held: Any) -> None:
    here = ("models", name, HELD_OUT)
    where = f"{source.path}:{source.line(here)}: {'.'.join(here)}"
    if not isinstance(held, list):
        raise RecipeError(f"{where}: name the sizes that the law is checked against as a list, such as [{next(iter(sizes))}]")
    for size in cast(list[Any], held):
        if size not in sizes:
            raise RecipeError(f"{where}: no size is named {size!r}; valid: {', '.join(map(str, sizes))}")
