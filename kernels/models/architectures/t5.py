"""T5: an encoder reads a text, and a decoder writes what belongs in its gaps or behind it (Raffel et al. 2020, arXiv 1910.10683).

A checkpoint is Transformers' ``T5ForConditionalGeneration``. What is built is version 1.1 (gated GELU, nothing dropped); with one matrix for input
and output embeddings, what the decoder predicts from is scaled by the root of the width, as in version 1.0.
"""

from typing import Any, Literal, cast

from kernels.models.architectures.multi_head import MultiHeadConfig, max_positions
from kernels.models.formats.state_tables import Entry, Table
from kernels.specs.architectures import Architecture, AttentionCounts, Counts, DecoderCounts, OwnModule


class T5Config(MultiHeadConfig):
    """An encoder and a decoder of the T5 family, each of ``num_layers`` blocks."""

    kind: Literal["t5"]
    """The family."""


CLASS = "T5ForConditionalGeneration"
BUCKETS, DISTANCE = 32, 128
"""Buckets of distances, and the farthest that has one of its own (Raffel et al. 2020, section 2.1)."""


def build(config: T5Config, *, vocab_size: int, eos_token_id: int, pad_token_id: int) -> Any:
    """Return the Transformers configuration of a model with random weights to come."""
    from transformers import T5Config as TransformersT5Config

    return cast(Any, TransformersT5Config)(
        architectures=[CLASS],
        vocab_size=vocab_size,
        d_model=config.hidden_size,
        d_kv=config.hidden_size // config.num_heads,
        d_ff=config.intermediate_size,
        num_layers=config.num_layers,
        num_heads=config.num_heads,
        relative_attention_num_buckets=BUCKETS,
        relative_attention_max_distance=DISTANCE,
        max_position_embeddings=config.max_position_embeddings,
        feed_forward_proj="gated-gelu",
        dropout_rate=0.0,
        tie_word_embeddings=config.tie_embeddings,
        decoder_start_token_id=pad_token_id,
        bos_token_id=None,
        eos_token_id=eos_token_id,
        pad_token_id=pad_token_id,
    )


def stack_of(shape: Any) -> Any:
    """Return the sizes of a T5 of Transformers; None for what is none, or has a part that our module lacks."""
    if shape.model_type != "t5" or CLASS not in (shape.architectures or []):
        return None
    if shape.feed_forward_proj not in ("gated-gelu", "relu") or shape.dropout_rate:
        return None
    from kernels.models.blocks.encoder_decoder import StacksShape

    return StacksShape(
        vocab_size=shape.vocab_size,
        width=shape.d_model,
        num_encoder_layers=shape.num_layers,
        num_decoder_layers=shape.num_decoder_layers,
        num_heads=shape.num_heads,
        head_width=shape.d_kv,
        inner_width=shape.d_ff,
        num_buckets=shape.relative_attention_num_buckets,
        max_distance=shape.relative_attention_max_distance,
        gated=shape.feed_forward_proj == "gated-gelu",
        tied=shape.scale_decoder_outputs,  # Transformers sets tie_word_embeddings whatever the checkpoint says, and keeps here what it said
        eps=shape.layer_norm_epsilon,
    )


def fast(stacks: Any) -> Any:
    """Return our module of some sizes."""
    from kernels.models.blocks.encoder_decoder import EncoderDecoder
    from kernels.models.formats.fast import Fast

    return Fast(EncoderDecoder(stacks), table(stacks), "encoder_decoder")


def table(stacks: Any) -> Table:
    """Return how the parameters of both stacks are called in Transformers' T5."""
    own = "{}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
    entries = [
        Entry("embedding", ("shared.weight",)),
        Entry("encoder_relative_embedding.weight", (own.format("encoder"),)),
        Entry("decoder_relative_embedding.weight", (own.format("decoder"),)),
        Entry("encoder_norm.weight", ("encoder.final_layer_norm.weight",)),
        Entry("decoder_norm.weight", ("decoder.final_layer_norm.weight",)),
    ]
    for index in range(stacks.num_encoder_layers):
        ours, theirs = f"blocks.{index}.", f"encoder.block.{index}.layer"
        entries += [*_self_attention(ours, f"{theirs}.0.", stacks), *_feed_forward(ours, f"{theirs}.1.", stacks)]
    for index in range(stacks.num_decoder_layers):
        ours, theirs = f"blocks.{stacks.num_encoder_layers + index}.", f"decoder.block.{index}.layer"
        entries += [*_self_attention(ours, f"{theirs}.0.", stacks), *_cross_attention(ours, f"{theirs}.1.", stacks)]
        entries += _feed_forward(ours, f"{theirs}.2.", stacks)
    if not stacks.tied:
        entries.append(Entry("output_embedding", ("lm_head.weight",)))
    return Table(entries, stacks.num_encoder_layers + stacks.num_decoder_layers)


