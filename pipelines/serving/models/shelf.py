"""The models that are served, by name. A newer version takes an older one's place at once: what is under way ends where it began."""

import asyncio
import logging
from collections.abc import Iterator

from pipelines.serving.metrics import NOTHING, Load
from pipelines.serving.models.served import Served
from pipelines.serving.wire.faults import Refused

_log = logging.getLogger(__name__)


class Shelf:
    """See the module."""

    def __init__(self) -> None:
        """Have none."""
        self._models: dict[str, Served] = {}
        self._retiring: dict[asyncio.Task[None], Served] = {}
        self.refusals: dict[str, str] = {}
        """Why a newer version of a model is not served, by name."""

    def __iter__(self) -> Iterator[Served]:
        return iter(self._models.values())

    def get(self, name: str) -> Served:
        """Return a model, or an adapter on one. Raises Refused: there is none of the name (tells which there are)."""
        found = {each.name: each for served in self for each in (served, *served.adapters)}
        if name not in found:
            words = f"no model is named {name!r}; there are {', '.join(sorted(found))}"
            raise Refused(404, words, param="model", code="model_not_found")
        return found[name]

    def put(self, served: Served) -> None:
        """Have all new requests for a name go to a version."""
        before = self._models.get(served.name)
        self._models[served.name] = served
        self.refusals.pop(served.name, None)
        if before is not None:
            _log.info("%s: %s takes over from %s", served.name, served.version.content[:12], before.version.content[:12])
            task = asyncio.get_running_loop().create_task(before.retire())
            self._retiring[task] = before
            task.add_done_callback(self._retiring.pop)

    def loads(self) -> Iterator[tuple[str, Load]]:
        """Yield what each model has to do, the versions that are ending together with the one that stands."""
        for name, served in self._models.items():
            versions = [served, *(old for old in self._retiring.values() if old.name == name)]
            found = NOTHING
            for version in versions:
                found = Load(*(sum(pair) for pair in zip(found, version.worker.load, strict=True)))
            yield name, found

    def fail_all(self, error: Refused) -> None:
        """Take nothing more, and have all that is asked fail."""
        for served in (*self._models.values(), *self._retiring.values()):
            served.worker.abandon(error)

    def close(self) -> None:
        """Let go of all models; nothing is asked any more."""
        for served in (*self._models.values(), *self._retiring.values()):
            served.worker.join()
            served.close()
