"""The Mamba-2 block and its stack (Dao and Gu 2024, arXiv 2405.21060, section 7): projection, short convolution, state space, gate, norm, projection.

Shape letters as in state_space.py; D width of what passes by, I inner width (H P), E channels of the convolution (I + 2 G N), K its length.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import nn

from kernels.models.blocks.linear import Linear, RmsNorm
from kernels.models.blocks.state_space import Documents, documents_of, scan
from kernels.models.reading import Reading


class MambaShape(NamedTuple):
    """Sizes of a stack; what has a value here is as in the paper's code."""

    vocab_size: int
    width: int
    num_layers: int
    num_heads: int
    head_width: int
    num_groups: int
    state_size: int
    kernel: int
    chunk: int
    tied: bool
    wide_residual: bool
    """Whether what passes by the blocks is float32, whatever they compute in."""
    eps: float = 1e-5
    bias: bool = False
    """Of the projections."""
    kernel_bias: bool = True
    step_limits: tuple[float, float] = (0.0, math.inf)
    """Least and largest step of a state."""
    initial_steps: tuple[float, float, float] = (1e-3, 0.1, 1e-4)
    """Least and largest at the beginning, and what none falls below."""


class Told(NamedTuple):
    """What blocks are told beside what passes by."""

    documents: Documents
    dtype: torch.dtype
    """To compute in."""


class Memory(NamedTuple):
    """What a block keeps of what it has read: a state [B, G, N, R, P] float32, and the last inputs of its convolution, [B, K - 1, E]."""

    state: torch.Tensor
    inputs: torch.Tensor


class Mixer(NamedTuple):
    """Parameters of a state space, by whatever names a model holds them."""

    kernel_K1E: torch.Tensor
    kernel_bias_E: torch.Tensor | None
    step_bias_H: torch.Tensor
    log_decay_H: torch.Tensor
    skip_H: torch.Tensor
    norm_I: torch.Tensor


def mix(projected_BTF: torch.Tensor, mixer: Mixer, shape: MambaShape, documents: Documents, memory: Memory | None) -> tuple[torch.Tensor, Memory]:
    """Return what a block's last projection reads, [B, T, I], of what its first one gave, and what is to be kept."""
    inner, size = shape.num_heads * shape.head_width, shape.num_groups * shape.state_size
    gate, inputs, dt = projected_BTF.split_with_sizes([inner, inner + 2 * size, shape.num_heads], -1)
    convolved, kept = _convolved(inputs, mixer, documents, memory)
    x, b, c = convolved.split_with_sizes([inner, size, size], -1)
    x = x.view(*x.shape[:2], shape.num_heads, shape.head_width)
    b, c = (part.view(*part.shape[:2], shape.num_groups, shape.state_size) for part in (b, c))
    steps = nn.functional.softplus(dt.float() + mixer.step_bias_H.float())
    if shape.step_limits != (0.0, math.inf):
        steps = steps.clamp(*shape.step_limits)
    y, state = scan(x, steps, -mixer.log_decay_H.float().exp(), b, c, documents, None if memory is None else memory.state)
    skip_I = mixer.skip_H.float().repeat_interleave(shape.head_width)
    y = torch.addcmul(y.flatten(2), x.flatten(2), skip_I)
    return gated(y, gate, mixer.norm_I, shape), Memory(state, kept)


def gated(y_BTI: torch.Tensor, gate_BTI: torch.Tensor, weight_I: torch.Tensor, shape: MambaShape) -> torch.Tensor:
    """Return a state space's output behind gate and norm, which is one a group."""
    y = y_BTI * nn.functional.silu(gate_BTI.float())
    y = y.view(*y.shape[:2], shape.num_groups, -1)
    y = (y * torch.rsqrt(y.square().mean(-1, keepdim=True) + shape.eps)).flatten(-2)
    return (y * weight_I.float()).to(gate_BTI.dtype)


