"""Mamba-2 (Dao and Gu 2024, "Transformers are SSMs", arXiv 2405.21060): a causal model without attention, whose memory of a text has one size.

It is Transformers' Mamba2. Nothing bounds how long a text it reads.
"""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from kernels.models.formats import recurrent
from kernels.models.formats.state_tables import Entry, Table
from kernels.specs.architectures import Architecture, Counts, OwnModule, StateCounts
from kernels.specs.config import Config, fault_of_key


class Mamba2Config(Config):
    """Shape of a stack of Mamba-2 blocks."""

    kind: Literal["mamba2"]
    """The family."""
    hidden_size: int = Field(gt=0)
    """Width of the residual stream."""
    num_layers: int = Field(gt=0)
    """Blocks: one holds about as many parameters as half a block of Llama."""
    state_size: int = Field(gt=0)
    """Numbers that each channel of a head remembers (N)."""
    head_dim: int = Field(gt=0)
    """Channels of a head (P); divides ``expand * hidden_size``."""
    tie_embeddings: bool
    """Whether input and output embeddings are one matrix (Press and Wolf 2017, arXiv 1608.05859)."""
    expand: int = Field(default=2, gt=0)
    """Inner width, in widths of the residual stream; 2 in the paper."""
    num_groups: int = Field(default=1, gt=0)
    """Groups of heads that share how a state is written and read (section 7.2); divides the heads, ``expand * hidden_size / head_dim``."""
    conv_kernel: int = Field(default=4, ge=2, le=16)
    """Positions that the short convolution looks at; 4 in the paper's code."""
    chunk_size: int = Field(default=64, gt=0)
    """Positions that are computed at once: changes speed, and results by rounding only."""

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        inner = self.expand * self.hidden_size
        if inner % self.head_dim:
            raise fault_of_key("head_dim", f"heads of {self.head_dim} do not divide expand * hidden_size, {inner}; take a divisor of it")
        heads = inner // self.head_dim
        if heads % self.num_groups:
            raise fault_of_key(
                "num_groups", f"{self.num_groups} groups do not divide the heads, expand * hidden_size / head_dim = {heads}; take a divisor of it"
            )
        return self


def build(config: Mamba2Config, *, vocab_size: int, eos_token_id: int, pad_token_id: int) -> Any:
    """Return the Transformers configuration of a model with random weights to come.

    The residual is float32 as in the paper's code. ``rescale_prenorm_residual`` is false though `Mamba.initialise` draws last projections smaller, as
    that code does: where it is true, Transformers 5.23 divides those weights anew whenever it loads a checkpoint.
    """
    from transformers import Mamba2Config as TransformersMamba2Config

    recurrent.register()
    return TransformersMamba2Config(
        vocab_size=vocab_size,
        hidden_size=config.hidden_size,
        num_hidden_layers=config.num_layers,
        state_size=config.state_size,
        head_dim=config.head_dim,
        num_heads=config.expand * config.hidden_size // config.head_dim,
        expand=config.expand,
        n_groups=config.num_groups,
        conv_kernel=config.conv_kernel,
        chunk_size=config.chunk_size,
        tie_word_embeddings=config.tie_embeddings,
        initializer_range=INITIAL_STD,
        layer_norm_epsilon=RMS_EPS,
        rescale_prenorm_residual=False,
        residual_in_fp32=True,
        bos_token_id=None,
        eos_token_id=eos_token_id,
        pad_token_id=pad_token_id,
    )


RMS_EPS = 1e-5
"""Of the norms of the paper's code, and Transformers' default."""
INITIAL_STD = 0.02
"""Of matrices at the beginning (Radford et al. 2019); Transformers' default for this family, 0.1, is no value of the paper's."""


def stack_of(shape: Any) -> Any:
    """Return the sizes of a Mamba2 of Transformers; None for another model, or for one whose activation is not SiLU."""
    if shape.model_type != "mamba2" or shape.hidden_act not in ("silu", "swish"):
        return None
    return recurrent.shape_of(shape)


