"""vLLM (Kwon et al. 2023, arXiv 2309.06180), in an environment and a process of its own: it reads a Llama's checkpoint, or one that is gone then.

vLLM schedules, keeps and samples; texts, strings that end them and what is told are ours, so that answers come in the same form. It computes on what
its build is for, a GPU or a CPU, and on a CPU without compiling first. What is drawn at a temperature comes from another stream of random numbers
than our own engine's: it follows from the request's seed, and is another answer. Min-p is applied before top-p and not behind it. Constraints, and
temperatures that vLLM would raise, are refused.
"""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kernels.inference.backends.backend import BFLOAT16, LOADED, Backend, Manner, Room
from kernels.inference.backends.vllm_answers import Vllm
from kernels.inference.backends.vllm_calls import Calls, lacking
from kernels.models.formats.checkpoints import QUANTIZATION_KEY, max_positions, shape_of_folder
from kernels.models.formats.writing import write_model

if TYPE_CHECKING:
    from kernels.models.formats.checkpoints import LanguageModel

BLOCK = 32
"""Tokens of a block of the cache; vLLM's kernels for CPUs want multiples of it, and those for GPUs of 16."""
_STRETCHING = ("dynamic", "longrope")
"""Rotary positions that depend on how many there are: vLLM is told of one more, which it makes and never reads."""


def fault(lm: "LanguageModel", manner: Manner) -> str | None:
    """Return in words why a model is not answered for in some manner, with the remedy; None where nothing speaks against it."""
    shape = lm.model.config
    if type(lm.model).__name__ != "LlamaForCausalLM" or lm.attention != "causal":
        return f"{type(lm.model).__name__}: only a Llama of Transformers is given to vLLM; ask it by the back end own"
    if hasattr(shape, QUANTIZATION_KEY):
        return "the checkpoint's own weights are of 8 bits, which vLLM does not read; ask it by the back end own"
    if (kind := shape.rope_parameters["rope_type"]) in _STRETCHING:
        return f"rotary positions of the kind {kind} depend on how many there are, of which vLLM is told another; ask it by the back end own"
    if manner.guesser is not None or manner.is_invariant:
        return "vLLM is given no guesses of ours, and what it says may depend on what else is asked; ask by the back end own"
    return None


def _open(lm: "LanguageModel", weights: str, room: Room, manner: Manner) -> Vllm:
    if (words := fault(lm, manner)) is not None:
        raise ValueError(words)
    if lm.weights_in is not None:
        return _answering(lm, lm.weights_in, "float32" if weights == LOADED else weights, room)
    with tempfile.TemporaryDirectory() as folder:
        write_model(lm.model, Path(folder))
        return _answering(lm, Path(folder), str(lm.model.dtype).removeprefix("torch.") if weights == LOADED else weights, room)


def _answering(lm: "LanguageModel", folder: Path, dtype: str, room: Room) -> Vllm:
    """Return what answers by the checkpoint of a folder: what it keeps is as much as there is room for."""
    import torch

    shape: Any = lm.model.config
    width = shape.num_hidden_layers * shape.num_key_value_heads * shape.head_dim
    num_blocks = -(-room.most_kept_tokens // BLOCK) + room.most_sequences + 1
    words = {
        "model": str(folder),
        "dtype": dtype,
        "max_model_len": min(shape.max_position_embeddings, room.most_kept_tokens) + 1,
        "hf_overrides": {"max_position_embeddings": shape.max_position_embeddings + 1},
        "max_num_seqs": room.most_sequences,
        "max_num_batched_tokens": max(room.most_tokens, room.most_sequences),
        "block_size": BLOCK,
        "kv_cache_memory_bytes": 2 * width * num_blocks * BLOCK * getattr(torch, dtype).itemsize,
        "head_width": shape.head_dim,
    }
    decode = lm.tokenizer.decode
    return Vllm(Calls(words), lambda tokens: decode(tokens, skip_special_tokens=True), max_positions(lm.model), room.most_kept_tokens)


SPEC = Backend(
    name="vllm",
    why="Llamas for many at once on a GPU; draws are another stream's, and constraints are refused",
    weights=(LOADED, BFLOAT16),
    lacking=lacking,
    open=_open,
    reads_files=lambda folder, _: not hasattr(shape_of_folder(folder), QUANTIZATION_KEY),
)
