"""Importing Great Expectations, which takes a second or two."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from resources.quality.deferred_modules import defer

SLOW_IMPORTS = ("scipy.stats", "altair", "boto3", "jsonschema", "mistune")
"""What Great Expectations imports and does not need here."""
THIRD_PARTY_WARNINGS = (
    ("module 'sre_(constants|parse)' is deprecated", DeprecationWarning),  # Great Expectations imports them
    ("This pattern is interpreted as a regular expression, and has match groups", UserWarning),  # pandas; the groups are only alternatives
)


def load() -> None:
    """Import Great Expectations, without what it does not need here."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # the documented switch; 1.24.1 holds no sender at all
    defer(*SLOW_IMPORTS)
    with quiet():
        import great_expectations  # noqa: F401


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out its warnings of its own code."""
    with warnings.catch_warnings():
        for message, category in THIRD_PARTY_WARNINGS:
            warnings.filterwarnings("ignore", message=message, category=category)
        yield
