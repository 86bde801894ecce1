"""Why a cell is stale, in words: how code, config and parents differ from those that it was made with."""

from collections.abc import Iterable
from typing import Any

from resources.storage.manifest import Manifest, Parent

SHOWN_CHANGES = 3


def code_changes(manifest: Manifest, now: str) -> list[str]:
    """Return how the version of the code differs."""
    return [] if manifest.code_version == now else [f"code changed: {manifest.code_version} -> {now}"]


def config_changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return which keys of a config differ, and how."""
    if before == after:
        return []
    old, new = dict(_flatten(before)), dict(_flatten(after))
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    shown = [f"{key} {old.get(key, 'absent')} -> {new.get(key, 'absent')}" for key in keys[:SHOWN_CHANGES]]
    more = f" and {len(keys) - SHOWN_CHANGES} more" if len(keys) > SHOWN_CHANGES else ""
    return ["config changed: " + ", ".join(shown) + more]


def _flatten(value: Any, prefix: str = "") -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flatten(inner, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _flatten(inner, f"{prefix}[{index}]")
    else:
        yield prefix, value


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
