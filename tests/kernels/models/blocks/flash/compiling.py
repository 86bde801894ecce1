"""Compiles the kernels of attention for GPUs that are not here, as they are started there, and tells what they take of them."""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from kernels.models.blocks.flash import tiling

TARGETS = (80, 90)
"""Compute capabilities: those of an A100 and of an H100."""
SHARED_BYTES = {80: 99 * 1024, 90: 227 * 1024}
"""That a block may have (CUDA C++ Programming Guide, technical specifications by compute capability). What is compiled for 8.0 runs on 8.6 and 8.9
too, where a block may have less than on 8.0."""
SPILLED_BYTES = 8
"""Two registers of a thread: that many four kernels lack, of heads that share no keys or of float32; all others lack none."""
SIZES = {"bf16": 2, "fp32": 4}
"""Bytes of a value; float16 is compiled as bfloat16 is."""


class Build(NamedTuple):
    """A kernel for one kind of heads."""

    kernel: str
    width: int
    dtype: str
    causal: bool = True
    windowed: bool = False
    biased: bool = False
    repeats: int = 4


class Takes(NamedTuple):
    """What a kernel takes of a GPU."""

    registers: int
    """Of a thread."""
    shared_bytes: int
    """Of a block."""
    spilled_bytes: int
    """Of a thread's stack, where what has no register lies."""


def compiled(build: Build, capability: int) -> Takes:
    """Compile a kernel ahead of time and return what it takes."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from kernels.models.blocks.flash import launching

    kernel, types, constants, sizes = _source(build)
    signature = {name: "constexpr" if name in constants else types[name] for name in kernel.arg_names}
    aligned = {(index,): [["tt.divisibility", 16]] for index, name in enumerate(kernel.arg_names) if name in _ALIGNED and name not in constants}
    options = {"num_warps": sizes.num_warps, "num_stages": sizes.num_stages, "enable_fp_fusion": launching.FUSED}
    made = triton.compile(ASTSource(kernel, signature, constants, aligned), target=GPUTarget("cuda", capability, 32), options=options)
    registers, spilled_bytes = _resources(made.asm["cubin"])
    return Takes(registers, made.metadata.shared, spilled_bytes)


_ALIGNED = {"q", "k", "v", "seen", "d_seen", "sums", "products", "parts", "d_q", "d_k", "d_v", "q_starts", "k_starts", "tables", "lengths", "slopes"}
_ALIGNED |= {"q_stride", "k_stride", "v_stride"}
"""What a GPU's memory begins at a multiple of 16 with, and strides that are one."""


def _source(build: Build) -> tuple[Any, dict[str, str], dict[str, Any], tiling.Tiling]:
    """Return a kernel, the types of its arguments, its constants, and its tiles."""
    from kernels.models.blocks.flash import backward_keys, backward_queries, decode, forward

    kernel: Any = {
        "forward": forward.attend,
        "products": backward_queries.multiply,
        "by queries": backward_queries.by_queries,
        "by keys": backward_keys.by_keys,
        "parts": decode.attend_parts,
        "merge": decode.merge,
    }[build.kernel]
    values = {name: f"*{build.dtype}" for name in ("q", "k", "v", "seen", "d_seen", "d_q", "d_k", "d_v")}
    types = {**values, **dict.fromkeys(("sums", "products", "parts", "slopes"), "*fp32"), "scale": "fp32", "factor": "fp32"}
    types |= dict.fromkeys(("q_starts", "k_starts", "tables", "lengths"), "*i32")
    types |= dict.fromkeys(("q_stride", "k_stride", "v_stride", "num_rows", "num_pages", "num_parts", "window"), "i32")
    constants: dict[str, Any] = {"width": build.width, "padded": tiling.padded(build.width), "repeats": build.repeats, "causal": build.causal}
    constants |= {"windowed": build.windowed, "biased": build.biased, "precision": "tf32x3" if build.dtype == "fp32" else "tf32"}
    constants |= {"page": 16, "part_size": tiling.PART} | ({} if build.biased else {"slopes": None})
    sizes = _tiling(build)
    constants |= {"q_tile": sizes.queries, "k_tile": sizes.keys, "tile": sizes.queries}
    return kernel, types, {name: value for name, value in constants.items() if name in kernel.arg_names}, sizes


def _tiling(build: Build) -> tiling.Tiling:
    from kernels.models.blocks.flash import launching, paged

    size = SIZES[build.dtype]
    if build.kernel == "parts":
        return tiling.of_parts(build.width, build.repeats, size)
    fixed = {"products": launching.PRODUCTS, "merge": paged.MERGED}.get(build.kernel)
    if fixed is not None:
        return tiling.Tiling(fixed, fixed, num_warps=4, num_stages=3)
    return {"forward": tiling.of_forward, "by queries": tiling.of_queries, "by keys": tiling.of_keys}[build.kernel](build.width, size)


def fits(takes: Takes, capability: int) -> bool:
    """Return whether registers hold all but what may be spilled, and a block has the shared memory."""
    return takes.spilled_bytes <= SPILLED_BYTES and takes.shared_bytes <= SHARED_BYTES[capability]


def _resources(cubin: bytes) -> tuple[int, int]:
    """Return the registers of a thread and the bytes of its stack, as the tool that Triton brings tells them."""
    import triton

    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        told = subprocess.run([tool, "--dump-resource-usage", file.name], check=True, stdout=subprocess.PIPE, text=True).stdout
    found = re.search(r"REG:(\d+) STACK:(\d+)", told)
    assert found, told
    return int(found[1]), int(found[2])


def builds() -> Iterator[Build]:
    """Yield each kernel: of plain causal attention, of a window with slopes, and of full attention without groups."""
    kinds = {"causal": True}, {"windowed": True, "biased": True}, {"causal": False, "repeats": 1}
    widths = [("bf16", width) for width in (16, 64, 80, 128, 256)] + [("fp32", width) for width in (64, 128)]
    for dtype, width in widths:
        for kernel in ("forward", "by queries", "by keys", "parts"):
            yield from (Build(kernel, width, dtype, **kind) for kind in kinds)
        yield from (Build(kernel, width, dtype) for kernel in ("products", "merge"))
