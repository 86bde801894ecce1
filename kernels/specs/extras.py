"""Packages that only some need: optional extras of modelmill, named where they are absent."""

import importlib
import importlib.util
from types import ModuleType
from typing import NamedTuple


def is_importable(module: str) -> bool:
    """Return whether a module is there; a mere folder of its name in the path is not it."""
    found = importlib.util.find_spec(module)
    return found is not None and found.origin is not None


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
        return is_importable(self.module)

    def lacks(self, purpose: str) -> str | None:
        """Return in words that some purpose (in the plural) needs it and it is not installed, with the remedy; None where it is."""
        return None if self.is_installed() else f"{purpose} need the extra {self.name!r}, which is not installed: {self.remedy}"

    def require(self, purpose: str) -> ModuleType:
        """Return its module.

        Raises:
            ModuleNotFoundError: it is not installed (names the extra and the remedy).
        """
        try:
            return importlib.import_module(self.module)
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(f"{purpose} need the extra {self.name!r}, which is not installed: {self.remedy}") from error
