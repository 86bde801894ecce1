"""The state of every cell of a recipe, from one look at the lake: what it would be made from now, and whether it may be used.

Level-triggered: there is no cursor to lose. A cell is stale when it is missing or damaged, or when its stored fingerprint is not the one it
would have now. Fingerprints are made of parents' contents, so that an unchanged content stops the wave. Cells that a check blocks, and those
that hang on them, feed nobody.
"""

from typing import Any, Literal, NamedTuple

from assets.graph.acceptances import Acceptances
from assets.graph.artifact import Artifact, Graph
from assets.graph.changes import code_changes, config_changes, parent_changes
from assets.graph.checks import CheckSuite
from assets.graph.upstream import Partition, Upstream
from assets.graph.waivers import quarantine_of
from resources.storage.content import hash_text
from resources.storage.lake import Lake
from resources.storage.look import NOTHING, CellRecord, look
from resources.storage.manifest import Cell, Manifest, Parent, fingerprint
from resources.storage.sources import ObservedSources
from resources.storage.versions import pins

State = Literal["fresh", "stale", "pending", "unjudged", "blocked", "held", "quarantined"]
STOPPED = ("blocked", "held", "quarantined")
"""States of cells that feed nobody."""
Key = tuple[str, Partition]


class CellStatus(NamedTuple):
    """What was found of one cell.

    ``stale``: to be made now. ``pending``: a parent is to be made first, and then this one if the parent's content changes (or if it is
    missing). ``unjudged``: made, its checks have not run. ``blocked``: a blocking check failed. ``held``: it hangs on a blocked cell.
    ``quarantined``: the recipe leaves it out, or a cell that it hangs on. The reason of a ``fresh`` cell tells of what holds it as it is.
    """

    cell: Cell
    state: State
    reason: str


class Identity(NamedTuple):
    """What a cell would be made from, were it made now."""

    code_version: str
    config: dict[str, Any]
    parents: list[Parent]

    @property
    def fingerprint(self) -> str:
        """The digest of it all."""
        return fingerprint(self.code_version, self.config, self.parents)


class _Chain:
    """Cells of one asset in order: the digest of the usable ones' contents up to each, and the first one that has work before it."""

    def __init__(self) -> None:
        self.keys: tuple[Partition, ...] = ()
        self.digests: list[str] = []
        self.waiting: list[CellStatus | None] = []


