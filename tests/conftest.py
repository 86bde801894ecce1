"""Fixtures that several folders of tests share."""

from pathlib import Path

import pytest

from tests.locations import SHARED_DATA


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data beside the checkout; tests that need it are skipped where it is not there."""
    folder = SHARED_DATA
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}")
    return folder