def fast(stack: Any) -> Any:
    """Return our module of some sizes."""
    from kernels.models.blocks.mamba import Mamba
    from kernels.models.formats.fast import Fast

    inner, states = stack.num_heads * stack.head_width, stack.num_groups * stack.state_size
    splits = {"*.project.weight": (inner, inner, states, states, stack.num_heads)}  # gate, what is written, how, how it is read, steps
    return Fast(Mamba(stack), table(stack), "causal", splits)


def table(stack: Any) -> Table:
    """Return how the parameters of a stack are called in Transformers' Mamba2."""
    layer, mixer = "backbone.layers.{}.", "backbone.layers.{}.mixer."
    pairs = [
        ("embedding", "backbone.embeddings.weight"),
        ("blocks.{}.norm.weight", f"{layer}norm.weight"),
        ("blocks.{}.project.weight", f"{mixer}in_proj.weight"),
        ("blocks.{}.step_bias", f"{mixer}dt_bias"),
        ("blocks.{}.log_decay", f"{mixer}A_log"),
        ("blocks.{}.skip", f"{mixer}D"),
        ("blocks.{}.inner_norm", f"{mixer}norm.weight"),
        ("blocks.{}.out.weight", f"{mixer}out_proj.weight"),
        ("norm.weight", "backbone.norm_f.weight"),
    ]
    if stack.kernel_bias:
        pairs.append(("blocks.{}.kernel_bias", f"{mixer}conv1d.bias"))
    if stack.bias:
        pairs += [("blocks.{}.project.bias", f"{mixer}in_proj.bias"), ("blocks.{}.out.bias", f"{mixer}out_proj.bias")]
    if not stack.tied:
        pairs.append(("output_embedding", "lm_head.weight"))
    kernel = Entry("blocks.{}.kernel", (f"{mixer}conv1d.weight",), transposed=True)
    return Table([kernel, *(Entry(ours, (theirs,)) for ours, theirs in pairs)], stack.num_layers)


def counts(stack: Any) -> Counts:
    """Return what a model of some sizes holds and does.

    The short convolution is a product of each number with a few, not of a matrix: its weights are among the parameters alone. What a block keeps is
    that of rows of several chunks in 16 bits; in float32 it is less by the gate, once.
    """
    width, heads, inner = stack.width, stack.num_heads, stack.num_heads * stack.head_width
    channels = inner + 2 * stack.num_groups * stack.state_size
    pairs, state = (stack.num_groups + heads) * stack.chunk, stack.state_size * inner / stack.chunk
    projected, embedding = inner + channels + heads, stack.vocab_size * width
    num_matmul = stack.num_layers * (width * projected + inner * width) + embedding
    beside = channels * (stack.kernel + stack.kernel_bias) + 3 * heads + inner + width + stack.bias * (projected + width)
    return Counts(
        num_parameters=num_matmul + stack.num_layers * beside + width + (0 if stack.tied else embedding),
        num_matmul_parameters=num_matmul,
        attention=(),
        num_blocks=stack.num_layers,
        hidden_size=width,
        # what norm and projection give, the convolution's inputs and what it gives; products and decays of a chunk; how states are written and read;
        # what is read and written, in five forms; the states that enter chunks
        num_block_activations=width + projected + stack.kernel * channels + pairs + (channels - inner) + 5 * inner + state,
        # the norm's input, root and output, a root a group; what is behind the convolution; gate, and what states give, in four forms; steps in five
        num_block_activations_float32=2 * width + 1 + stack.num_groups + channels + 5 * inner + heads * (stack.chunk + 5 + 2 / stack.chunk) + state,
        num_product_outputs=projected + width,
        vocab_size=stack.vocab_size,
        is_stream_float32=stack.wide_residual,
        states=StateCounts(stack.num_layers, heads, stack.head_width, stack.num_groups, stack.state_size, stack.chunk),
    )


SPEC = Architecture(name="mamba2", version=1, config=Mamba2Config, build=build, own=OwnModule(stack_of=stack_of, fast=fast, counts=counts))
