"""The planner behind ``mill up``, the Dagster job and the sensor: level-triggered, with no cursor to lose.

Each round observes nothing but the lake: a cell is stale when it is missing or its stored fingerprint is not the one it would have now.
Stale cells whose parents stand are made in one run, cells without verdicts are judged, and then it plans again. An unchanged content
stops the wave, since fingerprints are made of parents' contents.
"""

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from assets.graph.artifact import Artifact, Contents, Graph, identify
from resources.storage.lake import Cell, Lake, Manifest
from resources.storage.sources import Registry, load_registry, observe, save_registry

State = Literal["fresh", "stale", "pending", "unjudged", "blocked", "held"]
SHOWN_CHANGES = 3


class CellPlan(NamedTuple):
    """What the planner found of one cell.

    ``stale``: to be made now. ``pending``: a parent is to be made first, and then this one if the parent's content changes (or if it is
    missing). ``unjudged``: made, its checks have not run. ``blocked``: a blocking check failed. ``held``: it hangs on a blocked cell.
    """

    cell: Cell
    state: State
    reason: str


class Plan(NamedTuple):
    """All cells of a recipe, parents before children."""

    cells: list[CellPlan]

    def having(self, *states: State) -> list[CellPlan]:
        """Return the cells in some states."""
        return [planned for planned in self.cells if planned.state in states]


def observe_sources(graph: Graph, lake: Lake) -> Registry:
    """Look at the recipe's files, store what stands there now, and return it."""
    graph.prepare()
    before = load_registry(lake, graph.recipe)
    now = observe(before, graph.sources, graph.inputs)
    if now != before:
        save_registry(lake, graph.recipe, now)
    return now


def plan(graph: Graph, lake: Lake, registry: Registry) -> Plan:
    """Return the state of every cell, with the reason."""
    contents = Contents(lake, registry, graph.recipe)
    states: dict[tuple[str, str | None], CellPlan] = {}
    for artifact in graph.artifacts.values():
        settled: set[tuple[str, str | None]] = set()
        for partition in artifact.partitions(registry):
            states[artifact.name, partition] = _plan_cell(graph, artifact, partition, lake, registry, contents, states, settled)
    return Plan(list(states.values()))


def _plan_cell(
    graph: Graph,
    artifact: Artifact,
    partition: str | None,
    lake: Lake,
    registry: Registry,
    contents: Contents,
    states: dict[tuple[str, str | None], CellPlan],
    settled: set[tuple[str, str | None]],
) -> CellPlan:
    """Return the state of one cell, given those of all cells before it. ``settled`` holds earlier partitions known to stand."""
    cell = artifact.cell(partition)
    manifest = lake.manifest(cell)
    waiting: list[str] = []
    for dependency in artifact.dependencies(registry, partition):
        for key in dependency.partitions:
            if dependency.together and (dependency.asset, key) in settled:
                continue
            above = states.get((dependency.asset, key))
            if above is None or above.state == "fresh":
                if dependency.together:
                    settled.add((dependency.asset, key))
                continue
            if above.state in ("blocked", "held"):
                if not dependency.optional:
                    return CellPlan(cell, "held", f"held: {above.cell} is {above.state}")
                continue
            waiting.append(str(above.cell) if above.state != "unjudged" else f"{above.cell}, whose checks have not run")
    own = "missing" if manifest is None else "; ".join(_own_changes(artifact, partition, manifest))
    if waiting:
        upstream = f"hangs on {waiting[0]}" + (f" and {len(waiting) - 1} more" if len(waiting) > 1 else "")
        return CellPlan(cell, "pending", "; ".join(part for part in (own, upstream) if part))
    identity = identify(artifact, partition, registry, contents)
    if manifest is None:
        return CellPlan(cell, "stale", own)
    if identity.fingerprint != manifest.fingerprint:
        return CellPlan(cell, "stale", "; ".join([*filter(None, [own]), *_parent_changes(manifest, identity.parents)]))
    return _judged(graph, artifact, cell, lake)


def _judged(graph: Graph, artifact: Artifact, cell: Cell, lake: Lake) -> CellPlan:
    suites = graph.suites.get(artifact.name, [])
    if any(suite.unanswered(lake, cell) for suite in suites):
        return CellPlan(cell, "unjudged", "its checks have not run")
    verdicts = lake.verdicts(cell) if suites else {}
    for suite in suites:
        for check in suite.checks:
            if check.blocking and not verdicts[check.name].passed:
                return CellPlan(cell, "blocked", f"{check.name}: {verdicts[check.name].description}")
    return CellPlan(cell, "fresh", "")


def _own_changes(artifact: Artifact, partition: str | None, manifest: Manifest) -> list[str]:
    """Return how code and config differ from those a cell was made with."""
    changes: list[str] = []
    if manifest.code_version != artifact.code_version_of(partition):
        changes.append(f"code changed: {manifest.code_version} -> {artifact.code_version_of(partition)}")
    config = artifact.config(partition)
    now: dict[str, Any] = {} if config is None else config.model_dump(mode="json", by_alias=True)
    if now != manifest.config:
        before, after = dict(_flatten(manifest.config)), dict(_flatten(now))
        keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
        shown = [f"{key} {before.get(key, 'absent')} -> {after.get(key, 'absent')}" for key in keys[:SHOWN_CHANGES]]
        changes.append("config changed: " + ", ".join(shown) + (f" and {len(keys) - SHOWN_CHANGES} more" if len(keys) > SHOWN_CHANGES else ""))
    return changes


def _flatten(value: Any, prefix: str = "") -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flatten(inner, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _flatten(inner, f"{prefix}[{index}]")
    else:
        yield prefix, value


def _parent_changes(manifest: Manifest, parents: list[Any]) -> list[str]:
    before = {parent.name: parent.content for parent in manifest.parents}
    after = {parent.name: parent.content for parent in parents}
    changes = [f"parent {name} changed" for name, content in after.items() if name in before and before[name] != content]
    changes += [f"parent {name} is new" for name in after if name not in before]
    changes += [f"parent {name} is gone" for name in before if name not in after]
    more = len(changes) - SHOWN_CHANGES
    return changes[:SHOWN_CHANGES] + ([f"and {more} more"] if more > 0 else [])


class Wave(NamedTuple):
    """What one run does next: cells to make by asset, or assets whose cells are to be judged."""

    cells: dict[str, list[Cell]]
    judge: list[str]


def next_wave(graph: Graph, planned: Plan, selected: set[str], tried: set[Cell], judged: set[Cell]) -> Wave | None:
    """Return the next run: judge what is unjudged, else make what is stale; None when nothing is left that was not tried before.

    A run makes either partitions or whole assets, corpora first, and no asset with its parent: within a run Dagster skips an asset
    whose parent has no output, and a wave's partitions are events, not outputs.
    """
    unjudged = {p.cell.asset for p in planned.having("unjudged") if p.cell.asset in selected and p.cell not in judged}
    if unjudged:
        return Wave({}, sorted(unjudged))
    ready: dict[str, list[Cell]] = {}
    for stale in planned.having("stale"):
        if stale.cell.asset in selected and stale.cell not in tried:
            ready.setdefault(stale.cell.asset, []).append(stale.cell)
    partitioned = {asset: cells for asset, cells in ready.items() if cells[0].partition is not None}
    chosen = partitioned or ready
    apart = {asset: cells for asset, cells in chosen.items() if not chosen.keys() & set(graph.artifacts[asset].upstream)}
    return Wave(apart, []) if apart else None
