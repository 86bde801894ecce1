import bz2
import gzip
import io
import lzma
import tracemalloc
from collections.abc import Callable

import pytest
import zstandard

from kernels.reading.parsing.text import DamagedFileError, decompressed, tidy
from kernels.specs.sources import SourceFile


def source(path: str, data: bytes) -> SourceFile:
    return SourceFile(path, lambda: io.BytesIO(data))


def zstd(data: bytes, **options: bool) -> bytes:
    return zstandard.ZstdCompressor(**options).compress(data)


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
        ("a.zst", zstd(b"one ") + zstd(b"two", write_checksum=True)),
        ("a.zst", b"\x50\x2a\x4d\x18\x03\0\0\0any" + zstd(b"one two", write_content_size=False)),
        ("a.xz", lzma.compress(b"one ") + lzma.compress(b"two") + b"\0" * 8),
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


@pytest.mark.parametrize("path", ["a.zst", "a.xz", "a.gz"])
def test_an_empty_file_reads_as_nothing(path: str):
    with decompressed(source(path, b"")) as stream:
        assert stream.read(10) == b""


@pytest.mark.parametrize("path", ["a.zst", "a.xz", "a.bz2", "a.gz"])
def test_a_file_of_another_kind_than_its_name_says_is_damaged(path: str):
    with decompressed(source(path, b"not packed at all")) as stream, pytest.raises(DamagedFileError):
        stream.read(10)


@pytest.mark.parametrize("num_lost", [1, 2, 5, 12])
@pytest.mark.parametrize(("path", "pack"), [("a.zst", zstd), ("a.xz", lzma.compress)])
def test_a_cut_file_gives_what_is_whole_and_is_told(path: str, pack: Callable[[bytes], bytes], num_lost: int):
    data = pack(b"sound") + pack(bytes(range(256)) * 20)[:-num_lost]
    with decompressed(source(path, data)) as stream:
        assert stream.read(5) == b"sound"
        with pytest.raises(DamagedFileError, match="ends before the end"):
            while stream.read(1000):
                pass


def test_a_window_as_large_as_public_dumps_have_is_allowed():
    parameters = zstandard.ZstdCompressionParameters.from_level(1, window_log=31, enable_ldm=True)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    data = packer.compress(b"one two") + packer.flush()
    assert zstandard.get_frame_parameters(data).window_size == 1 << 31
    with decompressed(source("a.zst", data)) as stream:
        assert stream.read(10) == b"one two"


@pytest.mark.parametrize(("path", "pack"), [("a.zst", zstd), ("a.xz", lzma.compress)])
def test_a_bomb_is_unpacked_piece_by_piece(path: str, pack: Callable[[bytes], bytes]):
    bomb = pack(b"\0" * (32 << 20))
    assert len(bomb) < 100_000
    tracemalloc.start()
    try:
        with decompressed(source(path, bomb)) as stream:
            assert len(stream.read(1000) or b"") == 1000
        assert tracemalloc.get_traced_memory()[1] < 10 << 20  # xz keeps a dictionary of 8 MiB
    finally:
        tracemalloc.stop()
