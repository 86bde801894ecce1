"""Why a cell is stale, in words: how code, config and parents differ from those that it was made with."""

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any, cast

from resources.storage.manifest import Manifest, Parent

SHOWN_CHANGES = 3
ABSENT = "absent"
STEP = {"steps": "filter"}
"""What the entries of a list are called, by its key."""


def code_changes(manifest: Manifest, now: str) -> list[str]:
    """Return how the version of the code differs."""
    return [] if manifest.code_version == now else [f"code changed: {manifest.code_version} -> {now}"]


def config_changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return which keys of a config differ, and how."""
    changes = list(_changes(before, after, ""))
    more = f" and {len(changes) - SHOWN_CHANGES} more" if len(changes) > SHOWN_CHANGES else ""
    return ["config changed: " + ", ".join(changes[:SHOWN_CHANGES]) + more] if changes else []


def _changes(before: Any, after: Any, path: str) -> Iterator[str]:
    """Yield how two values of a config differ."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            yield from _changes(before.get(key, ABSENT), after.get(key, ABSENT), f"{path}.{key}" if path else str(key))
    elif _are_steps(before) and _are_steps(after):
        yield from _step_changes(cast(Any, before), cast(Any, after), STEP.get(path.rpartition(".")[2], path))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after) and all(isinstance(one, dict) for one in before):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _changes(one, other, f"{path}[{index}]")
    else:
        yield f"{path} {before} -> {after}"


def _are_steps(value: Any) -> bool:
    """Return whether a value is a list of steps, each with its kind."""
    return isinstance(value, list) and all(isinstance(entry, dict) and "kind" in entry for entry in value)


def _step_changes(before: list[dict[str, Any]], after: list[dict[str, Any]], name: str) -> Iterator[str]:
    """Yield which steps came, went or differ, whatever places the others moved to."""
    old, new = [step["kind"] for step in before], [step["kind"] for step in after]
    if old != new and sorted(old) == sorted(new):
        yield f"{name}s stand in another order: {', '.join(new)}"
        return
    for edit, start, end, first, last in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if edit == "equal":
            for one, other in zip(before[start:end], after[first:last], strict=True):
                yield from (f"{name} {one['kind']}: {change}" for change in _changes(one, other, ""))
            continue
        yield from (f"{name} {kind} removed" for kind in old[start:end])
        yield from (f"{name} {kind} added" for kind in new[first:last])


def parent_changes(manifest: Manifest, parents: list[Parent]) -> list[str]:
    """Return which parents changed, came or went."""
    before = {parent.name: parent.content for parent in manifest.parents}
    after = {parent.name: parent.content for parent in parents}
    changes = [f"parent {name} changed" for name, content in after.items() if name in before and before[name] != content]
    changes += [f"parent {name} is new" for name in after if name not in before]
    changes += [f"parent {name} is gone" for name in before if name not in after]
    if not changes and before.keys() == after.keys():
        changes = ["parents stand in another order"] if list(before) != list(after) else []
    more = len(changes) - SHOWN_CHANGES
    return changes[:SHOWN_CHANGES] + ([f"and {more} more"] if more > 0 else [])
