"""Modules that others import and do not use: what they cost is saved where another one, or none, is found in their place."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any


@contextmanager
def instead(modules: dict[str, Any]) -> Generator[None]:
    """Let modules that are not imported yet be others for who imports them within the block; None makes an import fail."""
    found = {name: module for name, module in modules.items() if name not in sys.modules}
    sys.modules.update(found)
    try:
        yield
    finally:
        for name in found:
            del sys.modules[name]
