"""Hostile archives: bombs, traversals, links, devices, lies."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterator
from typing import Any


def archives() -> Iterator[tuple[str, str, bytes]]:
    """Yield archives that hurt: what they do, their name, their bytes."""

    def packed(name: str, data: bytes, **more: Any) -> bytes:
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w:gz") as archive:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            for key, value in more.items():
                setattr(member, key, value)
            archive.addfile(member, io.BytesIO(data))
        return stream.getvalue()

    yield "path traversal", "a.tar.gz", packed("../../etc/passwd.py", b"x = 1\n")
    yield "absolute path", "b.tar.gz", packed("/etc/passwd.py", b"x = 1\n")
    yield "a link", "c.tar.gz", packed("x.py", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd")
    yield "a device", "d.tar.gz", packed("x.py", b"", type=tarfile.CHRTYPE)
    yield "cut off", "e.tar.gz", packed("x.py", b"x = 1\n" * 10_000)[:200]
    yield "a fifo", "i.tar.gz", packed("x.py", b"", type=tarfile.FIFOTYPE)
    yield "a name of nul bytes and line feeds", "j.tar.gz", packed("a\n\udcff/x.py", b"x = 1\n")
    yield "a size that lies", "k.tar.gz", gzip.compress(gzip.decompress(packed("x.py", b"x = 1\n")).replace(b"00000000006\0", b"77777777777\0"))
    yield "a name of 100 KB", "l.tar.gz", packed("d/" * 50_000 + "x.py", b"x = 1\n")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(20_000):
            archive.writestr(f"{number}.py", b"")
    yield "20,000 members", "m.zip", stream.getvalue()
    inner = stream.getvalue()[:100_000]
    for _ in range(5):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("inner.zip", inner)
        inner = stream.getvalue()
    yield "zip in zip in zip", "n.zip", inner
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.py", b"0" * 200_000_000)
        archive.writestr("../x.py", b"x = 1\n")
    yield "zip bomb", "f.zip", stream.getvalue()
    yield "no archive", "g.zip", b"PK\x03\x04" + b"\0" * 100
    yield "gzip bomb", "h.tar.gz", gzip.compress(b"\0" * 100_000_000)
