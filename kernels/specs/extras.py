"""Packages that only some need: optional extras of modelmill, named where they are absent."""

import importlib
from types import ModuleType


def require_extra(module: str, extra: str, purpose: str) -> ModuleType:
    """Return the module of an optional package.

    Raises:
        ModuleNotFoundError: it is not installed (names the extra and the remedy).
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{purpose} need the extra {extra!r}, which is not installed: pip install 'modelmill[{extra}]'") from error
