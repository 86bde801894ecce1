"""The memory of a training, told before it runs: weights, gradients, optimizer state, averages of weights, activations and logits.

Weights, gradients, optimizer state and averages are float32, products are made in the training's precision from casts of the weights. On a CPU
attention keeps its weights, by halves of the queries where it is causal (kernels/models/blocks/attention.py); on a GPU it does so only where a bias
that learns is added to scores, and is fused elsewhere (Dao et al. 2022, arXiv 2205.14135). On an H200 an uncompiled step of 16 x 1,024 tokens held
what is told or up to a tenth more, with full checkpointing a seventh; a compiled one a third to a half less, where a bias learns up to 1.7 times it.
On a CPU all of it stands in the memory of the process, beside what torch and its libraries need by themselves; that of a GPU holds tensors alone.
"""

from typing import Literal, NamedTuple

from kernels.specs.architectures import AttentionCounts, Counts, Side
from kernels.training.costs.peak import Precision

Checkpointing = Literal["none", "selective", "full"]
Device = Literal["cpu", "cuda"]
BYTES: dict[Precision, int] = {"bfloat16": 2, "float16": 2, "float32": 4}
ADAMW_SLOTS, MUON_SLOTS = 2, 1
"""Float32 numbers of optimizer state a parameter (Loshchilov and Hutter 2019, arXiv 1711.05101; Jordan et al. 2024)."""
CAUSAL_SHARE = 0.75
"""Of attention's weights that are kept where the first half of the queries never meets the second half of the keys."""
NEAR_CHUNKS = 3
"""That queries of a window look at where they see no further than it (kernels/models/blocks/nearby.py)."""
LOGITS_OF_CHUNK: dict[Device, int] = {"cpu": 1 << 23, "cuda": 1 << 27}
"""Logits that stand at one time (kernels/models/blocks/cross_entropy.py)."""
LOGIT_FLOAT32 = 2
"""Float32 numbers a logit beside itself and its gradient: widened, and as a power."""
PROCESS_BYTES: dict[Device, float] = {"cpu": 0.5e9, "cuda": 0.0}
"""What a process that trains holds before it has a model, and its data; measured on Linux."""


class Step(NamedTuple):
    """What passes the model together, and how."""

    num_rows: int
    row_length: int
    """Tokens that the one stack reads, or the encoder."""
    precision: Precision
    checkpointing: Checkpointing = "none"
    device: Device = "cuda"
    decoder_length: int = 0
    """Tokens that a decoder apart reads."""

    def keeps_attention(self, layers: AttentionCounts) -> bool:
        """Return whether attention keeps its weights: where it is not fused."""
        return self.device == "cpu" or layers.has_learned_bias

    @property
    def lengths(self) -> tuple[int, int]:
        """Tokens of a row, those of a decoder apart behind the others."""
        return self.row_length, self.decoder_length

    @property
    def num_tokens(self) -> int:
        """Tokens that pass together, by whichever stack."""
        return self.num_rows * sum(self.lengths)


class Memory(NamedTuple):
    """Bytes by what they are for."""

    weights: float
    gradients: float
    optimizer: float
    averages: float
    activations: float
    logits: float
    process: float

    @property
    def standing(self) -> float:
        """What is held whatever passes the model."""
        return self.weights + self.gradients + self.optimizer + self.averages + self.process

    @property
    def total(self) -> float:
        """All of them, which stand together when the backward pass begins."""
        return sum(self)


class Held(NamedTuple):
    """What a training holds beside weights and gradients, whatever passes the model."""

    optimizer: Literal["adamw", "muon"] = "adamw"
    """Of matrices."""
    num_averages: int = 0
    """Copies of the weights that averages are made of."""


ALONE = Held()
"""AdamW and no averages."""


def training_memory(counts: Counts, step: Step, held: Held = ALONE) -> Memory:
    """Return the memory of a training whose model and steps are known."""
    weights = 4.0 * counts.num_parameters
    slots = ADAMW_SLOTS * counts.num_parameters
    if held.optimizer == "muon":
        slots -= (ADAMW_SLOTS - MUON_SLOTS) * (counts.num_matmul_parameters - counts.vocab_size * counts.hidden_size)
    averages, process = weights * held.num_averages, PROCESS_BYTES[step.device]
    return Memory(weights, weights, 4.0 * slots, averages, activation_bytes(counts, step), _logit_bytes(counts, step), process)


class _Stack(NamedTuple):
    """Blocks of one kind, and what passes them."""

    num_blocks: int
    num_tokens: int
    kept_bytes: float
    """Of all tokens, of a block, but for attention's weights."""
    attention_bytes: float
    """Of a block."""
    product_bytes: float
    """Of what the products of a block with weights give, and fused attention."""
    cast_bytes: float
    """Of the weights of a block as its products read them, where that is another precision than their own."""


