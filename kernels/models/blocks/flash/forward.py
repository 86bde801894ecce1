"""The forward kernel of FlashAttention-2 (Dao 2023, arXiv 2307.08691, algorithm 1): a tile of queries meets tiles of keys one after the other.

What was seen so far is kept with the largest score and the sum of powers, and divided once at the end. Tiles of keys that all queries of the tile
see are read without a mask. Shape letters: T queries, S keys, K width of a head.
"""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false
# (a kernel is no Python: what stands in it as a number is a tensor where it is compiled)
import triton
import triton.language as tl

from kernels.models.blocks.flash.tiles import loaded, reach, scored, stored


@triton.jit
def attend(
    q: tl.tensor,
    k: tl.tensor,
    v: tl.tensor,
    seen: tl.tensor,
    sums: tl.tensor,
    q_starts: tl.tensor,
    k_starts: tl.tensor,
    slopes: tl.tensor,
    q_stride: tl.tensor,
    k_stride: tl.tensor,
    v_stride: tl.tensor,
    num_rows: tl.tensor,
    scale: tl.tensor,
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
    """Write what a tile of queries of one head of one sequence sees, and the logarithm of its sums of powers, of base two.

    A program is of (tile, head, sequence); the last tiles, which see most where attention is causal, start first. See `launching` for the arguments.
    """
    head, sequence = tl.program_id(1), tl.program_id(2)
    q_start, k_start = tl.load(q_starts + sequence), tl.load(k_starts + sequence)
    num_queries, num_keys = tl.load(q_starts + sequence + 1) - q_start, tl.load(k_starts + sequence + 1) - k_start
    first = (tl.num_programs(0) - 1 - tl.program_id(0)) * q_tile
    if first >= num_queries:
        return
    q += q_start.to(tl.int64) * q_stride + head * width
    k += k_start.to(tl.int64) * k_stride + head // repeats * width
    v += k_start.to(tl.int64) * v_stride + head // repeats * width
    queries = loaded(q, q_stride, first, num_queries, q_tile, width, padded)
    slope = tl.load(slopes + head) if biased else 0.0
    shift = num_keys - num_queries
    positions = shift + first + tl.arange(0, q_tile)
    begin, whole, partial, end = reach(shift + first, tl.minimum(first + q_tile, num_queries) + shift, num_keys, window, k_tile, causal, windowed)
    kept = tl.zeros([q_tile, padded], tl.float32)
    largest = tl.full([q_tile], float("-inf"), tl.float32)
    total = tl.zeros([q_tile], tl.float32)
    for start in range(begin, end, k_tile):
        their = loaded(k, k_stride, start, num_keys, k_tile, width, padded)
        products = tl.dot(queries, tl.trans(their), input_precision=precision)
        keys = (start + tl.arange(0, k_tile))[None, :]
        is_partial = (start < whole) | (start >= partial)
        scores = scored(products, positions[:, None], keys, num_keys, scale, slope, window, is_partial, causal, windowed, biased)
        top = tl.maximum(largest, tl.max(scores, 1))
        base = tl.where(top == float("-inf"), 0.0, top)  # -inf less -inf is no number
        powers = tl.exp2(scores - base[:, None])
        shrink = tl.exp2(largest - base)
        total = total * shrink + tl.sum(powers, 1)
        values = loaded(v, v_stride, start, num_keys, k_tile, width, padded)
        kept = tl.dot(powers.to(values.dtype), values, kept * shrink[:, None], input_precision=precision)
        largest = top
    total = tl.where(total == 0, 1.0, total)  # of rows behind the last query: they may see no key
    stride = tl.num_programs(1) * width
    stored(seen + q_start.to(tl.int64) * stride + head * width, kept / total[:, None], stride, first, num_queries, q_tile, width, padded)
    rows = first + tl.arange(0, q_tile)
    tl.store(sums + head.to(tl.int64) * num_rows + q_start + rows, largest + tl.log2(total), mask=rows < num_queries)
