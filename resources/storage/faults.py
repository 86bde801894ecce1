"""Faults of the machine, said in a line with the remedy: a full disk, a folder that may not be written, an object store that does not answer.

Libraries raise them as what they like: with an error number, wrapped in their own classes, or as words only.
"""

import errno
import re
import sqlite3
from collections.abc import Iterator

FULL = "the disk is full; free space, or set MILL_HOME (all state) or MILL_LAKE (artifacts) to a larger one, and run mill again: what is made stands"
READ_ONLY = "it may not be written to; change its owner or mode, or set MILL_HOME (MILL_LAKE, MILL_CACHE) to a folder that is yours"
FORBIDDEN = "not permitted; change its owner or mode (or its folder's), or set MILL_HOME (MILL_LAKE, MILL_CACHE) to a folder that is yours"
UNREACHABLE = "does not answer; check its address (FSSPEC_S3_ENDPOINT_URL for s3://), the network and that it runs"
REFUSED = "refuses; check the name of the bucket, the credentials (AWS_PROFILE, or FSSPEC_S3_KEY and FSSPEC_S3_SECRET) and what they allow"
_BY_NUMBER = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: "the file would be larger than this process may write; raise ulimit -f, or choose another file system",
    errno.EROFS: READ_ONLY,
    errno.EACCES: FORBIDDEN,
    errno.EPERM: FORBIDDEN,
    errno.EMFILE: "too many files are open; raise ulimit -n",
    errno.ENFILE: "too many files are open on this machine; end other programs",
    errno.EADDRINUSE: "the port is taken; choose another, such as with --port",
    errno.ENOTDIR: "a folder is needed, and a file of that name is there; move it away or correct the path",
    errno.EISDIR: "a file is needed, and a folder of that name is there; move it away or correct the path",
    errno.ENAMETOOLONG: "the name is longer than the file system takes; choose a shorter path",
    errno.ELOOP: "links lead round in a circle; correct them",
    errno.EIO: "the device failed to read or write; look at the disk",
    errno.ESTALE: "the network file system lost the file; mount it again",
    errno.ECONNREFUSED: UNREACHABLE,
    errno.ETIMEDOUT: UNREACHABLE,
    errno.EHOSTUNREACH: UNREACHABLE,
    errno.ENETUNREACH: UNREACHABLE,
    errno.ENOMEM: "there is not enough memory; make partitions smaller (files_per_partition), or end other programs",
}
_BY_WORDS = (
    (re.compile(r"no space left|disk quota|disk is full", re.I), FULL),
    (re.compile(r"read-only file system|readonly database", re.I), READ_ONLY),
    (re.compile(r"permission denied|unable to open database file", re.I), FORBIDDEN),
    (re.compile(r"bucket does not exist|NoSuchBucket", re.I), "make the bucket, or correct its name in the recipe or in MILL_LAKE"),
)
_STORES = ("botocore", "aiobotocore", "boto3", "aiohttp", "s3fs", "gcsfs", "adlfs", "httpx", "httpx2", "urllib3", "requests")
_NO_ANSWER = re.compile(r"connect|timeout|timed out|resolve|reach|endpoint url", re.I)


def fault_in_words(error: BaseException) -> str | None:
    """Return a fault of the machine in a line with its remedy, None where an error is none that is known."""
    for cause in _causes(error):
        remedy = _remedy(cause)
        if remedy:
            what = " ".join(str(cause).split()) or type(cause).__name__
            return what if remedy in what else f"{what}: {remedy}"
    return None


def is_disk_full(error: BaseException) -> bool:
    """Return whether nothing more can be written."""
    return any(_remedy(cause) == FULL for cause in _causes(error))


def is_unreachable(error: BaseException) -> bool:
    """Return whether a store or a host does not answer."""
    return any(UNREACHABLE in (_remedy(cause) or "") for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it says that it comes from."""
    seen: list[BaseException] = []
    found: BaseException | None = error
    while found is not None and found not in seen:
        seen.append(found)
        yield found
        inner = getattr(found, "orig", None)  # of SQLAlchemy's errors
        found = inner if isinstance(inner, BaseException) else found.__cause__


def _remedy(error: BaseException) -> str | None:
    text = str(error)
    if isinstance(error, MemoryError):
        return _BY_NUMBER[errno.ENOMEM]
    if isinstance(error, OSError) and error.errno in _BY_NUMBER:
        return _BY_NUMBER[error.errno]
    foreign = type(error).__module__.partition(".")[0]
    if isinstance(error, OSError | sqlite3.Error) or foreign in (*_STORES, "pyarrow", "polars", "duckdb", "sqlalchemy"):
        for pattern, remedy in _BY_WORDS:
            if pattern.search(text):
                return remedy
    if isinstance(error, sqlite3.DatabaseError) and re.search("malformed|not a database|disk I/O", text):
        return "Dagster's log in the home's folder dagster cannot be read or written; move that folder away: mill up writes it again from the lake"
    if foreign in _STORES or isinstance(error, ConnectionError | TimeoutError):
        return f"the object store {UNREACHABLE if _NO_ANSWER.search(type(error).__name__ + text) else REFUSED}"
    return None
