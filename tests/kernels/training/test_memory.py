"""The memory of a training, against what torch keeps for a backward pass of the module itself."""

from typing import Any

import pytest
import torch

from kernels.models.architectures import llama
from kernels.models.blocks import cross_entropy
from kernels.models.formats.fast import fresh
from kernels.models.reading import Reading
from kernels.specs.architectures import Counts
from kernels.training import memory
from kernels.training.memory import Step, activation_bytes, block_bytes, training_memory

VOCAB, ROWS, LENGTH = 90, 2, 32


def config(num_layers: int) -> llama.LlamaConfig:
    shape: dict[str, Any] = {"hidden_size": 32, "num_heads": 4, "num_kv_heads": 2, "intermediate_size": 88, "max_position_embeddings": 64}
    return llama.LlamaConfig.model_validate({"kind": "llama", "num_layers": num_layers, "tie_embeddings": True, **shape})


def kept(num_layers: int, dtype: torch.dtype) -> int:
    """Return the bytes that a forward pass of the real module keeps, its parameters not among them."""
    module = fresh(llama.build(config(num_layers), vocab_size=VOCAB, eos_token_id=0, pad_token_id=3), 1).module
    own = {parameter.untyped_storage().data_ptr() for parameter in module.parameters()}
    found: dict[int, Any] = {}

    def keep(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            found[storage.data_ptr()] = storage
        return tensor

    reading = Reading(torch.zeros(ROWS, LENGTH, dtype=torch.long), torch.zeros(ROWS, LENGTH, dtype=torch.long))
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        hidden = module(reading, dtype)
    assert hidden.requires_grad
    return sum(storage.nbytes() for storage in found.values())


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_what_a_block_keeps_is_what_torch_keeps_to_the_byte(precision: Any) -> None:
    dtype = getattr(torch, precision)
    step = Step(ROWS, LENGTH, precision, keeps_attention=True)
    one, two = (llama.counts(config(number), VOCAB) for number in (1, 2))
    assert activation_bytes(two, step) - activation_bytes(one, step) == kept(2, dtype) - kept(1, dtype)


def test_all_that_is_kept_is_told_within_a_tenth() -> None:
    step = Step(ROWS, LENGTH, "bfloat16", keeps_attention=True)
    assert activation_bytes(llama.counts(config(4), VOCAB), step) == pytest.approx(kept(4, torch.bfloat16), rel=0.1)


def test_checkpointing_keeps_less_the_more_it_computes_again() -> None:
    counts = llama.counts(config(12), VOCAB)
    none, selective, full = (activation_bytes(counts, Step(8, LENGTH, "bfloat16", mode)) for mode in ("none", "selective", "full"))
    assert none > selective > full
    around = 8 * LENGTH * 32 * (2 * 4 + 2)
    casts = 2 * (2 * 32 * 32 + 2 * 32 * 16 + 3 * 32 * 88)
    assert full == around + 12 * 8 * LENGTH * 32 * 2 + block_bytes(counts, Step(8, LENGTH, "bfloat16")) + casts


def test_weights_gradients_and_state_are_float32() -> None:
    counts = Counts(1000, 900, (), 1, 4, 0, 0, 0, 10)
    found = training_memory(counts, Step(1, 8, "bfloat16"))
    assert (found.weights, found.gradients, found.optimizer) == (4000, 4000, 8000)
    assert training_memory(counts, Step(1, 8, "bfloat16"), slots_per_parameter=1).optimizer == 4000
    assert found.total == sum(found)


def test_logits_stand_a_chunk_at_a_time() -> None:
    assert memory.LOGITS_OF_CHUNK == cross_entropy.LOGITS_OF_CHUNK
    counts = Counts(0, 0, (), 1, 1, 0, 0, 0, 1 << 13)
    few, many, more = (training_memory(counts, Step(rows, 1024, "bfloat16")).logits for rows in (0, 1, 64))
    assert many - few == 1024 * (1 << 13) * 12 + 2 * 1024
    assert more - many == 2 * 63 * 1024  # the hidden states' gradients alone
