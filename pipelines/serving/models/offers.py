"""Which version of a model is to be served, as the lake stands: a model's own, or the one that stands released.

A version is served once its blocking checks have passed, or the recipe's waivers accept that they fail. A candidate that the release's gate refused
is never offered; that it was is told.
"""

from contextlib import ExitStack
from typing import NamedTuple

from assets.evals.names import RELEASE
from assets.graph.artifact import Graph
from assets.graph.waivers import acceptance_of, quarantine_of
from assets.models.names import model_asset
from kernels.inference.backends.choosing import loaded
from pipelines.serving.metrics import Metrics
from pipelines.serving.models.served import Served, Settings, Version, serve
from resources.storage.lake import Lake, parse_manifest
from resources.storage.manifest import Cell, Manifest


class Offer(NamedTuple):
    """A version that might be served."""

    manifest: Manifest
    fault: str | None
    """Why it may not."""
    waits_for: str | None
    """What has not been decided about it yet."""
    passed_over: str | None = None
    """Why a newer one was refused by the release's gate."""


class Offers:
    """Looks at one recipe's models in the lake."""

    def __init__(self, lake: Lake, graph: Graph) -> None:
        """Take where the models are, and the checks and waivers that the recipe has for them."""
        self.lake, self._graph = lake, graph

    def of(self, name: str) -> Offer:
        """Return the version of a model, or of ``release``, as the lake stands.

        Raises:
            FileNotFoundError: it has not been made.
            ValueError: what is released was kept by no version of its own, or a file of the lake cannot be read.
        """
        if name != RELEASE:
            return self._judged(self.lake.require(Cell(self._graph.recipe, model_asset(name))))
        released = self.lake.require(Cell(self._graph.recipe, RELEASE))
        if not released.keeps:
            raise ValueError(f"{RELEASE}: an earlier modelmill released it, and kept no version of the model; run mill up")
        kept = released.keeps[0]
        cell = Cell(self._graph.recipe, kept.asset, kept.partition)
        manifest: Manifest | None = self.lake.parsed(self.lake.place(cell, f"{kept.version}.json"), parse_manifest)
        if manifest is None:
            raise FileNotFoundError(f"{RELEASE}: {cell} has no version {kept.version} any more; run mill up")
        passed_over = None if released.metadata.get("promoted", True) else str(released.metadata.get("reason"))
        return self._judged(manifest)._replace(passed_over=passed_over)

    def _judged(self, manifest: Manifest) -> Offer:
        quarantine = quarantine_of(self._graph.waivers, manifest)
        if quarantine is not None:
            return Offer(manifest, f"{manifest.cell} is quarantined: {quarantine.reason}", None)
        standing = self.lake.readable(manifest.cell)
        if standing is None or standing.content != manifest.content:
            return Offer(manifest, None, None)  # an earlier version, whose checks passed when it was released
        verdicts = self.lake.verdicts(manifest.cell)
        for check in (check for suite in self._graph.suites.get(manifest.asset, []) for check in suite.checks if check.blocking):
            verdict = verdicts.get(check.name)
            if verdict is None or verdict.content != manifest.content:
                return Offer(manifest, None, f"the check {check.name} of {manifest.cell}; mill up runs it")
            if not verdict.passed and acceptance_of(self._graph.waivers, manifest, check.name) is None:
                return Offer(manifest, f"{manifest.cell} failed its check {check.name}: {verdict.description}", None)
        return Offer(manifest, None, None)


def load(lake: Lake, name: str, manifest: Manifest, settings: Settings, metrics: Metrics) -> Served:
    """Return a version of a model, loaded; until it is closed nobody removes its files.

    Raises:
        FileNotFoundError: a file of it is not there.
        ValueError: its weights do not fit its config, or no back end answers by it as the settings ask.
    """
    lease = ExitStack()
    try:
        lease.enter_context(lake.reading([(manifest.cell, manifest.version)]))
        backend, lm = loaded(lake.folder(manifest.cell, manifest.version), settings.device, settings.choice)
        return serve(name, Version(manifest.content, manifest.made_at), lm, backend, lease, settings, metrics)
    except BaseException:
        lease.close()
        raise
