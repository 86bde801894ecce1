"""Where the project and the real data beside it are."""

from pathlib import Path

PROJECT = Path(__file__).parents[1]
SHARED_DATA = PROJECT.parent / "shared" / "data"
