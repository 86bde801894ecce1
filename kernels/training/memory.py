"""The memory of a training, told before it runs: weights, gradients, optimizer state, activations and logits.

Weights, gradients and optimizer state are float32, products are made in the training's precision from casts of the weights. On a CPU attention
keeps its weights, by halves of the queries where it is causal (kernels/models/blocks/attention.py); on a GPU it does not (Dao et al. 2022, arXiv
2205.14135).
Left out: what torch, its libraries and the data need by themselves.
"""

from typing import Literal, NamedTuple

from kernels.specs.architectures import Counts
from kernels.training.peak import Precision

Checkpointing = Literal["none", "selective", "full"]
BYTES: dict[Precision, int] = {"bfloat16": 2, "float16": 2, "float32": 4}
ADAMW_SLOTS, MUON_SLOTS = 2, 1
"""Float32 numbers of optimizer state a parameter (Loshchilov and Hutter 2019, arXiv 1711.05101; Jordan et al. 2024)."""
CAUSAL_SHARE = 0.75
"""Of attention's weights that are kept where the first half of the queries never meets the second half of the keys."""
LOGITS_OF_CHUNK = 1 << 23
"""Logits that stand at one time (kernels/models/blocks/cross_entropy.py)."""
LOGIT_FLOAT32 = 2
"""Float32 numbers a logit beside itself and its gradient: widened, and as a power."""


class Step(NamedTuple):
    """What passes the model together, and how."""

    num_rows: int
    row_length: int
    """Tokens."""
    precision: Precision
    checkpointing: Checkpointing = "none"
    keeps_attention: bool = False
    """Whether attention keeps its weights, as it does on a CPU."""

    @property
    def num_tokens(self) -> int:
        """Tokens that pass together."""
        return self.num_rows * self.row_length


class Memory(NamedTuple):
    """Bytes by what they are for."""

    weights: float
    gradients: float
    optimizer: float
    activations: float
    logits: float

    @property
    def total(self) -> float:
        """All of them, which stand together when the backward pass begins."""
        return sum(self)


def training_memory(counts: Counts, step: Step, *, slots_per_parameter: int = ADAMW_SLOTS) -> Memory:
    """Return the memory of a training whose model and steps are known."""
    weights = 4.0 * counts.num_parameters
    return Memory(weights, weights, weights * slots_per_parameter, activation_bytes(counts, step), _logit_bytes(counts, step))


def block_bytes(counts: Counts, step: Step) -> float:
    """Return what one block keeps for its backward pass, in bytes, without the casts of its weights."""
    width = BYTES[step.precision]
    kept = width * counts.num_block_activations + 4 * counts.num_block_activations_float32
    return step.num_tokens * (kept + (_attention_bytes(counts, step) if step.keeps_attention else 0.0))


def activation_bytes(counts: Counts, step: Step) -> float:
    """Return what all blocks keep, and with checkpointing what one of them has when it is computed again, in bytes."""
    width = BYTES[step.precision]
    block = block_bytes(counts, step) + _cast_bytes(counts, step)
    enters = step.num_tokens * counts.hidden_size * width
    around = step.num_tokens * counts.hidden_size * (2 * 4 + width)  # the last norm
    if step.checkpointing == "none":
        return around + counts.num_blocks * block
    products = step.num_tokens * counts.num_product_outputs * width
    scores = step.num_tokens * _attention_bytes(counts, step) if step.keeps_attention else 0.0
    kept = products + scores if step.checkpointing == "selective" else 0.0
    return around + counts.num_blocks * (enters + kept) + block


def _attention_bytes(counts: Counts, step: Step) -> float:
    """Return the bytes a token of attention's weights in one block, with a float32 sum a head and query."""
    total = 0.0
    for layers in counts.attention:
        keys = step.row_length * (CAUSAL_SHARE if layers.is_causal and step.row_length % 2 == 0 else 1.0)
        total += layers.num_layers * layers.num_heads * (BYTES[step.precision] * keys + 4)
    return total / counts.num_blocks


def _cast_bytes(counts: Counts, step: Step) -> float:
    """Return the bytes of the weights of a block as its products read them, where that is another precision than their own."""
    if step.precision == "float32":
        return 0.0
    return BYTES[step.precision] * (counts.num_matmul_parameters - counts.vocab_size * counts.hidden_size) / counts.num_blocks


def _logit_bytes(counts: Counts, step: Step) -> float:
    """Return the bytes of the logits of a chunk with what is made of them, and of the gradients that the output layer makes on the way."""
    rows = min(step.num_tokens, max(1, LOGITS_OF_CHUNK // max(1, counts.vocab_size)))
    width = BYTES[step.precision]
    chunk = rows * counts.vocab_size * (2 * width + 4 * LOGIT_FLOAT32)
    return chunk + 4 * counts.vocab_size * counts.hidden_size + width * step.num_tokens * counts.hidden_size
