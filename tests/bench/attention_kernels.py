"""What the kernels of attention take of GPUs, compiled without one; and, where there is one, how fast they are and how far from float64.

Run by ``make bench NAME=attention_kernels``. The first table is of every kernel for compute capability 8.0 and 9.0: registers of a thread, shared
memory of a block, and bytes that registers do not hold. On a GPU the second holds FlashAttention, forward and with its gradients, against PyTorch's
``scaled_dot_product_attention`` on the same sequences, all of one length, and against flash-attn where that is installed; and decoding from pages
against PyTorch's attention to the same keys as they lie side by side, which spares it the pages. The JSON line has forward and gradients at 4,096
tokens there; without a GPU it has the most bytes that a kernel spills, and no peer.
"""

import json
import math
import resource
import statistics
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from kernels.models.blocks.flash.attention import attend_packed, has_kernels
from kernels.models.blocks.flash.sequences import Rule, packed
from tests.kernels.models.blocks.flash.cases import attention
from tests.kernels.models.blocks.flash.compiling import TARGETS, builds, compiled

HEADS, GROUPS, WIDTH, PAGE = 32, 8, 128, 16
LENGTHS = {512: 16, 1024: 8, 4096: 4, 16384: 1}
"""Sequences of each length."""
WARM, REPEATS = 5, 20
CHECKED = (1, 100, 129)
"""Lengths of sequences that are computed in float64 beside."""


def table() -> int:
    """Print what each kernel takes, and return the most bytes that one spills."""
    most = 0
    print(
        f"{'kernel':12}{'type':6}{'width':>6}  {'attention':33}"
        + "".join(f"{f'sm_{each}: registers':>18}{'shared KiB':>12}{'spilled':>9}" for each in TARGETS)
    )
    for build in builds():
        kind = f"{'causal' if build.causal else 'full'}{', window, slopes' if build.windowed else ''}, {build.repeats} a key"
        takes = [compiled(build, target) for target in TARGETS]
        most = max(most, *(each.spilled_bytes for each in takes))
        told = "".join(f"{each.registers:18}{each.shared_bytes / 1024:12.1f}{each.spilled_bytes:9}" for each in takes)
        print(f"{build.kernel:12}{build.dtype:6}{build.width:6}  {kind:33}{told}", flush=True)
    return most


class Milliseconds(NamedTuple):
    """Of one piece of work."""

    ours: float
    pytorch: float
    flash_attn: float
    """No number where it is not installed."""


def milliseconds(work: Callable[[], Any]) -> float:
    """Return what some work takes on the GPU, in the median."""
    taken: list[float] = []
    for number in range(WARM + REPEATS):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        work()
        end.record()
        torch.cuda.synchronize()
        if number >= WARM:
            taken.append(begin.elapsed_time(end))
    return statistics.median(taken)


def drawn(*shape: int) -> torch.Tensor:
    """Return values of bfloat16 on the GPU."""
    return torch.randn(*shape, device="cuda").bfloat16()


def trained(length: int, count: int, *, backward: bool) -> Milliseconds:
    """Return what attention of some sequences takes."""
    lengths, device = [length] * count, torch.device("cuda")
    given = [drawn(length * count, heads, WIDTH).requires_grad_(backward) for heads in (HEADS, GROUPS, GROUPS)]
    slope, stand, scale = drawn(length * count, HEADS, WIDTH), packed(lengths, device), WIDTH**-0.5
    apart = [x.detach().view(count, length, -1, WIDTH).transpose(1, 2).requires_grad_(backward) for x in given]
    slope_apart = slope.view(count, length, -1, WIDTH).transpose(1, 2)
    by_pytorch = torch.nn.functional.scaled_dot_product_attention

    def ended(seen: torch.Tensor, whence: list[torch.Tensor], slope: torch.Tensor) -> None:
        if backward:
            torch.autograd.grad(seen, whence, slope)

    def ours() -> None:
        ended(attend_packed(*given, stand, stand, Rule(causal=True), scale=scale), given, slope)

    def theirs() -> None:
        ended(by_pytorch(*apart, is_causal=True, scale=scale, enable_gqa=True), apart, slope_apart)

    def dao() -> None:
        starts = stand.starts_M1
        ended(dao_attention()(*given, starts, starts, length, length, softmax_scale=scale, causal=True), given, slope)

    return Milliseconds(milliseconds(ours), milliseconds(theirs), math.nan if dao_attention() is None else milliseconds(dao))


