"""The gradients of keys and values; see backward_queries.py."""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false
# (a kernel is no Python: what stands in it as a number is a tensor where it is compiled)
import triton
import triton.language as tl

from kernels.models.blocks.flash.tiles import loaded, reached_by, scored, stored


@triton.jit
def by_keys(
    q: tl.tensor,
    k: tl.tensor,
    v: tl.tensor,
    d_seen: tl.tensor,
    sums: tl.tensor,
    products: tl.tensor,
    d_k: tl.tensor,
    d_v: tl.tensor,
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
    """Write the gradients of a tile of keys and of their values; a program is of (tile, key head, sequence)."""
    group, sequence = tl.program_id(1), tl.program_id(2)
    q_start, k_start = tl.load(q_starts + sequence), tl.load(k_starts + sequence)
    num_queries, num_keys = tl.load(q_starts + sequence + 1) - q_start, tl.load(k_starts + sequence + 1) - k_start
    first = tl.program_id(0) * k_tile
    if first >= num_keys:
        return
    num_groups = tl.num_programs(1)
    d_stride = num_groups * repeats * width
    keys = loaded(k + k_start.to(tl.int64) * k_stride + group * width, k_stride, first, num_keys, k_tile, width, padded)
    values = loaded(v + k_start.to(tl.int64) * v_stride + group * width, v_stride, first, num_keys, k_tile, width, padded)
    shift = num_keys - num_queries
    places = first + tl.arange(0, k_tile)
    begin, whole, partial, end = reached_by(
        first - shift, tl.minimum(first + k_tile, num_keys) - shift, num_queries, window, q_tile, causal, windowed
    )
    total_k = tl.zeros([k_tile, padded], tl.float32)
    total_v = tl.zeros([k_tile, padded], tl.float32)
    for repeat in range(repeats):
        head = group * repeats + repeat
        slope = tl.load(slopes + head) if biased else 0.0
        of_head = q + q_start.to(tl.int64) * q_stride + head * width
        d_of_head = d_seen + q_start.to(tl.int64) * d_stride + head * width
        for start in range(begin, end, q_tile):
            rows = start + tl.arange(0, q_tile)
            queries = loaded(of_head, q_stride, start, num_queries, q_tile, width, padded)
            d_rows = loaded(d_of_head, d_stride, start, num_queries, q_tile, width, padded)
            of_rows = head.to(tl.int64) * num_rows + q_start + rows
            log_sums = tl.load(sums + of_rows, mask=rows < num_queries, other=float("inf"))
            d_sums = tl.load(products + of_rows, mask=rows < num_queries, other=0.0)
            is_partial = (start < whole) | (start >= partial)
            of_tile = tl.dot(keys, tl.trans(queries), input_precision=precision)  # turned: [S, T]
            positions = (shift + rows)[None, :]
            scores = scored(of_tile, positions, places[:, None], num_keys, scale, slope, window, is_partial, causal, windowed, biased)
            powers = tl.exp2(scores - log_sums[None, :])
            total_v = tl.dot(powers.to(d_rows.dtype), d_rows, total_v, input_precision=precision)
            d_scores = powers * (tl.dot(values, tl.trans(d_rows), input_precision=precision) - d_sums[None, :])
            total_k = tl.dot(d_scores.to(queries.dtype), queries, total_k, input_precision=precision)
    stride = num_groups * width
    offset = k_start.to(tl.int64) * stride + group * width
    stored(d_k + offset, total_k * factor, stride, first, num_keys, k_tile, width, padded)
    stored(d_v + offset, total_v, stride, first, num_keys, k_tile, width, padded)