def _self_attention(ours: str, theirs: str, stacks: Any) -> list[Entry]:
    rows = (stacks.num_heads * stacks.head_width,) * 3
    return [
        Entry(f"{ours}attention.norm.weight", (f"{theirs}layer_norm.weight",)),
        Entry(f"{ours}attention.qkv.weight", tuple(f"{theirs}SelfAttention.{part}.weight" for part in "qkv"), rows),
        Entry(f"{ours}attention.out.weight", (f"{theirs}SelfAttention.o.weight",)),
    ]


def _cross_attention(ours: str, theirs: str, stacks: Any) -> list[Entry]:
    rows = (stacks.num_heads * stacks.head_width,) * 2
    return [
        Entry(f"{ours}cross_attention.norm.weight", (f"{theirs}layer_norm.weight",)),
        Entry(f"{ours}cross_attention.query.weight", (f"{theirs}EncDecAttention.q.weight",)),
        Entry(f"{ours}cross_attention.key_value.weight", tuple(f"{theirs}EncDecAttention.{part}.weight" for part in "kv"), rows),
        Entry(f"{ours}cross_attention.out.weight", (f"{theirs}EncDecAttention.o.weight",)),
    ]


def _feed_forward(ours: str, theirs: str, stacks: Any) -> list[Entry]:
    inner = f"{theirs}DenseReluDense."
    up = (
        Entry(f"{ours}feed_forward.up.weight", (f"{inner}wi_0.weight", f"{inner}wi_1.weight"), (stacks.inner_width, stacks.inner_width))
        if stacks.gated
        else Entry(f"{ours}feed_forward.up.weight", (f"{inner}wi.weight",))
    )
    return [
        Entry(f"{ours}feed_forward.norm.weight", (f"{theirs}layer_norm.weight",)),
        up,
        Entry(f"{ours}feed_forward.down.weight", (f"{inner}wo.weight",)),
    ]


def counts(stacks: Any) -> Counts:
    """Return what a model of some sizes holds and does.

    Keys and values that the decoder asks for are products with what the encoder gives, and so with each of its positions.
    """
    width, inside, inner, heads = stacks.width, stacks.num_heads * stacks.head_width, stacks.inner_width, stacks.num_heads
    num_encoder, num_decoder = stacks.num_encoder_layers, stacks.num_decoder_layers
    parts = 2 + stacks.gated
    attention, feed_forward, embedding = 4 * width * inside, parts * width * inner, stacks.vocab_size * width
    of_decoder = num_decoder * (attention + attention // 2 + feed_forward) + embedding
    num_matmul = num_encoder * (attention + feed_forward) + num_decoder * (attention // 2) + of_decoder
    norms = (2 * num_encoder + 3 * num_decoder + 2) * width
    return Counts(
        num_parameters=num_matmul + norms + 2 * stacks.num_buckets * heads + (0 if stacks.tied else embedding),
        num_matmul_parameters=num_matmul,
        attention=(
            AttentionCounts(num_encoder, heads, stacks.head_width, is_causal=False, has_learned_bias=True),
            AttentionCounts(num_decoder, heads, stacks.head_width, is_causal=True, asks="decoder", sees="decoder", has_learned_bias=True),
            AttentionCounts(num_decoder, heads, stacks.head_width, is_causal=False, asks="decoder"),
        ),
        num_blocks=num_encoder,
        hidden_size=width,
        # what the norms give, q, k and v in one piece, what attention gives twice; what goes into the last product
        num_block_activations=2 * width + 5 * inside + inner,
        # each norm's input, root and output; gate, up and the GELU of the gate
        num_block_activations_float32=4 * width + 2 + 3 * inner * stacks.gated,
        num_product_outputs=2 * width + 3 * inside + (parts - 1) * inner,
        vocab_size=stacks.vocab_size,
        decoder=DecoderCounts(
            num_matmul_parameters=of_decoder,
            num_blocks=num_decoder,
            num_block_activations=3 * width + 8 * inside + inner,
            num_block_activations_float32=6 * width + 3 + 3 * inner * stacks.gated,
            num_read_activations=2 * inside,
            num_product_outputs=3 * width + 4 * inside + (parts - 1) * inner,
        ),
    )


SPEC = Architecture(
    name="t5",
    version=2,
    config=T5Config,
    build=build,
    attentions=frozenset({"encoder_decoder"}),
    own=OwnModule(stack_of=stack_of, fast=fast, counts=counts),
    max_positions=max_positions,
)
