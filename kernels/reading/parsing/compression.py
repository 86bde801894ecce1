"""Zstandard, xz and LZ4 streams read piece by piece, with a bound on memory, and with an error where the data ends too early.

The zstandard package ends quietly where a file is cut, so the frames are walked along as they are read: RFC 8878, section 3.1. Dumps
packed with ``--long=31`` need a window of 2 GiB; a file that asks for more is refused.
"""

import lzma
from collections.abc import Callable
from typing import Any, BinaryIO

from kernels.specs.extras import Extra

LZ4 = Extra("lz4", "lz4.frame")
MAX_ZSTD_WINDOW_BYTES = 1 << 31
"""The largest window that zstd writes (``--long=31``)."""
MAX_XZ_BYTES = 1 << 28
"""Memory that an xz stream may ask for; ``xz -9`` asks for 65 MiB."""

_CHUNK_BYTES = 1 << 16
_MAGIC = 0xFD2FB528
_SKIPPABLE = 0x184D2A50
_DICTIONARY_BYTES = (0, 1, 2, 4)
_CONTENT_SIZE_BYTES = (0, 2, 4, 8)


class _Frames:
    """Follows the frames of a Zstandard file; ``whole`` tells whether what has been seen ends with a frame."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._skip = 0
        self._part: Callable[[int], None] = self._magic
        self._needed = 4
        self._has_checksum = False

    @property
    def whole(self) -> bool:
        return self._part == self._magic and not self._held and not self._skip

    def feed(self, data: bytes) -> None:
        start = 0
        while start < len(data):
            if self._skip:
                step = min(self._skip, len(data) - start)
                self._skip -= step
                start += step
                continue
            step = min(self._needed - len(self._held), len(data) - start)
            self._held += data[start : start + step]
            start += step
            if len(self._held) == self._needed:
                field = int.from_bytes(self._held, "little")
                self._held.clear()
                self._part(field)

    def _expect(self, part: Callable[[int], None], num_bytes: int) -> None:
        self._part = part
        self._needed = num_bytes

    def _magic(self, field: int) -> None:
        if field == _MAGIC:
            self._expect(self._descriptor, 1)
        elif field & ~0xF == _SKIPPABLE:
            self._expect(self._skippable, 4)
        else:
            raise EOFError("no Zstandard frame begins where one must")

    def _skippable(self, field: int) -> None:
        self._skip = field
        self._expect(self._magic, 4)

    def _descriptor(self, field: int) -> None:
        is_single = bool(field & 0x20)
        self._has_checksum = bool(field & 0x04)
        content_size = _CONTENT_SIZE_BYTES[field >> 6] or is_single
        self._skip = _DICTIONARY_BYTES[field & 3] + content_size + (not is_single)
        self._expect(self._block, 3)

    def _block(self, field: int) -> None:
        is_last, kind, size = field & 1, field >> 1 & 3, field >> 3
        self._skip = 1 if kind == 1 else size
        if is_last:
            self._skip += 4 * self._has_checksum
            self._expect(self._magic, 4)


class _Watched:
    """The packed bytes on their way to the decompressor."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self.frames = _Frames()

    def read(self, size: int = -1) -> bytes:
        data = self._raw.read(size)
        self.frames.feed(data)
        return data


class ZstdReader:
    """Reads a Zstandard file of one or more frames."""

    def __init__(self, raw: BinaryIO) -> None:
        """Read from ``raw``, which stays the caller's to close."""
        import zstandard

        self._error = zstandard.ZstdError
        self._packed = _Watched(raw)
        decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_ZSTD_WINDOW_BYTES)
        self._reader = decompressor.stream_reader(self._packed, read_across_frames=True, read_size=_CHUNK_BYTES, closefd=False)  # pyright: ignore

    def read(self, size: int) -> bytes:
        """Return at most ``size`` bytes, none at the end. Raises EOFError where the file is cut or corrupt."""
        try:
            data: bytes = self._reader.read(size)
        except self._error as error:
            raise EOFError(str(error)) from error
        if not data and size and not self._packed.frames.whole:
            raise EOFError("the file ends before the end of a Zstandard frame")
        return data


class XzReader:
    """Reads an xz (or lzma) file of one or more streams."""

    def __init__(self, raw: BinaryIO) -> None:
        """Read from ``raw``, which stays the caller's to close."""
        self._raw = raw
        self._decompressor = lzma.LZMADecompressor(memlimit=MAX_XZ_BYTES)
        self._is_begun = False

    def read(self, size: int) -> bytes:
        """Return at most ``size`` bytes, none at the end. Raises EOFError where the file is cut or corrupt."""
        while True:
            unused = b""
            if self._decompressor.eof:
                unused = self._decompressor.unused_data.lstrip(b"\0")  # streams may be padded
                self._decompressor = lzma.LZMADecompressor(memlimit=MAX_XZ_BYTES)
                self._is_begun = False
            packed = unused or (self._raw.read(_CHUNK_BYTES) if self._decompressor.needs_input else b"")
            if not self._is_begun:
                packed = packed.lstrip(b"\0")
            if not packed and self._decompressor.needs_input:
                if self._is_begun:
                    raise EOFError("the file ends before the end of an xz stream")
                return b""
            self._is_begun = True
            try:
                data = self._decompressor.decompress(packed, size)
            except lzma.LZMAError as error:
                raise EOFError(str(error)) from error
            if data:
                return data


class Lz4Reader:
    """Reads a file of one or more LZ4 frames (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md)."""

    def __init__(self, raw: BinaryIO) -> None:
        """Read from ``raw``, which stays the caller's to close. Raises ModuleNotFoundError without the extra ``lz4``."""
        self._frame: Any = LZ4.require("files packed by LZ4")
        self._raw = raw
        self._decompressor = self._frame.LZ4FrameDecompressor()
        self._is_begun = False

    def read(self, size: int) -> bytes:
        """Return at most ``size`` bytes, none at the end. Raises EOFError where the file is cut or corrupt."""
        while True:
            packed = b""
            if self._decompressor.eof:
                packed = self._decompressor.unused_data or b""
                self._decompressor = self._frame.LZ4FrameDecompressor()
                self._is_begun = False
            if not packed and self._decompressor.needs_input:
                packed = self._raw.read(_CHUNK_BYTES)
                if not packed:
                    if self._is_begun:
                        raise EOFError("the file ends before the end of an LZ4 frame")
                    return b""
            self._is_begun = True
            try:
                data: bytes = self._decompressor.decompress(packed, size)
            except RuntimeError as error:
                raise EOFError(str(error)) from error
            if data:
                return data
