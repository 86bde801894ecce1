"""The adapters of an engine by name: loaded and dropped between steps, each with a root of its own by which pages are found."""

from pathlib import Path

from kernels.inference.adapters.adding import Adapts
from kernels.inference.adapters.files import read
from kernels.specs.names import nearest


class Loaded:
    """See the module."""

    def __init__(self, reader: object) -> None:
        """Have none. The reader is the engine's."""
        self._reader, self._roots, self._num_loaded = reader, dict[str, int](), 0

    def load(self, name: str, folder: Path) -> None:
        """Have an adapter.

        Raises:
            FileNotFoundError: a file of it is not there.
            ValueError: there is one of the name, the adapter is none that is served or does not fit the base, or what reads the base takes none.
        """
        if not isinstance(self._reader, Adapts):
            kind = type(self._reader).__name__
            raise ValueError(f"adapter {name}: the base is read by {kind}, which adds none; ask a decoder with weights as they were made")
        if name in self._roots:
            raise ValueError(f"adapter {name}: there is one of this name; drop it before another takes it")
        self._reader.take(name, read(folder, self._reader.places()))
        self._num_loaded += 1
        self._roots[name] = -self._num_loaded  # never one that was used: what another adapter of the name has read is not found

    def drop(self, name: str) -> None:
        """Have it no more. Raises ValueError: there is none of the name."""
        self.root(name)
        assert isinstance(self._reader, Adapts)
        self._reader.drop(name)
        del self._roots[name]

    def root(self, name: str | None) -> int:
        """Return the root of pages that are read by an adapter, or by the base alone. Raises ValueError: there is none of the name."""
        if name is None:
            return 0
        if name not in self._roots:
            raise ValueError(f"no adapter is named {name!r}; {nearest(name, self._roots)}")
        return self._roots[name]
