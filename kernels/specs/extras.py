"""Packages that only some need: optional extras of modelmill, named where they are absent."""

import importlib
import importlib.util
from types import ModuleType
from typing import NamedTuple


class Extra(NamedTuple):
    """An optional extra, and the module that it brings."""

    name: str
    module: str

    @property
    def remedy(self) -> str:
        """How to install it."""
        return f"pip install 'modelmill[{self.name}]'"

    def is_installed(self) -> bool:
        """Return whether its module is there."""
        return importlib.util.find_spec(self.module) is not None

    def require(self, purpose: str) -> ModuleType:
        """Return its module.

        Raises:
            ModuleNotFoundError: it is not installed (names the extra and the remedy).
        """
        try:
            return importlib.import_module(self.module)
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(f"{purpose} need the extra {self.name!r}, which is not installed: {self.remedy}") from error
