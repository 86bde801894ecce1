"""Files that were not written where they lie, told by their path: copied from elsewhere (vendored), put out by a program, minified."""

import re
from pathlib import PurePosixPath

VENDORED_FOLDERS = frozenset(
    {"vendor", "vendors", "node_modules", "bower_components", "third_party", "third-party", "thirdparty", "3rdparty", "dist", "site-packages",
     "dist-packages", "pods", "carthage", ".git", ".svn", ".hg"}
)  # fmt: skip
LOCK_FILES = frozenset(
    {"package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "cargo.lock", "poetry.lock", "pipfile.lock", "uv.lock", "pdm.lock",
     "go.sum", "gemfile.lock", "composer.lock", "flake.lock", "mix.lock", "pubspec.lock", "packages.lock.json", "podfile.lock"}
)  # fmt: skip

_GENERATED = re.compile(
    r".*(?:_pb2(?:_grpc)?\.pyi?|\.pb\.(?:go|cc|h)|\.pb\.gw\.go|_pb\.(?:js|d\.ts)|\.g\.(?:cs|dart)|\.freezed\.dart|\.designer\.(?:cs|vb)"
    r"|\.generated\.\w{1,10}|[._]gen\.(?:go|ts)|_generated\.(?:go|rs|ts|h))",
    re.IGNORECASE,
)
_MINIFIED = re.compile(r".*[.-]min\.(?:js|mjs|cjs|css)|.*\.bundle\.js", re.IGNORECASE)


def vendored_part(path: str) -> str | None:
    """Return the part of a path that shows that the file comes from elsewhere, a folder or the name of a lock file."""
    parts = PurePosixPath(path).parts
    if parts and parts[-1].lower() in LOCK_FILES:
        return parts[-1]
    return next((part for part in parts[:-1] if part.lower() in VENDORED_FOLDERS), None)


def is_generated_name(name: str) -> bool:
    """Return whether a file's name is one that code generators give."""
    return bool(_GENERATED.fullmatch(name))


def is_minified_name(name: str) -> bool:
    """Return whether a file's name says that it is minified or bundled."""
    return bool(_MINIFIED.fullmatch(name))