class GraphState:
    """One look at a recipe's lake; make a new one when something may have changed."""

    def __init__(self, graph: Graph, lake: Lake, observed: ObservedSources) -> None:
        """Look at every cell, and find its state."""
        self.graph, self.lake, self.observed = graph, lake, observed
        self._records = look(lake, graph.recipe)
        self.acceptances = Acceptances(graph, self.record)
        self._pins = pins(lake, graph.recipe)
        self._files: dict[Key, str] = {(f"sources/{p.source}", p.key): p.content for p in observed.active}
        self._files |= {(f"inputs/{name}", None): found.content for name, found in observed.inputs.items()}
        self._files |= {(f"sources/{name}", None): observed.passed_content(name) for name in graph.sources}
        self._chains: dict[Key, _Chain] = {}
        self._states: dict[Key, CellStatus] = {}
        for artifact in graph.artifacts.values():
            for partition in artifact.partitions(observed):
                self._states[artifact.name, partition] = self._find(artifact, partition)

    # --- what there is ---

    @property
    def cells(self) -> list[CellStatus]:
        """All cells of the recipe, parents before children."""
        return list(self._states.values())

    def record(self, asset: str, partition: Partition = None) -> CellRecord:
        """Return what the lake has of a cell."""
        return self._records.get(Cell(self.graph.recipe, asset, partition), NOTHING)

    def manifest(self, asset: str, partition: Partition = None) -> Manifest | None:
        """Return the manifest of a cell as it stood at the look."""
        return self.record(asset, partition).manifest

    def status(self, asset: str, partition: Partition = None) -> CellStatus:
        """Return the state of a cell of the recipe."""
        return self._states[asset, partition]

    def usable(self, asset: str, partition: Partition) -> str | None:
        """Return the content of a cell or file that others may be made from, None where it is not there, blocked or held."""
        key = (asset, partition)
        if key in self._files:
            return self._files[key]
        status = self._states.get(key)
        manifest = self.manifest(asset, partition)
        return None if manifest is None or status is None or status.state in STOPPED else manifest.content

    # --- identity ---

    def identity(self, artifact: Artifact, partition: Partition) -> Identity:
        """Return what a cell would be made from now.

        Raises:
            FileNotFoundError: a parent that is not optional does not exist, or a check stops it.
        """
        parents = [parent for upstream in artifact.made_from for parent in self._parents(artifact, upstream, partition)]
        config = artifact.config(partition)
        values = {} if config is None else config.model_dump(mode="json", by_alias=True)
        return Identity(artifact.code_version_of(partition), values, parents)

    def _parents(self, artifact: Artifact, upstream: Upstream, partition: Partition) -> list[Parent]:
        keys = upstream.choose(self.observed, partition)
        if upstream.counted == "in_order":
            return [Parent(name=f"{upstream.asset}[earlier]", content=self._chain(upstream.asset, keys).digests[len(keys) - 1] if keys else "")]
        found = {key: content for key in keys if (content := self.usable(upstream.asset, key)) is not None}
        if not upstream.optional and len(found) < len(keys):
            lacking = Cell(artifact.recipe, upstream.asset, next(key for key in keys if key not in found))
            raise FileNotFoundError(f"{artifact.cell(partition)}: its parent {lacking} has not been made yet; run mill up, or select it too")
        if upstream.counted == "as_set":
            return [Parent(name=f"{upstream.asset}[*]", content=hash_text(*sorted(set(found.values()))))]
        return [Parent(name=str(Cell(artifact.recipe, upstream.asset, key)), content=content) for key, content in found.items()]

    def _chain(self, asset: str, keys: tuple[Partition, ...]) -> _Chain:
        """Return the chain that begins with some cells; one that continues the last one asked for costs only its new end."""
        chain = self._chains.setdefault((asset, keys[0]), _Chain())
        if keys[: len(chain.keys)] != chain.keys[: len(keys)]:
            chain.__init__()
        for key in keys[len(chain.keys) :]:
            before = chain.digests[-1] if chain.digests else ""
            content = self.usable(asset, key)
            status = self._states.get((asset, key))
            waits = status if status is not None and status.state in ("stale", "pending", "unjudged") else None
            chain.digests.append(before if content is None else hash_text(before, str(key), content))
            chain.waiting.append(chain.waiting[-1] if chain.waiting and chain.waiting[-1] else waits)
        chain.keys = max(chain.keys, keys, key=len)
        return chain

    def _waiting(self, upstream: Upstream, partition: Partition) -> list[CellStatus]:
        """Return the cells among parents that are to be made or judged first."""
        keys = upstream.choose(self.observed, partition)
        if upstream.counted == "in_order":
            found = self._chain(upstream.asset, keys).waiting[len(keys) - 1] if keys else None
            return [found] if found else []
        states = [self._states.get((upstream.asset, key)) for key in keys]
        return [status for status in states if status is not None and status.state in ("stale", "pending", "unjudged")]

    def _stopped(self, upstream: Upstream, partition: Partition) -> CellStatus | None:
        """Return the first parent that is needed and that a check stops."""
        if upstream.optional:
            return None
        states = [self._states.get((upstream.asset, key)) for key in upstream.choose(self.observed, partition)]
        return next((status for status in states if status is not None and status.state in STOPPED), None)

    def _absent(self, upstream: Upstream, partition: Partition) -> list[str]:
        """Return the files among parents that are not there (embedded data sets that are still to be made)."""
        if not upstream.asset.startswith(("sources/", "inputs/")):
            return []
        return [upstream.asset for key in upstream.choose(self.observed, partition) if (upstream.asset, key) not in self._files]

    # --- states ---

    def _find(self, artifact: Artifact, partition: Partition) -> CellStatus:
        """Return the state of one cell, given those of all cells before it."""
        cell, record = artifact.cell(partition), self.record(artifact.name, partition)
        pin = self._pins.get(str(cell))
        if pin is not None and record.manifest is not None and record.manifest.version == pin.version and not record.trouble:
            return CellStatus(cell, "fresh", f"pinned at {pin.version}: {pin.reason}")
        waiting: list[str] = []
        for upstream in artifact.made_from:
            stopped = self._stopped(upstream, partition)
            if stopped is not None:
                return _behind(cell, stopped, "")
            waiting += [_as_waiting(status) for status in self._waiting(upstream, partition)]
            waiting += [f"{name}, which is not there yet" for name in self._absent(upstream, partition)]
        own = self._own_changes(artifact, partition, record)
        if waiting:
            more = f" and {len(waiting) - 1} more" if len(waiting) > 1 else ""
            return CellStatus(cell, "pending", "; ".join([*own, f"hangs on {waiting[0]}{more}"]))
        identity = self.identity(artifact, partition)
        if record.manifest is None or record.trouble:
            return CellStatus(cell, "stale", "; ".join(own))
        if identity.fingerprint != record.manifest.fingerprint:
            return CellStatus(cell, "stale", "; ".join([*own, *parent_changes(record.manifest, identity.parents)]))
        return self._judged(artifact, cell, record, record.manifest)

    def _judged(self, artifact: Artifact, cell: Cell, record: CellRecord, manifest: Manifest) -> CellStatus:
        quarantine = quarantine_of(self.graph.waivers, manifest)
        if quarantine is not None:
            return CellStatus(cell, "quarantined", f"quarantined: {quarantine.reason}")
        suites = self.graph.suites.get(artifact.name, [])
        stopped = next((found for suite in suites for read in suite.reads if (found := self._stopped(read, cell.partition))), None)
        if stopped is not None:
            return _behind(cell, stopped, "its checks read ")
        waiting = [status for suite in suites for read in suite.reads for status in self._waiting(read, cell.partition)]
        if waiting:
            return CellStatus(cell, "pending", f"its checks read {_as_waiting(waiting[0])}")
        if any(self.is_unjudged(suite, cell) for suite in suites):
            return CellStatus(cell, "unjudged", "its checks have not run")
        failing = [check for suite in suites for check in suite.checks if not record.verdicts[check.name].passed]
        accepted: list[str] = []
        for check in failing:
            waiver = self.acceptances.of(manifest, check.name)
            if waiver is not None:
                accepted.append(waiver.acceptance(check.name, cell))
            elif check.blocking:
                return CellStatus(cell, "blocked", f"{check.name}: {record.verdicts[check.name].description}")
        return CellStatus(cell, "fresh", "; ".join(accepted))

    def _own_changes(self, artifact: Artifact, partition: Partition, record: CellRecord) -> list[str]:
        """Return what is wrong with a cell whatever its parents are: it is not there, it is damaged, its code or config is another."""
        if record.trouble:
            return [f"damaged: {record.trouble}"]
        if record.manifest is None:
            return ["missing"]
        config = artifact.config(partition)
        now: dict[str, Any] = {} if config is None else config.model_dump(mode="json", by_alias=True)
        return [*code_changes(record.manifest, artifact.code_version_of(partition)), *config_changes(record.manifest.config, now)]

    # --- checks ---

    def reads(self, suite: CheckSuite, cell: Cell) -> str:
        """Return the digest of all that a suite's judge reads beside a cell, empty where it reads nothing.

        Raises:
            FileNotFoundError: something that it needs does not exist, or a check stops it.
        """
        artifact = self.graph.artifacts[suite.asset]
        parents = [parent for read in suite.reads for parent in self._parents(artifact, read, cell.partition)]
        return hash_text(*(part for parent in parents for part in (parent.name, parent.content))) if suite.reads else ""

    def is_unjudged(self, suite: CheckSuite, cell: Cell) -> bool:
        """Return whether a cell's present content can be judged, and has not been by every check of a suite as it is now."""
        record = self.record(cell.asset, cell.partition)
        if record.manifest is None:
            return False
        try:
            asked = (record.manifest.content, self.reads(suite, cell))
        except FileNotFoundError:
            return False  # the cell waits for what its checks read, or is held with it: its state says so
        for check in suite.checks:
            verdict = record.verdicts.get(check.name)
            if verdict is None or (verdict.content, verdict.reads) != asked or verdict.version != check.version:
                return True
        return False


def _behind(cell: Cell, stopped: CellStatus, how: str) -> CellStatus:
    """Return the state of a cell that needs one which feeds nobody."""
    if stopped.state == "quarantined":
        return CellStatus(cell, "quarantined", f"left out: {how}{stopped.cell} is {stopped.state}")
    return CellStatus(cell, "held", f"held: {how}{stopped.cell}{', which' if how else ''} is {stopped.state}")


def _as_waiting(status: CellStatus) -> str:
    return str(status.cell) if status.state != "unjudged" else f"{status.cell}, whose checks have not run"