def _convolved(inputs_BTE: torch.Tensor, mixer: Mixer, documents: Documents, memory: Memory | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the convolution, which looks at the last K positions of its document, with SiLU behind it, and the inputs to keep."""
    kernel_KE = mixer.kernel_K1E[:, 0].float()
    num_before = len(kernel_KE) - 1
    before = inputs_BTE.new_zeros(inputs_BTE.shape[0], num_before, inputs_BTE.shape[2]) if memory is None else memory.inputs
    longer = torch.cat([before, inputs_BTE], 1)
    total = inputs_BTE * kernel_KE[num_before]
    for back, is_near in enumerate(documents.near, 1):
        shifted = longer[:, num_before - back : longer.shape[1] - back] * is_near
        total = torch.addcmul(total, shifted, kernel_KE[num_before - back])
    if mixer.kernel_bias_E is not None:
        total = total + mixer.kernel_bias_E.float()
    last = [longer[:, -1 - back] * documents.near[back - 1][:, -1] if back else longer[:, -1] for back in reversed(range(num_before))]
    return nn.functional.silu(total).to(inputs_BTE.dtype), torch.stack(last, 1)


class Block(nn.Module):
    """A state space behind a norm, added to what passes by."""

    def __init__(self, shape: MambaShape) -> None:
        """Allocate the parameters; `Mamba.initialise` fills them."""
        super().__init__()
        self.shape = shape
        inner = shape.num_heads * shape.head_width
        channels = inner + 2 * shape.num_groups * shape.state_size
        self.norm = RmsNorm(shape.width, shape.eps)
        self.project = Linear(shape.width, inner + channels + shape.num_heads, bias=shape.bias)
        self.kernel = nn.Parameter(torch.empty(shape.kernel, 1, channels))
        self.kernel_bias = nn.Parameter(torch.zeros(channels)) if shape.kernel_bias else None
        self.step_bias = nn.Parameter(torch.empty(shape.num_heads))
        self.log_decay = nn.Parameter(torch.empty(shape.num_heads))
        self.skip = nn.Parameter(torch.ones(shape.num_heads))
        self.inner_norm = nn.Parameter(torch.ones(inner))
        self.out = Linear(inner, shape.width, bias=shape.bias)

    def forward(self, x_BTD: torch.Tensor, told: Told) -> torch.Tensor:
        """Return [B, T, D]."""
        mixer = Mixer(self.kernel, self.kernel_bias, self.step_bias, self.log_decay, self.skip, self.inner_norm)
        mixed, _ = mix(self.project(self.norm(x_BTD).to(told.dtype)), mixer, self.shape, told.documents, None)
        return x_BTD + self.out(mixed)


class Mamba(nn.Module):
    """Embedding, blocks, norm and output layer."""

    def __init__(self, shape: MambaShape) -> None:
        """Allocate the parameters; `initialise` fills them."""
        super().__init__()
        self.shape = shape
        self.embedding = nn.Parameter(torch.empty(shape.vocab_size, shape.width))
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.num_layers))
        self.norm = RmsNorm(shape.width, shape.eps)
        self.output_embedding = None if shape.tied else nn.Parameter(torch.empty(shape.vocab_size, shape.width))

    def forward(self, reading: Reading, dtype: torch.dtype) -> torch.Tensor:
        """Return the last hidden states, [B, T, D], computed in a type."""
        x = self.enter(reading, dtype)
        for block, told in zip(self.blocks, self.tell(reading, dtype), strict=True):
            x = block(x, told)
        return self.leave(x, dtype)

    def enter(self, reading: Reading, dtype: torch.dtype) -> torch.Tensor:
        """Return what the first block reads, [B, T, D]."""
        x = nn.functional.embedding(reading.tokens_BT, self.embedding)
        return x.to(torch.float32 if self.shape.wide_residual else dtype)

    def tell(self, reading: Reading, dtype: torch.dtype) -> list[Told]:
        """Return what each block is told."""
        chunk = min(self.shape.chunk, reading.tokens_BT.shape[1])
        return [Told(documents_of(reading.segments_BT, chunk, self.shape.kernel - 1), dtype)] * len(self.blocks)

    def leave(self, x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """Return the last hidden states, [B, T, D], of what the last block gives."""
        return self.norm(x).to(dtype)

    def output_layer(self) -> tuple[torch.Tensor, None]:
        """Return the weight of the output layer, [V, D]; it has no bias."""
        return (self.embedding if self.output_embedding is None else self.output_embedding), None

    def initialise(self, generator: torch.Generator, std: float) -> None:
        """Draw matrices and embeddings from a normal distribution, and what makes the states as the paper's code does.

        Decays are uniform in 1 to 16, steps log-uniform between their bounds, and the convolution uniform within one over the root of its length; a
        block's last projection is smaller by the square root of the number of blocks.
        """
        least, largest, floor = self.shape.initial_steps
        with torch.no_grad():
            for parameter in self.parameters():
                if parameter.ndim == 2:
                    parameter.normal_(0, std, generator=generator)
            for block in self.blocks:
                found: Any = block
                found.kernel.uniform_(-(self.shape.kernel**-0.5), self.shape.kernel**-0.5, generator=generator)
                found.log_decay.uniform_(1, 16, generator=generator).log_()
                steps = found.step_bias.uniform_(math.log(least), math.log(largest), generator=generator).exp_().clamp_(min=floor)
                steps.add_(torch.log(-torch.expm1(-steps)))  # what softplus turns into the step
                found.out.weight.div_(math.sqrt(self.shape.num_layers))
