"""The Llama family of causal decoders (Touvron et al. 2023, arXiv 2302.13971).

With rotary positions it is Transformers' Llama; with any others a model of ours (kernels/models/formats/own.py).
"""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from kernels.models.formats.state_tables import Entry, Table
from kernels.specs.architectures import Architecture, AttentionCounts, Counts, OwnModule
from kernels.specs.config import Config, fault_of_key


class StackConfig(Config):
    """Shape of a decoder: pre-normalised, SwiGLU, grouped-query attention."""

    hidden_size: int = Field(gt=0)
    """Width of the residual stream."""
    num_layers: int = Field(gt=0)
    """Blocks."""
    num_heads: int = Field(gt=0)
    """Query heads; divides the width."""
    num_kv_heads: int = Field(gt=0)
    """Key and value heads (Ainslie et al. 2023, arXiv 2305.13245); divides ``num_heads``."""
    intermediate_size: int = Field(gt=0)
    """Width inside the feed-forward blocks."""
    max_position_embeddings: int = Field(gt=0)
    """Longest sequence that generation may reach."""
    tie_embeddings: bool
    """Whether input and output embeddings are one matrix (Press and Wolf 2017, arXiv 1608.05859)."""
    positions: Literal["rope", "alibi", "t5", "learned", "sinusoidal"] = "rope"
    """How tokens know where they stand: rotary (Su et al. 2021, arXiv 2104.09864), ALiBi (Press et al. 2022, arXiv 2108.12409), T5's learned bias
    (Raffel et al. 2020, arXiv 1910.10683), a learned vector a position, or sinusoids (Vaswani et al. 2017, arXiv 1706.03762)."""
    rope_theta: float = Field(default=10_000.0, gt=0)
    """Base of the rotary frequencies."""

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        if self.hidden_size % self.num_heads:
            raise fault_of_key("num_heads", f"{self.num_heads} heads do not divide hidden_size {self.hidden_size}; take {divisors(self.hidden_size)}")
        if self.num_heads % self.num_kv_heads:
            raise fault_of_key("num_kv_heads", f"{self.num_kv_heads} does not divide num_heads {self.num_heads}; take {divisors(self.num_heads)}")
        width = self.hidden_size // self.num_heads
        if width % 2 and self.positions == "rope":
            raise fault_of_key("num_heads", f"a head is {width} wide, and rotary positions turn pairs; take heads of an even width")
        if self.hidden_size % 2 and self.positions == "sinusoidal":
            raise fault_of_key("hidden_size", f"{self.hidden_size} is odd, and sinusoids come in pairs; take an even number")
        return self


class LlamaConfig(StackConfig):
    """A causal decoder of the Llama family."""

    kind: Literal["llama"]
    """The family."""


def divisors(number: int) -> str:
    """Return some numbers that divide another, in words."""
    found = [candidate for candidate in range(1, min(number, 256) + 1) if number % candidate == 0]
    return f"one of {', '.join(map(str, found))}"


def build(config: LlamaConfig, *, vocab_size: int, eos_token_id: int, pad_token_id: int) -> Any:
    """Return the Transformers configuration of a model with random weights to come."""
    if config.positions != "rope":
        return own_shape(config, "causal", vocab_size=vocab_size, eos_token_id=eos_token_id, pad_token_id=pad_token_id)
    from transformers import LlamaConfig as TransformersLlamaConfig

    return TransformersLlamaConfig(
        vocab_size=vocab_size,
        hidden_size=config.hidden_size,
        num_hidden_layers=config.num_layers,
        num_attention_heads=config.num_heads,
        num_key_value_heads=config.num_kv_heads,
        intermediate_size=config.intermediate_size,
        max_position_embeddings=config.max_position_embeddings,
        tie_word_embeddings=config.tie_embeddings,
        rope_parameters={"rope_type": "default", "rope_theta": config.rope_theta},
        bos_token_id=None,
        eos_token_id=eos_token_id,
        pad_token_id=pad_token_id,
        attention_bias=False,
    )


RMS_EPS = 1e-6
"""Of the norms of Llama 1, and Transformers' default."""


def own_shape(config: StackConfig, attention: Literal["causal", "prefix"], *, vocab_size: int, eos_token_id: int, pad_token_id: int) -> Any:
    """Return the configuration of a decoder that Transformers does not have."""
    from kernels.models.blocks.decoder import DecoderShape
    from kernels.models.formats.own import classes

    stack = DecoderShape(
        vocab_size=vocab_size,
        width=config.hidden_size,
        num_layers=config.num_layers,
        num_heads=config.num_heads,
        num_kv_heads=config.num_kv_heads,
        head_width=config.hidden_size // config.num_heads,
        inner_width=config.intermediate_size,
        max_positions=config.max_position_embeddings,
        tied=config.tie_embeddings,
        positions=config.positions,
        theta=config.rope_theta,
        eps=RMS_EPS,
        attention=attention,
    )
    return classes()[0](stack=stack._asdict(), eos_token_id=eos_token_id, pad_token_id=pad_token_id, bos_token_id=None)


def max_positions(config: StackConfig) -> int:
    """Return how many tokens the model may read."""
    return config.max_position_embeddings


