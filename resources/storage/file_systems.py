"""Where a path or URL leads, each name taken as it is written: no pattern, no chain of file systems, no ``~``.

Libraries read meaning into names: fsspec splits them at ``::`` and expands ``[``, ``*`` and ``?``, as Polars and DuckDB do. A home below
``/data/[new]`` or ``/data/a::b`` is a folder like any other.
"""

from collections.abc import Iterable
from typing import Any

import fsspec


def open_file_system(place: str) -> tuple[Any, str]:
    """Return the file system of a path or fsspec URL, and the path on it.

    Raises:
        ModuleNotFoundError: what speaks the URL's protocol is not installed (names the remedy).
        ValueError: nobody knows the protocol.
    """
    if "://" not in place:
        filesystem = fsspec.filesystem("file")
        return filesystem, filesystem._strip_protocol(place)
    protocol = place.partition("://")[0]
    try:
        return fsspec.url_to_fs(place)
    except ImportError as error:
        extra = f"install modelmill[{protocol}]" if protocol == "s3" else f"install what fsspec needs for {protocol}://"
        raise ModuleNotFoundError(f"{place}: {error}; {extra}") from error


def read_all(filesystem: Any, paths: list[str]) -> dict[str, bytes]:
    """Return the bytes of files by path, asked for together."""
    whole: list[None] = [None] * len(paths)
    return dict(zip(paths, filesystem.cat_ranges(paths, whole, whole, on_error="raise"), strict=True)) if paths else {}


def fetch_all(filesystem: Any, folder: str, target: str) -> None:
    """Copy the files below a folder into a local one."""
    paths: list[str] = filesystem.find(folder)
    if not paths:
        raise FileNotFoundError(f"{folder}: no file is there")
    filesystem.get(paths, [f"{target}/{path[len(folder) :].lstrip('/')}" for path in paths])


def remove_all(filesystem: Any, places: Iterable[str]) -> None:
    """Remove files, and folders with all that is below them."""
    for place in places:
        for path in filesystem.find(place):
            filesystem.rm_file(path)
