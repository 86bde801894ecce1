"""vLLM (Kwon et al. 2023, arXiv 2309.06180): a Llama becomes a checkpoint in a folder that is gone once it is loaded.

vLLM schedules, keeps and samples; texts, strings that end them and what is told are ours, so that answers come in the same form. It computes on what
its build is for, a GPU or a CPU, and on a CPU without compiling first. What is drawn at a temperature comes from another stream of random numbers
than our own engine's: it follows from the request's seed, and is another answer. Min-p is applied before top-p and not behind it. Constraints, and
temperatures that vLLM would raise, are refused.
"""

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kernels.inference.backends.backend import BFLOAT16, LOADED, Backend, Manner, Room
from kernels.inference.backends.vllm_answers import EXTRA, Vllm, part
from kernels.models.formats.checkpoints import QUANTIZATION_KEY, max_positions
from kernels.models.formats.writing import write_model

if TYPE_CHECKING:
    from kernels.models.formats.checkpoints import LanguageModel

PURPOSE = "models that vLLM answers by"
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
    shape = lm.model.config
    library: Any = EXTRA.require(PURPOSE)
    part("envs").VLLM_NO_USAGE_STATS = True  # else it reports to its makers
    logging.getLogger("vllm").setLevel(logging.ERROR)
    if part("platforms").current_platform.is_cpu():
        _check_heads(shape.head_dim)
    with tempfile.TemporaryDirectory() as folder:
        write_model(lm.model, Path(folder))
        engine = _engine(library, folder, str(lm.model.dtype).removeprefix("torch.") if weights == LOADED else weights, shape, room)
    return Vllm(library, engine, lambda tokens: lm.tokenizer.decode(tokens, skip_special_tokens=True), max_positions(lm.model), room.most_kept_tokens)


def _check_heads(width: int) -> None:
    """Raise ValueError: vLLM has no kernel for heads of a width on a CPU, which it would say when it is first asked."""
    backend: Any = part("v1.attention.backends.cpu_attn").CPUAttentionBackend
    if width not in (known := backend.get_supported_head_sizes()):
        raise ValueError(f"heads are {width} wide, and on a CPU vLLM reads those of {', '.join(map(str, known))}; ask it by the back end own")


def _engine(library: Any, folder: str, dtype: str, shape: Any, room: Room) -> Any:
    """Return vLLM's engine of a checkpoint, in this process: what it keeps is as much as there is room for."""
    import torch

    width = shape.num_hidden_layers * shape.num_key_value_heads * shape.head_dim
    is_cpu, longest = part("platforms").current_platform.is_cpu(), min(shape.max_position_embeddings, room.most_kept_tokens) + 1
    num_blocks = -(-room.most_kept_tokens // BLOCK) + room.most_sequences + 1
    arguments = library.EngineArgs(
        model=folder,
        skip_tokenizer_init=True,
        dtype=dtype,
        max_model_len=longest,
        hf_overrides={"max_position_embeddings": shape.max_position_embeddings + 1},
        max_num_seqs=room.most_sequences,
        max_num_batched_tokens=max(room.most_tokens, room.most_sequences, longest if is_cpu else 0),
        enable_chunked_prefill=not is_cpu,  # on a CPU vLLM 0.32 fails where a prompt with a seed is read in parts
        block_size=BLOCK,
        kv_cache_memory_bytes=2 * width * num_blocks * BLOCK * getattr(torch, dtype).itemsize,
        enforce_eager=is_cpu,
        max_logprobs=-1,
        generation_config="vllm",
        disable_log_stats=True,
        use_tqdm_on_load=False,
    )
    config = arguments.create_engine_config()
    config.parallel_config.distributed_executor_backend = "uni"  # for a CPU it is another process, whatever was asked
    executor = part("v1.executor").Executor.get_class(config)
    return library.LLMEngine(vllm_config=config, executor_class=executor, log_stats=False)


SPEC = Backend(
    name="vllm",
    why="Llamas for many at once on a GPU; draws are another stream's, and constraints are refused",
    weights=(LOADED, BFLOAT16),
    lacking=lambda: EXTRA.lacks(PURPOSE),
    open=_open,
    takes_copies=True,
)
