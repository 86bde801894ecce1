"""Tiles, loads and scores that every kernel of attention shares. Shape letters: T queries, S keys, K width of a head.

Scores are of base two: queries times keys times ``scale`` / ln 2, since a GPU knows 2^x and not e^x.
"""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false
# (a kernel is no Python: what stands in it as a number is a tensor where it is compiled)
from typing import Any

import triton
import triton.language as tl


@triton.jit
def loaded(
    rows: tl.tensor, stride: tl.tensor, first: tl.tensor, end: tl.tensor, tile: tl.constexpr, width: tl.constexpr, padded: tl.constexpr
) -> Any:
    """Return a tile [tile, padded] of rows that lie ``stride`` values apart, from the first on; 0 from ``end`` on and beyond the width."""
    index = tl.arange(0, tile)
    columns = tl.arange(0, padded)
    places = rows + stride.to(tl.int64) * first + index[:, None] * stride + columns[None, :]
    inside = (first + index < end)[:, None]
    if width != padded:
        inside = inside & (columns < width)[None, :]
    return tl.load(places, mask=inside, other=0.0)


@triton.jit
def stored(
    rows: tl.tensor,
    values: tl.tensor,
    stride: tl.tensor,
    first: tl.tensor,
    end: tl.tensor,
    tile: tl.constexpr,
    width: tl.constexpr,
    padded: tl.constexpr,
) -> None:
    """Write a tile where `loaded` would find it."""
    index = tl.arange(0, tile)
    columns = tl.arange(0, padded)
    places = rows + stride.to(tl.int64) * first + index[:, None] * stride + columns[None, :]
    inside = (first + index < end)[:, None] & (columns < width)[None, :]
    tl.store(places, values.to(rows.dtype.element_ty), mask=inside)


@triton.jit
def scored(
    products: tl.tensor,
    positions: tl.tensor,
    keys: tl.tensor,
    num_keys: tl.tensor,
    scale: tl.tensor,
    slope: tl.tensor,
    window: tl.tensor,
    partial: tl.tensor,
    causal: tl.constexpr,
    windowed: tl.constexpr,
    biased: tl.constexpr,
) -> Any:
    """Return scores of products of queries and keys, -inf where a query does not see a key.

    Args:
        products: of queries and keys, in either order.
        positions: of queries, among the keys of their sequence; with ``keys`` it spans the products.
        keys: their positions.
        num_keys: of the sequence.
        scale: of products, for base two.
        slope: of ALiBi, for base two, by which a score falls with each token that a key stands before its query.
        window: a query sees keys that are fewer tokens away, on each side.
        partial: whether some query of the tile may not see some key.
        causal: whether no query sees a key behind it.
        windowed: whether there is a window.
        biased: whether there is a slope.
    """
    scores = products * scale
    if biased:
        scores -= slope * tl.maximum(positions - keys, 0)
    if partial:
        seen = keys < num_keys
        if causal:
            seen = seen & (keys <= positions)
        if windowed:
            seen = seen & (positions - keys < window)
            if not causal:
                seen = seen & (keys - positions < window)
        scores = tl.where(seen, scores, float("-inf"))
    return scores


@triton.jit
def reach(
    first: tl.tensor, end: tl.tensor, num_keys: tl.tensor, window: tl.tensor, k_tile: tl.constexpr, causal: tl.constexpr, windowed: tl.constexpr
) -> Any:
    """Return where the keys begin that queries at positions ``first`` to ``end`` see, where tiles that all see begin and end, and the keys' end."""
    begin, whole = 0, 0
    stop, partial = num_keys, num_keys
    if causal:
        stop, partial = tl.minimum(num_keys, end), tl.minimum(num_keys, first + 1)
    if windowed:
        begin = tl.maximum(first - window + 1, 0) // k_tile * k_tile
        whole = tl.maximum(end - window, 0)
        if not causal:
            stop, partial = tl.minimum(num_keys, end + window - 1), tl.minimum(num_keys, first + window)
    whole = tl.minimum(tl.cdiv(whole, k_tile), tl.cdiv(stop, k_tile)) * k_tile
    return begin, whole, tl.maximum(whole, partial // k_tile * k_tile), stop


@triton.jit
def reached_by(
    first: tl.tensor, end: tl.tensor, num_queries: tl.tensor, window: tl.tensor, q_tile: tl.constexpr, causal: tl.constexpr, windowed: tl.constexpr
) -> Any:
    """Return where queries begin that see keys from ``first`` to ``end``, where tiles that see all of them begin and end, and the end.

    Keys are told by the query that stands at them; it may be none, before the first.
    """
    begin, whole, stop = 0, 0, num_queries
    partial = tl.cdiv(num_queries, q_tile) * q_tile
    if causal:
        begin, whole = tl.maximum(first, 0), tl.maximum(end - 1, 0)
    if windowed:
        stop = tl.minimum(num_queries, end + window - 1)
        if first + window < num_queries:
            partial = tl.maximum(first + window, 0) // q_tile * q_tile
        if not causal:
            begin, whole = tl.maximum(first - window + 1, 0), tl.maximum(end - window, 0)
    begin = begin // q_tile * q_tile
    whole = tl.minimum(tl.cdiv(whole, q_tile), tl.cdiv(tl.maximum(stop, 0), q_tile)) * q_tile
    return begin, whole, tl.maximum(whole, partial), stop