def _stacks(counts: Counts, step: Step) -> list[_Stack]:
    """Return the one stack, or encoder and decoder."""
    width, inputs = BYTES[step.precision], step.num_rows * step.row_length
    kept = inputs * (width * counts.num_block_activations + 4 * counts.num_block_activations_float32)
    cast = _cast_bytes(counts, step)
    products = inputs * counts.num_product_outputs * width + _fused_bytes(counts, step, "inputs") / counts.num_blocks
    found = [_Stack(counts.num_blocks, inputs, kept, _attention_bytes(counts, step, "inputs") / counts.num_blocks, products, cast)]
    if counts.decoder is not None:
        of, written = counts.decoder, step.num_rows * step.decoder_length
        kept = written * (width * of.num_block_activations + 4 * of.num_block_activations_float32) + inputs * width * of.num_read_activations
        products = written * of.num_product_outputs * width + inputs * width * of.num_read_activations
        products += _fused_bytes(counts, step, "decoder") / of.num_blocks
        found.append(_Stack(of.num_blocks, written, kept, _attention_bytes(counts, step, "decoder") / of.num_blocks, products, cast))
    return found


def block_bytes(counts: Counts, step: Step) -> float:
    """Return what one block, of an encoder-decoder one of the encoder, keeps for its backward pass, in bytes, without the casts of its weights."""
    stack = _stacks(counts, step)[0]
    return stack.kept_bytes + stack.attention_bytes


def activation_bytes(counts: Counts, step: Step) -> float:
    """Return what all blocks keep, and with checkpointing what the largest of them has when it is computed again, in bytes."""
    width = BYTES[step.precision]
    stacks = _stacks(counts, step)
    around = step.num_tokens * counts.hidden_size * (2 * 4 + width)  # the last norm
    blocks = [stack.kept_bytes + stack.attention_bytes + stack.cast_bytes for stack in stacks]
    if step.checkpointing == "none":
        return around + sum(stack.num_blocks * block for stack, block in zip(stacks, blocks, strict=True))
    passes = counts.hidden_size * (4 if counts.is_stream_float32 else width)
    kept = 0.0
    for stack in stacks:
        selected = stack.product_bytes if step.checkpointing == "selective" else 0.0
        kept += stack.num_blocks * (stack.num_tokens * passes + selected)
    return around + kept + max(blocks)


def _attention_bytes(counts: Counts, step: Step, asks: Side) -> float:
    """Return the bytes of attention's weights in all blocks whose queries are of a side, with a sum a head and query; fused, none."""
    lengths: dict[Side, int] = {"inputs": step.row_length, "decoder": step.decoder_length}

    def of_query(layers: AttentionCounts) -> float:
        return BYTES[step.precision] * _num_keys(layers, lengths[layers.sees]) + 4 if step.keeps_attention(layers) else 0.0

    return sum(
        step.num_rows * lengths[asks] * layers.num_layers * layers.num_heads * of_query(layers) for layers in counts.attention if layers.asks == asks
    )


def _fused_bytes(counts: Counts, step: Step, asks: Side) -> float:
    """Return the bytes of what fused attention gives in all blocks whose queries are of a side, with a float32 sum a head and query."""
    length = step.row_length if asks == "inputs" else step.decoder_length
    layers = [each for each in counts.attention if each.asks == asks and not step.keeps_attention(each)]
    return step.num_rows * length * sum(each.num_layers * each.num_heads * (BYTES[step.precision] * each.head_width + 4) for each in layers)


def _num_keys(layers: AttentionCounts, length: int) -> float:
    """Return how many keys a query has a weight for, on average."""
    if layers.is_causal:
        return length * (CAUSAL_SHARE if length % 2 == 0 else 1.0)
    if layers.window is not None and length % layers.window == 0 and length > NEAR_CHUNKS * layers.window:
        return NEAR_CHUNKS * layers.window
    return length


def _cast_bytes(counts: Counts, step: Step) -> float:
    """Return the bytes of the weights of a block of average size as its products read them, where that is another precision than their own."""
    if step.precision == "float32":
        return 0.0
    return BYTES[step.precision] * (counts.num_matmul_parameters - counts.vocab_size * counts.hidden_size) / counts.num_all_blocks


def _logit_bytes(counts: Counts, step: Step) -> float:
    """Return the bytes of the logits of a chunk with what is made of them, and of the gradients that the output layer makes on the way."""
    predicting = step.num_rows * (step.decoder_length or step.row_length)
    rows = min(predicting, max(1, LOGITS_OF_CHUNK[step.device] // max(1, counts.vocab_size)))
    width = BYTES[step.precision]
    chunk = rows * counts.vocab_size * (2 * width + 4 * LOGIT_FLOAT32)
    return chunk + 4 * counts.vocab_size * counts.hidden_size + width * predicting * counts.hidden_size
