"""Making cells, one or several in one go: what they read is held, what ends without a cell goes into the ledger."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from assets.graph.artifact import Artifact
from assets.graph.build import CellBuild, Failure, Workplace, reason_of
from assets.graph.state import GraphState
from assets.graph.upstream import Partition
from resources.storage import ledger
from resources.storage.manifest import Manifest
from resources.storage.progress import Progress, tell
from resources.storage.publishing import draft


def make(artifact: Artifact, partition: Partition, state: GraphState, place: Workplace) -> Manifest:
    """Make one cell and return its manifest."""
    if artifact.build is None:
        made, failures = make_together(artifact, [partition], state, place)
        if partition not in made:
            raise RuntimeError(reason_of(failures[partition]))
        return made[partition]
    with _begun(artifact, partition, state, place) as build:
        artifact.build(build)
        build.publish()
        return build.published[0]


def make_together(
    artifact: Artifact, partitions: Sequence[Partition], state: GraphState, place: Workplace
) -> tuple[dict[Partition, Manifest], dict[Partition, Failure]]:
    """Make cells of one artifact in one go; return the manifests of those that were made, and why the others were not."""
    if artifact.build_together is None:
        raise ValueError(f"{artifact.name} is made cell by cell")
    with ExitStack() as stack:
        builds = [stack.enter_context(_begun(artifact, partition, state, place, counts=number == 0)) for number, partition in enumerate(partitions)]
        reasons, otherwise = dict[Partition, str](), "its builder ended without it"
        try:
            reasons = artifact.build_together(builds)
        except Exception as error:  # what was published before it stands
            otherwise = error
        for build in builds:
            if not build.published:
                build.failures.append(reasons.get(build.partition, otherwise))
    made = {build.partition: build.published[0] for build in builds if build.published}
    return made, {build.partition: build.failures[0] for build in builds if build.failures}


@contextmanager
def _begun(artifact: Artifact, partition: Partition, state: GraphState, place: Workplace, *, counts: bool = True) -> Iterator[CellBuild]:
    """Begin a cell: hold the versions it reads, open its draft; an attempt that ends without a cell goes into the ledger.

    ``counts``: whether its scratch folder tells how long the attempt lived, should it be killed. Of cells made together one does: their time is one.
    """
    cell, identity = artifact.cell(partition), state.identity(artifact, partition)
    read = [(upstream.asset, key) for upstream in artifact.made_from for key in upstream.choose(state.observed, partition)]
    held = [(manifest.cell, manifest.version) for key in read if (manifest := state.manifest(*key)) is not None]
    tell(Progress(cell, "begun"))
    scratch = place.home.scratch_place(cell, identity.fingerprint) if counts else None
    with state.lake.reading(held), draft(state.lake, cell, identity.fingerprint, scratch) as opened:
        build = CellBuild(artifact, partition, state, identity, place, opened)
        try:
            yield build
        except BaseException as error:
            build.failures.append(error)
            raise
        finally:
            if not build.published:
                _record_failure(build)


def _record_failure(build: CellBuild) -> None:
    attempt = ledger.Attempt(
        asset=build.cell.asset,
        partition=build.cell.partition,
        fingerprint=build.identity.fingerprint,
        outcome="failed",
        began_at=build.draft.began_at,
        seconds=time.time() - build.draft.began_at,
        device=build.device,
        reason=reason_of(build.failures[0])[:500],
    )
    ledger.record(build.lake, build.cell.recipe, attempt)
