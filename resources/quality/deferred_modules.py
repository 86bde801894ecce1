"""Modules that are imported when something in them is first used.

Great Expectations imports SciPy's statistics for one expectation, Altair for charts and boto3 for stores in the cloud: half of its start.
`importlib.util.LazyLoader` does not help, since importing a module anew reads its ``__spec__``, which makes it load.
"""

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any


class _Deferred(ModuleType):
    """Stands for a module until an attribute of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def defer(*names: str) -> None:
    """Let modules that are installed and not imported yet be imported at their first use."""
    for name in names:
        spec = importlib.util.find_spec(name) if name not in sys.modules else None
        if spec is None:
            continue
        module = _Deferred(name)
        module.__spec__ = spec
        if spec.submodule_search_locations is not None:
            module.__path__ = spec.submodule_search_locations
        sys.modules[name] = module
