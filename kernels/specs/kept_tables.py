"""Tables that follow from code and packages alone, worked out once a machine and kept beside the code that does so, as its bytecode is."""

import contextlib
import hashlib
import inspect
import os
import unicodedata
import zipfile
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tables = Mapping[str, NDArray[Any]]


def kept_tables(make: Callable[[], Tables], packages: tuple[str, ...], folder: Path | None = None) -> Tables:
    """Return what a function makes: read, where the same file of code made it before with these packages and Python's tables of Unicode.

    Args:
        make: Takes nothing, and reads nothing but its own file and the packages.
        packages: Distributions whose versions count.
        folder: Where the tables are kept, else with the bytecode of the function's file. Where it takes no file, they are made each time.
    """
    source = Path(inspect.getfile(make))
    versions = [f"{name} {metadata.version(name)}" for name in packages]
    told = "\n".join([make.__name__, unicodedata.unidata_version, *versions]).encode() + source.read_bytes()
    path = (folder or source.parent / "__pycache__") / f"{source.stem}.{make.__name__}-{hashlib.sha256(told).hexdigest()[:16]}.npz"
    try:
        with np.load(path, allow_pickle=False) as kept:
            return dict(kept)
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):  # not there, or not whole
        tables = make()
    aside = path.with_name(f".{path.stem}.{os.getpid()}.npz")
    with contextlib.suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        np.savez_compressed(aside, allow_pickle=False, **tables)
        aside.replace(path)
    return tables
