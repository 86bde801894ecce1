"""ModernBERT, an encoder that predicts masked tokens (Warner et al. 2024, arXiv 2412.13663).

It stands where BERT (Devlin et al. 2019, arXiv 1810.04805) stood. Every third block sees a whole document and the others what is near, so that long
rows cost little; positions are relative, so that packed documents are read as if alone. A checkpoint is Transformers' ``ModernBertForMaskedLM``.
"""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from kernels.models.architectures.multi_head import MultiHeadConfig, max_positions
from kernels.models.formats.state_tables import Entry, Table
from kernels.specs.architectures import Architecture, AttentionCounts, Counts, OwnModule
from kernels.specs.config import fault_of_key


class ModernBertConfig(MultiHeadConfig):
    """An encoder of masked tokens of the ModernBERT family."""

    kind: Literal["modernbert"]
    """The family."""
    global_every: int = Field(default=3, gt=0)
    """Every so many blocks, the first among them, one sees whole documents."""
    local_attention: int = Field(default=128, gt=0, multiple_of=2)
    """Tokens around it that a token of the other blocks sees: half before it, half behind."""
    rope_theta: float = Field(default=160_000.0, gt=0)
    """Base of the rotary frequencies (Su et al. 2021, arXiv 2104.09864) of blocks that see whole documents."""
    local_rope_theta: float = Field(default=10_000.0, gt=0)
    """That of the other blocks."""

    @model_validator(mode="after")
    def _heads_turn(self) -> Self:
        width = self.hidden_size // self.num_heads
        if width % 2:
            raise fault_of_key("num_heads", f"a head is {width} wide, and rotary positions turn pairs; take heads of an even width")
        return self


CLASS = "ModernBertForMaskedLM"
GLOBAL, LOCAL = "full_attention", "sliding_attention"
"""What Transformers calls the kinds of blocks."""


def build(config: ModernBertConfig, *, vocab_size: int, eos_token_id: int, pad_token_id: int) -> Any:
    """Return the Transformers configuration of a model with random weights to come."""
    from transformers import ModernBertConfig as TransformersModernBertConfig

    return TransformersModernBertConfig(
        architectures=[CLASS],
        vocab_size=vocab_size,
        hidden_size=config.hidden_size,
        intermediate_size=config.intermediate_size,
        num_hidden_layers=config.num_layers,
        num_attention_heads=config.num_heads,
        max_position_embeddings=config.max_position_embeddings,
        layer_types=[LOCAL if index % config.global_every else GLOBAL for index in range(config.num_layers)],
        local_attention=config.local_attention,
        rope_parameters={
            GLOBAL: {"rope_type": "default", "rope_theta": config.rope_theta},
            LOCAL: {"rope_type": "default", "rope_theta": config.local_rope_theta},
        },
        tie_word_embeddings=config.tie_embeddings,
        bos_token_id=None,
        cls_token_id=None,
        sep_token_id=None,
        eos_token_id=eos_token_id,
        pad_token_id=pad_token_id,
    )


def stack_of(shape: Any) -> Any:
    """Return the sizes of a ModernBERT of Transformers that predicts tokens; None for what is none, or has a part that our module lacks."""
    if shape.model_type != "modernbert" or CLASS not in (shape.architectures or []):
        return None
    ropes = shape.rope_parameters
    if any(ropes[kind]["rope_type"] != "default" for kind in set(shape.layer_types)) or not shape.decoder_bias:
        return None
    if {shape.hidden_activation, shape.classifier_activation} != {"gelu"} or any(
        (shape.norm_bias, shape.attention_bias, shape.mlp_bias, shape.classifier_bias, *dropouts(shape))
    ):
        return None
    from kernels.models.blocks.encoder import EncoderShape

    return EncoderShape(
        vocab_size=shape.vocab_size,
        width=shape.hidden_size,
        num_heads=shape.num_attention_heads,
        inner_width=shape.intermediate_size,
        is_local=tuple(kind == LOCAL for kind in shape.layer_types),
        window=shape.local_attention // 2,
        theta=ropes[GLOBAL]["rope_theta"],
        local_theta=ropes[LOCAL]["rope_theta"],
        tied=shape.tie_word_embeddings,
        eps=shape.norm_eps,
    )


