"""What every format keeps: one document a key in a file, and a tally of how bytes became text."""

from collections import Counter
from collections.abc import Iterable, Iterator

from kernels.reading.parsing.charsets import UTF8
from kernels.reading.parsing.keys import SeenKeys
from kernels.specs.sources import Document, Reject

MAX_CHARSETS = 64
"""Charsets that are counted by name: metadata may come from the files themselves."""


class Tally:
    """How the bytes of documents became text."""

    def __init__(self) -> None:
        """Begin with none."""
        self.charsets: Counter[str] = Counter()
        """Documents by charset."""
        self.replaced: Counter[str] = Counter()
        """Runs of bytes that were replaced in them, by charset."""

    def add(self, document: Document) -> None:
        """Count one document."""
        charset = str(document.metadata.get("charset", UTF8))
        charset = charset if charset in self.charsets or len(self.charsets) < MAX_CHARSETS else "others"
        self.charsets[charset] += 1
        num_replaced = document.metadata.get("num_replaced", 0)
        if isinstance(num_replaced, int) and num_replaced > 0:
            self.replaced[charset] += num_replaced


def unique_records(records: Iterable[Document | Reject], tally: Tally) -> Iterator[Document | Reject]:
    """Yield the records of one file, the second document of a key as a reject, and count the others."""
    with SeenKeys() as keys:
        for record in records:
            if isinstance(record, Reject):
                yield record
            elif keys.add(record.key):
                tally.add(record)
                yield record
            else:
                yield Reject(record.key, "duplicate_key", record.title or "")