def dao_attention() -> Any:
    """Return flash-attn's function of packed sequences, or None where it is not installed."""
    try:
        from flash_attn import flash_attn_varlen_func
    except ModuleNotFoundError:
        return None
    return flash_attn_varlen_func


def decoded(length: int, count: int) -> Milliseconds:
    """Return what one token of each sequence takes."""
    from kernels.models.blocks.flash.paged import Tables, attend_pages

    q, k, v = drawn(count, HEADS, WIDTH), drawn(count * length, GROUPS, WIDTH), drawn(count * length, GROUPS, WIDTH)
    pages = torch.randperm(count * length // PAGE, device="cuda").view(count, -1).int()
    tables = Tables(pages, torch.full((count,), length, dtype=torch.int32, device="cuda"), length, PAGE)
    side_by_side = [x.view(count, length, GROUPS, WIDTH).transpose(1, 2) for x in (k, v)]
    by_pytorch = torch.nn.functional.scaled_dot_product_attention
    return Milliseconds(
        milliseconds(lambda: attend_pages(q, k, v, tables, Rule(causal=True), scale=WIDTH**-0.5)),
        milliseconds(lambda: by_pytorch(q[:, :, None], *side_by_side, enable_gqa=True)),
        math.nan,
    )


def furthest() -> float:
    """Return the largest difference from float64 of what sequences of bfloat16 see and of its gradients."""
    stand, rule = packed(CHECKED, torch.device("cuda")), Rule(causal=True, window=90)
    given = [drawn(sum(CHECKED), heads, WIDTH).requires_grad_() for heads in (HEADS, GROUPS, GROUPS)]
    slope = drawn(sum(CHECKED), HEADS, WIDTH)
    seen = attend_packed(*given, stand, stand, rule, scale=WIDTH**-0.5)
    wide = [x.detach().cpu().double().requires_grad_() for x in given]
    parts = zip(*(x.split(list(CHECKED)) for x in wide), strict=True)
    expected = torch.cat([attention(*each, rule, WIDTH**-0.5) for each in parts])
    found = [seen, *torch.autograd.grad(seen, given, slope)]
    wanted = [expected, *torch.autograd.grad(expected, wide, slope.cpu().double())]
    return max(float((x.detach().cpu().double() - y.detach()).abs().max()) for x, y in zip(found, wanted, strict=True))


def timed() -> Milliseconds:
    """Print the table of a GPU, and return what forward and gradients take at 4,096 tokens."""
    print(f"\non {torch.cuda.get_device_name()}, bfloat16, {HEADS} heads of {WIDTH} at {GROUPS} of keys; furthest from float64: {furthest():.4f}")
    print(f"{'work':24}{'sequences':>16}{'ours ms':>10}{'PyTorch':>10}{'flash-attn':>12}{'ours TFLOP/s':>14}")
    kept: dict[tuple[str, int], Milliseconds] = {}
    for length, count in LENGTHS.items():
        products = 2 * 2 * HEADS * WIDTH * length**2 / 2 * count
        for work, products_of in (("forward", products), ("forward and gradients", 3.5 * products)):
            took = kept[work, length] = trained(length, count, backward=work != "forward")
            sequences, speed = f"{count} x {length}", products_of / took.ours / 1e9
            print(f"{work:24}{sequences:>16}{took.ours:10.3f}{took.pytorch:10.3f}{took.flash_attn:12.3f}{speed:14.0f}")
    for length, count in ((512, 64), (4096, 16), (32768, 1)):
        took = decoded(length, count)
        read = 2 * 2 * length * count * GROUPS * WIDTH / took.ours / 1e6
        sequences = f"{count} x {length}"
        print(f"{'decoding':24}{sequences:>16}{took.ours:10.3f}{took.pytorch:10.3f}{took.flash_attn:12.3f}{read:9.0f} GB/s")
    return kept["forward and gradients", 4096]


def main() -> None:
    """Print the tables and the JSON line."""
    spilled = table()
    line: dict[str, Any] = {"name": "attention_kernels"}
    if torch.cuda.is_available() and has_kernels(drawn(1, WIDTH)):
        took = timed()
        peak_mb = torch.cuda.max_memory_allocated() / 2**20
        line |= {"ours": took.ours, "peer": took.pytorch, "ratio": took.pytorch / took.ours, "unit": "ms, forward and gradients"}
    else:
        print("\nthis machine has no GPU that the kernels run on: they were compiled, and were not run on one")
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        line |= {"ours": spilled, "peer": None, "ratio": None, "unit": "bytes spilled at most"}
    print(json.dumps({**line, "peak_mb": peak_mb}))


if __name__ == "__main__":
    main()
