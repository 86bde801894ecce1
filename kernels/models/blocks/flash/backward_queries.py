"""The gradient of queries, of FlashAttention-2 (Dao 2023, arXiv 2307.08691, algorithm 2): powers are computed anew from the sums that were kept.

Gradients of queries are summed by programs of queries, and those of keys and values by programs of keys, for all query heads of a key head: each
sum has one order, so that gradients are the same bits each time, for two products of five that are made twice. Letters: see forward.py.
"""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false
# (a kernel is no Python: what stands in it as a number is a tensor where it is compiled)
import triton
import triton.language as tl

from kernels.models.blocks.flash.tiles import loaded, reach, scored, stored


@triton.jit
def multiply(
    seen: tl.tensor, d_seen: tl.tensor, products: tl.tensor, num_rows: tl.tensor, tile: tl.constexpr, width: tl.constexpr, padded: tl.constexpr
) -> None:
    """Write the products of what a tile of queries saw and its gradient, [heads, T] float32; a program is of (tile, head) in all sequences."""
    head, first = tl.program_id(1), tl.program_id(0) * tile
    stride = tl.num_programs(1) * width
    ours = loaded(seen + head * width, stride, first, num_rows, tile, width, padded).to(tl.float32)
    theirs = loaded(d_seen + head * width, stride, first, num_rows, tile, width, padded).to(tl.float32)
    rows = first + tl.arange(0, tile)
    tl.store(products + head.to(tl.int64) * num_rows + rows, tl.sum(ours * theirs, 1), mask=rows < num_rows)


@triton.jit
def by_queries(
    q: tl.tensor,
    k: tl.tensor,
    v: tl.tensor,
    d_seen: tl.tensor,
    sums: tl.tensor,
    products: tl.tensor,
    d_q: tl.tensor,
    q_starts: tl.tensor,
    k_starts: tl.tensor,
    slopes: tl.tensor,
    q_stride: tl.tensor,
    k_stride: tl.tensor,
    v_stride: tl.tensor,
    num_rows: tl.tensor,
    scale: tl.tensor,
    factor: tl.tensor,
    window: tl.tensor,
    repeats: tl.constexpr,
    width: tl.constexpr,
    padded: tl.constexpr,
    q_tile: tl.constexpr,
    k_tile: tl.constexpr,
    causal: tl.constexpr,
    windowed: tl.constexpr,
    biased: tl.constexpr,
    precision: tl.constexpr,
) -> None:
    """Write the gradient of a tile of queries; a program is of (tile, head, sequence)."""
    head, sequence = tl.program_id(1), tl.program_id(2)
    q_start, k_start = tl.load(q_starts + sequence), tl.load(k_starts + sequence)
    num_queries, num_keys = tl.load(q_starts + sequence + 1) - q_start, tl.load(k_starts + sequence + 1) - k_start
    first = (tl.num_programs(0) - 1 - tl.program_id(0)) * q_tile
    if first >= num_queries:
        return
    stride = tl.num_programs(1) * width
    k += k_start.to(tl.int64) * k_stride + head // repeats * width
    v += k_start.to(tl.int64) * v_stride + head // repeats * width
    queries = loaded(q + q_start.to(tl.int64) * q_stride + head * width, q_stride, first, num_queries, q_tile, width, padded)
    d_rows = loaded(d_seen + q_start.to(tl.int64) * stride + head * width, stride, first, num_queries, q_tile, width, padded)
    rows = first + tl.arange(0, q_tile)
    places = head.to(tl.int64) * num_rows + q_start + rows
    log_sums = tl.load(sums + places, mask=rows < num_queries, other=float("inf"))
    of_rows = tl.load(products + places, mask=rows < num_queries, other=0.0)
    slope = tl.load(slopes + head) if biased else 0.0
    shift = num_keys - num_queries
    positions = shift + rows
    begin, whole, partial, end = reach(shift + first, tl.minimum(first + q_tile, num_queries) + shift, num_keys, window, k_tile, causal, windowed)
    total = tl.zeros([q_tile, padded], tl.float32)
    for start in range(begin, end, k_tile):
        their = loaded(k, k_stride, start, num_keys, k_tile, width, padded)
        values = loaded(v, v_stride, start, num_keys, k_tile, width, padded)
        keys = (start + tl.arange(0, k_tile))[None, :]
        is_partial = (start < whole) | (start >= partial)
        of_tile = tl.dot(queries, tl.trans(their), input_precision=precision)
        scores = scored(of_tile, positions[:, None], keys, num_keys, scale, slope, window, is_partial, causal, windowed, biased)
        powers = tl.exp2(scores - log_sums[:, None])
        d_scores = powers * (tl.dot(d_rows, tl.trans(values), input_precision=precision) - of_rows[:, None])
        total = tl.dot(d_scores.to(their.dtype), their, total, input_precision=precision)
    stored(d_q + q_start.to(tl.int64) * stride + head * width, total * factor, stride, first, num_queries, q_tile, width, padded)
