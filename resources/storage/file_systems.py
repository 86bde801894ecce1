"""Where a path or URL leads, each name taken as it is written: no pattern, no chain of file systems, no ``~``.

Libraries read meaning into names: fsspec splits them at ``::`` and expands ``[``, ``*`` and ``?``, as Polars and DuckDB do. A home below
``/data/[new]`` or ``/data/a::b`` is a folder like any other.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

import fsspec
from fsspec.config import conf

from resources.storage.faults import is_unreachable

PROBE = {"connect_timeout": 3, "read_timeout": 5, "retries": {"total_max_attempts": 1}}
"""How long a store of S3's kind is waited for when it is first spoken to. Later requests are repeated for most of a minute, as they should be."""


def open_file_system(place: str) -> tuple[Any, str]:
    """Return the file system of a path or fsspec URL, and the path on it.

    Raises:
        ModuleNotFoundError: what speaks the URL's protocol is not installed (names the remedy).
        ValueError: nobody knows the protocol.
        OSError, botocore's and others: the object store does not answer (faults.py says so in words).
    """
    if "://" not in place:
        filesystem = fsspec.filesystem("file")
        return filesystem, filesystem._strip_protocol(place)
    protocol = place.partition("://")[0]
    try:
        filesystem, path = fsspec.url_to_fs(place)
        if protocol == "s3":
            _speak_to(path.partition("/")[0])
        return filesystem, path
    except ImportError as error:
        extra = f"install modelmill[{protocol}]" if protocol == "s3" else f"install what fsspec needs for {protocol}://"
        raise ModuleNotFoundError(f"{place}: {error}; {extra}") from error


@cache
def _speak_to(bucket: str) -> None:
    """Ask a store for a bucket, once, so that one which is down is told of at once; whatever else it answers is for those who need more."""
    settings = conf.get("s3", {}).get("config_kwargs", {})
    filesystem: Any = fsspec.filesystem("s3", skip_instance_cache=True, config_kwargs={**settings, **PROBE})
    filesystem.retries = 1
    try:
        filesystem.call_s3("head_bucket", Bucket=bucket)
    except Exception as error:
        if is_unreachable(error):
            raise


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