def stack_of(shape: Any) -> Any:
    """Return the sizes of a Llama of Transformers, or of a decoder that it does not have; None for what is neither, or has a part that ours lacks."""
    from kernels.models.blocks.decoder import DecoderShape
    from kernels.models.formats.own import MODEL_TYPE

    if shape.model_type == MODEL_TYPE:
        return DecoderShape(**shape.stack)
    if shape.model_type != "llama" or shape.rope_parameters["rope_type"] != "default":
        return None
    if shape.hidden_act != "silu" or shape.attention_bias or shape.mlp_bias or shape.attention_dropout:
        return None
    return DecoderShape(
        vocab_size=shape.vocab_size,
        width=shape.hidden_size,
        num_layers=shape.num_hidden_layers,
        num_heads=shape.num_attention_heads,
        num_kv_heads=shape.num_key_value_heads,
        head_width=shape.head_dim or shape.hidden_size // shape.num_attention_heads,
        inner_width=shape.intermediate_size,
        max_positions=shape.max_position_embeddings,
        tied=shape.tie_word_embeddings,
        positions="rope",
        theta=shape.rope_parameters["rope_theta"],
        eps=shape.rms_norm_eps,
        attention="causal",
    )


def fast(stack: Any) -> Any:
    """Return our module: with a table where it is a Llama of Transformers, else it is what a model of ours holds."""
    from kernels.models.blocks.decoder import Decoder
    from kernels.models.formats.fast import Fast

    if (stack.positions, stack.attention) == ("rope", "causal"):
        return Fast(Decoder(stack), table(stack), "causal")
    return Fast(Decoder(stack), None, stack.attention, splits(stack))


def splits(stack: Any) -> dict[str, tuple[int, ...]]:
    """Return the rows of the matrices that stand one behind the other in one parameter, by a pattern of its name."""
    key_heads = stack.num_kv_heads * stack.head_width
    return {"*.qkv.weight": (stack.num_heads * stack.head_width, key_heads, key_heads), "*.gate_up.weight": (stack.inner_width, stack.inner_width)}


def table(stack: Any) -> Table:
    """Return how the parameters of a stack are called in Transformers' Llama."""
    stacked = splits(stack)
    layer, attention, feed_forward = "model.layers.{}.", "model.layers.{}.self_attn.", "model.layers.{}.mlp."
    entries = [
        Entry("embedding", ("model.embed_tokens.weight",)),
        Entry("blocks.{}.attention_norm.weight", (f"{layer}input_layernorm.weight",)),
        Entry(
            "blocks.{}.qkv.weight",
            (f"{attention}q_proj.weight", f"{attention}k_proj.weight", f"{attention}v_proj.weight"),
            stacked["*.qkv.weight"],
        ),
        Entry("blocks.{}.out.weight", (f"{attention}o_proj.weight",)),
        Entry("blocks.{}.feed_forward_norm.weight", (f"{layer}post_attention_layernorm.weight",)),
        Entry("blocks.{}.gate_up.weight", (f"{feed_forward}gate_proj.weight", f"{feed_forward}up_proj.weight"), stacked["*.gate_up.weight"]),
        Entry("blocks.{}.down.weight", (f"{feed_forward}down_proj.weight",)),
        Entry("norm.weight", ("model.norm.weight",)),
    ]
    if not stack.tied:
        entries.append(Entry("output_embedding", ("lm_head.weight",)))
    return Table(entries, stack.num_layers)


T5_BUCKETS = 32
"""Of T5's bias, one number a head each (kernels/models/blocks/decoder.py)."""


def counts(stack: Any) -> Counts:
    """Return what a decoder of some sizes holds and does.

    Where a prefix is read in both directions, attention is computed as if all of a text were prefix.
    """
    width, inner = stack.width, stack.inner_width
    query_width, kv_width = stack.num_heads * stack.head_width, stack.num_kv_heads * stack.head_width
    block = 2 * width * query_width + 2 * width * kv_width + 3 * width * inner
    embedding = stack.vocab_size * width
    num_matmul = stack.num_layers * block + embedding
    norms = (2 * stack.num_layers + 1) * width
    positions = {"learned": stack.max_positions * width, "t5": T5_BUCKETS * stack.num_heads}.get(stack.positions, 0)
    is_causal, has_bias = stack.attention == "causal", stack.positions == "t5"
    return Counts(
        num_parameters=num_matmul + norms + positions + (0 if stack.tied else embedding),
        num_matmul_parameters=num_matmul,
        attention=(AttentionCounts(stack.num_layers, stack.num_heads, stack.head_width, is_causal=is_causal, has_learned_bias=has_bias),),
        num_blocks=stack.num_layers,
        hidden_size=width,
        # what the norms give, q twice, what attention gives twice; k twice, and v in one piece with q and k; what goes into the last product
        num_block_activations=2 * width + 4 * query_width + 3 * kv_width + inner,
        # each norm's input, root and output; gate, up and the SiLU of the gate
        num_block_activations_float32=4 * width + 2 + 3 * inner,
        num_product_outputs=2 * width + query_width + 2 * kv_width + 2 * inner,
        vocab_size=stack.vocab_size,
    )


OWN = OwnModule(stack_of=stack_of, fast=fast, counts=counts)
SPEC = Architecture(name="llama", version=2, config=LlamaConfig, build=build, own=OWN, max_positions=max_positions)
