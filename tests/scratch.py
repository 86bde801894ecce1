"""What a training leaves in scratch folders, seen while it trains: files come and go meanwhile."""

import glob
from pathlib import Path

from resources.devices.launchers import PROGRESS_FILE
from resources.storage.home import Home


def scratch_files(home: Home, pattern: str) -> list[str]:
    """Return the paths of a pattern below the scratch folders of a home."""
    return glob.glob(f"{home.root}/scratch/**/{pattern}", recursive=True)  # noqa: PTH207  # pathlib fails where a folder is removed meanwhile


def taken_steps(home: Home) -> int:
    """Return how many steps were told of."""
    return sum(len(Path(told).read_text().splitlines()) for told in scratch_files(home, PROGRESS_FILE))
