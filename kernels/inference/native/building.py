"""The kernels as a library of this machine: compiled where there is a compiler and a processor that they are for."""

import ctypes
import functools
import hashlib
import subprocess
import tempfile
from pathlib import Path

FLAGS = ("-std=c++20", "-O3", "-march=native", "-shared", "-fPIC")
NEEDED = {"avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16"}
"""Of what a processor can do."""
HERE = Path(__file__).parent


def lacking() -> str | None:
    """Return what this machine lacks for the kernels, None where it lacks nothing."""
    import shutil

    flags = Path("/proc/cpuinfo")
    able = set(flags.read_text().partition("flags")[2].partition("\n")[0].split()) if flags.exists() else set[str]()
    if missing := sorted(NEEDED - able):
        return f"a processor with {', '.join(missing)}"
    return None if shutil.which("g++") else "the compiler g++"


@functools.cache
def library() -> ctypes.CDLL:
    """Return the kernels, compiled for this processor unless they are there.

    Raises:
        RuntimeError: they do not compile (says what the compiler says).
    """
    sources = sorted((*HERE.glob("*.h"), *HERE.glob("*.cpp")))
    processor = Path("/proc/cpuinfo").read_text().partition("flags")[2].partition("\n")[0]
    told = hashlib.blake2b(" ".join((*FLAGS, processor)).encode() + b"".join(source.read_bytes() for source in sources), digest_size=8)
    path = HERE / "__pycache__" / f"kernels-{told.hexdigest()}.so"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            made = Path(folder) / "kernels.so"
            found = subprocess.run(["g++", *FLAGS, "-o", str(made), str(HERE / "stack.cpp")], capture_output=True, text=True, check=False)
            if found.returncode:
                raise RuntimeError(f"g++ does not compile {HERE / 'stack.cpp'}: {found.stderr[-2000:]}")
            made.replace(path)
    return ctypes.CDLL(str(path))
