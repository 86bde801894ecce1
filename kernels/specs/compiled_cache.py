"""Where the machine code of compiled loops is kept between processes.

Numba looks only at a loop's own file to tell whether its cache is stale, though the code of loops it calls is inside it too: so the cache's
folder is named by a digest of all sources below the folder of the loops.
"""

import hashlib
from pathlib import Path


def cache_folder(root: Path) -> Path:
    """Return the folder that belongs to the loops in and below a folder as they are now."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        text = path.read_bytes()
        if b"\n@compiled" in text:
            digest.update(text)
    return root / "__pycache__" / f"numba-{digest.hexdigest()[:16]}"


def is_filled(root: Path) -> bool:
    """Return whether any of a folder's loops has been compiled on this machine."""
    return cache_folder(root).is_dir()