def fast(stack: Any) -> Any:
    """Return our module of some sizes."""
    from kernels.models.blocks.encoder import Encoder
    from kernels.models.formats.fast import Fast

    splits = {"*.qkv.weight": (stack.width,) * 3, "*.gate_up.weight": (stack.inner_width,) * 2}
    return Fast(Encoder(stack), table(stack), "bidirectional", splits)


def dropouts(shape: Any) -> tuple[float, ...]:
    """Return the shares of values that training drops in the parts that the masked tokens' model has."""
    return shape.attention_dropout, shape.embedding_dropout, shape.mlp_dropout


def table(stack: Any) -> Table:
    """Return how the parameters of a stack are called in Transformers' ModernBERT."""
    layer, num_layers = "model.layers.{}.", len(stack.is_local)
    entries = [
        Entry("embedding", ("model.embeddings.tok_embeddings.weight",)),
        Entry("embedding_norm.weight", ("model.embeddings.norm.weight",)),
        *(Entry(f"blocks.{index}.attention_norm.weight", (f"model.layers.{index}.attn_norm.weight",)) for index in range(1, num_layers)),
        Entry("blocks.{}.qkv.weight", (f"{layer}attn.Wqkv.weight",)),
        Entry("blocks.{}.out.weight", (f"{layer}attn.Wo.weight",)),
        Entry("blocks.{}.feed_forward_norm.weight", (f"{layer}mlp_norm.weight",)),
        Entry("blocks.{}.gate_up.weight", (f"{layer}mlp.Wi.weight",)),
        Entry("blocks.{}.down.weight", (f"{layer}mlp.Wo.weight",)),
        Entry("norm.weight", ("model.final_norm.weight",)),
        Entry("transform.weight", ("head.dense.weight",)),
        Entry("transform_norm.weight", ("head.norm.weight",)),
        Entry("output_bias", ("decoder.bias",)),
    ]
    if not stack.tied:
        entries.append(Entry("output_embedding", ("decoder.weight",)))
    return Table(entries, num_layers)


def counts(stack: Any) -> Counts:
    """Return what a model of some sizes holds and does."""
    width, inner, num_layers, num_local = stack.width, stack.inner_width, len(stack.is_local), sum(stack.is_local)
    embedding, head_width = stack.vocab_size * width, width // stack.num_heads
    num_matmul = num_layers * (4 * width * width + 3 * width * inner) + width * width + embedding
    norms = (2 * num_layers + 2) * width  # the first block has one, and beside the blocks there are three
    attention = (
        AttentionCounts(num_layers - num_local, stack.num_heads, head_width, is_causal=False),
        AttentionCounts(num_local, stack.num_heads, head_width, is_causal=False, window=stack.window),
    )
    return Counts(
        num_parameters=num_matmul + norms + stack.vocab_size + (0 if stack.tied else embedding),
        num_matmul_parameters=num_matmul,
        attention=tuple(layers for layers in attention if layers.num_layers),
        num_blocks=num_layers,
        hidden_size=width,
        # what the norms give, q, k, what attention gives twice, q, k and v in one piece; what goes into the last product. A local block, taken to be
        # cut into chunks, has keys and values three times instead
        num_block_activations=9 * width + inner + 2 * width * num_local / num_layers,
        # each norm's input, mean and deviation; gate, up and the GELU of the gate
        num_block_activations_float32=2 * width + 4 + 3 * inner,
        num_product_outputs=5 * width + 2 * inner,
        vocab_size=stack.vocab_size,
    )


SPEC = Architecture(
    name="modernbert",
    version=1,
    config=ModernBertConfig,
    build=build,
    attentions=frozenset({"bidirectional"}),
    own=OwnModule(stack_of=stack_of, fast=fast, counts=counts),
    max_positions=max_positions,
)
