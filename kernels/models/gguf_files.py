"""A Llama as a GGUF file for llama.cpp, its weights in float32 and without a tokenizer: tokens go in and out by their numbers.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. llama.cpp turns dimensions that stand side by side, Transformers those of the
two halves of a head, so that rows of queries and keys are stored in another order.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kernels.models.architectures.llama import stack_of

if TYPE_CHECKING:
    from kernels.models.blocks.decoder import DecoderShape

ARCHITECTURE = "llama"


def stack_for_gguf(model: Any) -> "DecoderShape":
    """Return the sizes of a model that a file can hold.

    Raises:
        ValueError: it is no Llama of Transformers whose positions are unscaled and whose layers have no biases.
    """
    stack = stack_of(model.config) if model.config.model_type == ARCHITECTURE else None
    if stack is None:
        raise ValueError(
            f"{type(model).__name__}: only a Llama of Transformers without biases and scaled positions is written as GGUF; ask it by another back end"
        )
    return stack


def write_gguf(model: Any, path: Path) -> None:
    """Write a loaded model.

    Args:
        model: of Transformers.
        path: of the file, which is written over.

    Raises:
        ValueError: see `stack_for_gguf`.
    """
    from gguf import MODEL_ARCH, GGUFWriter, get_tensor_name_map

    stack = stack_for_gguf(model)
    writer = GGUFWriter(path, ARCHITECTURE)
    _add_settings(writer, stack)
    names = get_tensor_name_map(MODEL_ARCH.LLAMA, stack.num_layers)
    for name, tensor in model.state_dict().items():
        if stack.tied and name == "lm_head.weight":
            continue
        stored = names.get_name(name, try_suffixes=(".weight",))
        if stored is None:
            raise ValueError(f"{type(model).__name__}: the tensor {name} has no place in a GGUF file of a Llama; ask it by another back end")
        writer.add_tensor(stored, _as_stored(stored, tensor.detach().float().cpu(), stack).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_settings(writer: Any, stack: "DecoderShape") -> None:
    writer.add_context_length(stack.max_positions)
    writer.add_embedding_length(stack.width)
    writer.add_block_count(stack.num_layers)
    writer.add_feed_forward_length(stack.inner_width)
    writer.add_head_count(stack.num_heads)
    writer.add_head_count_kv(stack.num_kv_heads)
    writer.add_key_length(stack.head_width)
    writer.add_value_length(stack.head_width)
    writer.add_rope_dimension_count(stack.head_width)
    writer.add_rope_freq_base(stack.theta)
    writer.add_layer_norm_rms_eps(stack.eps)
    writer.add_vocab_size(stack.vocab_size)
    writer.add_tokenizer_model("none")


def _as_stored(stored: str, tensor: Any, stack: "DecoderShape") -> Any:
    """Return a tensor with its rows in llama.cpp's order."""
    num_heads = {"attn_q": stack.num_heads, "attn_k": stack.num_kv_heads}.get(stored.split(".")[-2])
    if num_heads is None:
        return tensor
    return tensor.unflatten(0, (num_heads, 2, -1)).transpose(1, 2).flatten(0, 2).contiguous()
