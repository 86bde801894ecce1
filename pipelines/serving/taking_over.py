"""A newer version takes over: it is loaded beside the one that is served, and new requests go to it once it is whole.

What cannot be served is told, in the log and by ``/health``, and what is served stays.
"""

import asyncio
import logging
from collections.abc import Sequence

from pipelines.serving.models.offers import Offers, load
from pipelines.serving.models.served import Settings
from pipelines.serving.serving import Serving

_log = logging.getLogger(__name__)


class Watch:
    """Looks at the lake again and again."""

    def __init__(self, serving: Serving, offers: Offers, names: Sequence[str], settings: Settings, seconds: float) -> None:
        """Take what is served, and how often to look."""
        self._serving, self._offers, self._names, self._settings, self._seconds = serving, offers, names, settings, seconds
        self._tried: dict[str, str] = {}
        """The content that was loaded last, or could not be, by name."""

    async def forever(self) -> None:
        """Look, and take over, until cancelled."""
        while True:
            await asyncio.sleep(self._seconds)
            for name in self._names:
                try:
                    await self._look(name)
                except Exception as error:  # whatever is wrong with a version or with the lake, what is served stays
                    self._refuse(name, f"{type(error).__name__}: {error}")

    async def _look(self, name: str) -> None:
        standing = self._serving.shelf.get(name)
        offer = await asyncio.to_thread(self._offers.of, name)
        content = offer.manifest.content
        if content == standing.version.content:
            self._refuse(name, offer.passed_over)
        elif offer.fault is not None:
            self._refuse(name, offer.fault)
        elif offer.waits_for is None and self._tried.get(name) != content:
            self._tried[name] = content
            served = await asyncio.to_thread(load, self._offers.lake, name, offer.manifest, self._settings, self._serving.metrics)
            self._serving.shelf.put(served)

    def _refuse(self, name: str, why: str | None) -> None:
        """Tell why a newer version is not served, once; None: there is none."""
        refusals = self._serving.shelf.refusals
        if why is None:
            refusals.pop(name, None)
        elif refusals.get(name) != why:
            refusals[name] = why
            _log.warning("%s stays as it is: %s", name, why)
