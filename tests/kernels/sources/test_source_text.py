import bz2
import gzip
import io

import pytest

from kernels.sources.text import DamagedFileError, decompressed, tidy
from kernels.specs import SourceFile


def source(path: str, data: bytes) -> SourceFile:
    return SourceFile(path, lambda: io.BytesIO(data))


@pytest.mark.parametrize("raw", ["a\n\nb", "a \r\n\r\nb\t\r\n", "\ufeff\n\na\n\n\n\n\nb\n\n", "a\r\rb\r"])
def test_white_space_that_carries_no_meaning_is_removed(raw: str):
    assert tidy(raw) == "a\n\nb"


def test_indentation_stays_and_so_do_as_many_blank_lines_as_are_allowed():
    assert tidy("  a\n\n\n\n\n  b", max_blank_lines=2) == "  a\n\n\n  b"


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("a", b"one two"),
        ("a.gz", gzip.compress(b"one ", mtime=0) + gzip.compress(b"two", mtime=0)),
        ("a.bz2", bz2.compress(b"one ") + bz2.compress(b"two")),
    ],
)
def test_a_file_of_several_compressed_members_reads_as_one(path: str, data: bytes):
    with decompressed(source(path, data)) as stream:
        assert stream.readall() == b"one two"


def test_all_that_stands_before_the_damage_is_read():
    sound = gzip.compress(b"sound", mtime=0)
    with decompressed(source("a.gz", sound + gzip.compress(b"lost" * 100, mtime=0)[:-9])) as stream:
        assert stream.read(100) == b"sound"
        with pytest.raises(DamagedFileError, match="end"):
            while stream.read(1000):
                pass


def test_an_error_of_the_disk_is_not_taken_for_damage():
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with decompressed(SourceFile("a", Failing)) as stream, pytest.raises(OSError, match="Input/output"):
        stream.read(1)
