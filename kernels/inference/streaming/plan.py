"""Which layers of a model stay in memory and which pass through it, by sizes and a budget, as BMInf has it (Han et al. 2022).

A layer that passes is read while those before it compute. Two buffers do for that: one is computed with while the other fills. Layers that pass stand
as far from each other as they can, so that those that stay compute while the next one comes.
"""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from kernels.models.blocks.decoder import DecoderShape

NUM_BUFFERS = 2


class Most(NamedTuple):
    """How much is kept and passes at most."""

    kept_tokens: int
    """Of all sequences."""
    tokens: int
    """Of a step."""
    sequences: int
    """Under way at once."""


class Sizes(NamedTuple):
    """What a model takes, in bytes."""

    num_layers: int
    layer: int
    """Of weights."""
    outside: int
    """Of what stands before and behind the layers: embedding, last norm, output layer."""
    cache: int
    """Of keys and values."""
    step: int
    """Of what a step computes with."""


class Plan(NamedTuple):
    """What becomes of each layer."""

    passing: tuple[int, ...]
    """Numbers of the layers that are read anew each step; all others stay."""
    num_buffers: int
    size_bytes: int
    """Of all, at most."""


def planned(sizes: Sizes, budget_bytes: int) -> Plan:
    """Return the plan that has as many layers stay as a budget admits.

    Raises:
        ValueError: not even the buffers find room beside what must stay (names what is needed and what is given).
    """
    beside = sizes.outside + sizes.cache + sizes.step
    needed = beside + min(NUM_BUFFERS, sizes.num_layers) * sizes.layer
    if budget_bytes < needed:
        raise ValueError(
            f"memory: {budget_bytes:,} bytes are given and {needed:,} are needed: {sizes.outside:,} for embeddings, {sizes.cache:,} for keys and "
            f"values, {sizes.step:,} for what a step computes with and {sizes.layer:,} for each of {min(NUM_BUFFERS, sizes.num_layers)} layers; give "
            f"as much, or keep fewer tokens"
        )
    num_held = (budget_bytes - beside) // sizes.layer
    if num_held >= sizes.num_layers:
        return Plan((), 0, beside + sizes.num_layers * sizes.layer)
    count = sizes.num_layers - (num_held - NUM_BUFFERS)
    return Plan(tuple(index * sizes.num_layers // count for index in range(count)), NUM_BUFFERS, beside + num_held * sizes.layer)


def cache_bytes(shape: "DecoderShape", kept_tokens: int, item_bytes: int) -> int:
    """Return what keys and values of some tokens take, in numbers of so many bytes."""
    return 2 * shape.num_layers * shape.num_kv_heads * shape.head_width * kept_tokens * item_bytes


def step_bytes(shape: "DecoderShape", most: Most, item_bytes: int) -> int:
    """Return what a step computes with at most, beside weights: what readers/paged_decoder.py holds at once in each part of a block.

    Sequences of which one token passes are filled up to the longest, which may be as long as all that is kept: fewer under way at once take less.

    Args:
        shape: of a stack.
        most: that passes.
        item_bytes: of a number, of the type that is computed in.
    """
    tokens = most.kept_tokens if shape.attention == "prefix" else min(most.tokens, most.kept_tokens)  # a prefix passes whole
    length = min(most.kept_tokens, shape.max_positions)
    inside, keys = shape.num_heads * shape.head_width, shape.num_kv_heads * shape.head_width
    gathered = max(tokens, most.sequences * length)  # keys: a prompt attends alone, sequences that go on together
    normed = tokens * shape.width * (2 * item_bytes + 3 * 4)
    heads = tokens * (inside + 2 * keys) * (2 * item_bytes + 3 * 4)
    scores = max(tokens, most.sequences) * length * (4 * 4 * shape.num_heads + 32)  # products, what is added, sums, weights; distances
    seen = gathered * 2 * (inside + keys) * item_bytes  # keys and values, and again for each query head
    inner = tokens * shape.inner_width * (2 * item_bytes + 4 * 4)
    logits = most.sequences * shape.vocab_size * (item_bytes + 4) + 4 * 8 * shape.vocab_size  # those of one are drawn from in float64
    return normed + max(heads + scores + seen, inner, logits)
