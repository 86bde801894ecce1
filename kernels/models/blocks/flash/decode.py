"""Attention of one query of each sequence at keys in pages (Kwon et al. 2023, arXiv 2309.06180), split over keys.

As in Flash-Decoding (Dao et al. 2023, crfm.stanford.edu/2023/10/12/flashdecoding.html) each part of a sequence's keys has a program of its own, so
that few sequences keep a whole GPU busy; a second kernel weighs what the parts saw by their sums of powers. Parts have one length whatever passes
beside them: what a sequence sees is the same bits in any company.
"""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false
# (a kernel is no Python: what stands in it as a number is a tensor where it is compiled)
import triton
import triton.language as tl

from kernels.models.blocks.flash.tiles import scored


@triton.jit
def attend_parts(
    q: tl.tensor,
    k: tl.tensor,
    v: tl.tensor,
    parts: tl.tensor,
    sums: tl.tensor,
    tables: tl.tensor,
    lengths: tl.tensor,
    slopes: tl.tensor,
    num_pages: tl.tensor,
    scale: tl.tensor,
    window: tl.tensor,
    repeats: tl.constexpr,
    width: tl.constexpr,
    padded: tl.constexpr,
    q_tile: tl.constexpr,
    k_tile: tl.constexpr,
    page: tl.constexpr,
    part_size: tl.constexpr,
    windowed: tl.constexpr,
    biased: tl.constexpr,
    precision: tl.constexpr,
) -> None:
    """Write what the query heads of a key head see in a part of a sequence's keys; a program is of (sequence, key head, part)."""
    sequence, group, part = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    num_groups, num_parts = tl.num_programs(1), tl.num_programs(2)
    length = tl.load(lengths + sequence)
    seen_from = tl.maximum(length - window, 0) if windowed else 0
    begin = (part + seen_from // part_size) * part_size
    heads = tl.arange(0, q_tile)
    columns = tl.arange(0, padded)
    inside = (heads < repeats)[:, None] & (columns < width)[None, :]
    row = (sequence * num_groups + group).to(tl.int64) * repeats + heads
    if begin >= length:
        tl.store(sums + row * num_parts + part, float("-inf"), mask=heads < repeats)
        return
    queries = tl.load(q + row[:, None] * width + columns[None, :], mask=inside, other=0.0)
    slope = tl.load(slopes + group * repeats + heads, mask=heads < repeats, other=0.0)[:, None] if biased else 0.0
    kept = tl.zeros([q_tile, padded], tl.float32)
    largest = tl.full([q_tile], float("-inf"), tl.float32)
    total = tl.zeros([q_tile], tl.float32)
    for first in range(
        tl.maximum(begin, seen_from // k_tile * k_tile), tl.minimum(begin + part_size, length), k_tile
    ):  # some key of each tile is seen
        keys = first + tl.arange(0, k_tile)
        pages = tl.load(tables + sequence.to(tl.int64) * num_pages + keys // page, mask=keys < length, other=0)
        places = ((pages.to(tl.int64) * page + keys % page) * num_groups + group) * width
        exists = (keys < length)[:, None] & (columns < width)[None, :]
        their = tl.load(k + places[:, None] + columns[None, :], mask=exists, other=0.0)
        products = tl.dot(queries, tl.trans(their).to(queries.dtype), input_precision=precision)
        scores = scored(products, length - 1, keys[None, :], length, scale, slope, window, True, False, windowed, biased)
        top = tl.maximum(largest, tl.max(scores, 1))
        powers = tl.exp2(scores - top[:, None])
        shrink = tl.exp2(largest - top)
        total = total * shrink + tl.sum(powers, 1)
        values = tl.load(v + places[:, None] + columns[None, :], mask=exists, other=0.0).to(queries.dtype)
        kept = tl.dot(powers.to(queries.dtype), values, kept * shrink[:, None], input_precision=precision)
        largest = top
    tl.store(parts + (row * num_parts + part)[:, None] * width + columns[None, :], kept / total[:, None], mask=inside)
    tl.store(sums + row * num_parts + part, largest + tl.log2(total), mask=heads < repeats)


@triton.jit
def merge(
    parts: tl.tensor,
    sums: tl.tensor,
    seen: tl.tensor,
    num_parts: tl.tensor,
    width: tl.constexpr,
    padded: tl.constexpr,
    tile: tl.constexpr,
) -> None:
    """Write what a head of a sequence sees, of what it saw in parts; a program is of (sequence x head)."""
    row = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, padded)
    kept = tl.zeros([padded], tl.float32)
    largest, total = float("-inf"), 0.0
    for first in range(0, num_parts, tile):
        index = first + tl.arange(0, tile)
        log_sums = tl.load(sums + row * num_parts + index, mask=index < num_parts, other=float("-inf"))
        exists = (log_sums > float("-inf"))[:, None] & (columns < width)[None, :]
        theirs = tl.load(parts + (row * num_parts + index)[:, None] * width + columns[None, :], mask=exists, other=0.0)
        top = tl.maximum(largest, tl.max(log_sums, 0))  # the first part has keys
        weights = tl.exp2(log_sums - top)
        shrink = tl.exp2(largest - top)
        kept = kept * shrink + tl.sum(weights[:, None] * theirs, 0)
        total = total * shrink + tl.sum(weights, 0)
        largest = top
    tl.store(seen + row * width + columns, (kept / total).to(seen.dtype.element_ty), mask=columns < width)
