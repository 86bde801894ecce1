"""Small random models written as GGUF files, the way llama.cpp's convert_hf_to_gguf.py stores each architecture."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LETTERS = "abcdefghijklmnopqrstuvwxyzĠĊ"
TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *LETTERS, "ca", "cat"]
GEMMA_PIECES = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
SPECIAL_PIECES = {"gemma2": GEMMA_PIECES, "gemma3": GEMMA_PIECES, "phi3": ["<pad>", "</s>", "<s>", "<unk>"]}
PIECES = ["▁", *LETTERS[:26], "ca", "cat", "▁cat"]
TEMPLATE = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
EPSILON = 2.0**-17
"""Of norms; a number that float32 holds exactly."""
TRANSPOSED = ("attn_qkv.weight", "attn_output.weight", "ffn_up.weight", "ffn_down.weight")
"""GPT-2's matrices, which Transformers holds the other way round."""
HALVES = {"Q2_K": (80, 82), "Q3_K": (108,), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,)}
"""Where a block of a K-quantization holds its scales in half precision; gguf's Python side can unpack these kinds, not pack them."""

Pack = Callable[[NDArray[Any]], NDArray[Any]]


def random_model(config: Any) -> Any:
    """Return a causal decoder with weights that make its answers depend on everything."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval()
    for parameter in model.parameters():
        parameter.data.normal_(0, 0.1)
    return model


def pack_as(kind: Any) -> Pack:
    """Return what packs the rows of a matrix; for a K-quantization random blocks stand for it."""
    from gguf import GGML_QUANT_SIZES
    from gguf.quants import quantize

    if kind.name not in HALVES:
        return lambda rows: quantize(rows, kind)
    random = np.random.default_rng(0)
    block, size = GGML_QUANT_SIZES[kind]

    def pack(rows: NDArray[Any]) -> NDArray[Any]:
        blocks = random.integers(0, 256, (*rows.shape[:-1], rows.shape[-1] // block, size), np.uint8)
        for place in HALVES[kind.name]:
            blocks[..., place : place + 2] = np.array([0.001], np.float16).view(np.uint8)
        return blocks.reshape(*rows.shape[:-1], -1)

    return pack


def write_model(
    path: Path,
    architecture: str,
    model: Any,
    settings: dict[str, Any],
    kind: str = "F32",
    tensors: dict[str, Any] | None = None,
    split: str = "gpt-2",
    special: list[str] | None = None,
) -> None:
    """Write a model whose weights become what the file holds of them; ``tensors`` are others that the file has too.

    Gemma, Phi 3 and a model with ``special`` pieces get a tokenizer of pieces with scores, the others one of bytes that splits as ``split`` says.
    """
    import torch
    from gguf import GGML_QUANT_SIZES, MODEL_ARCH_NAMES, GGMLQuantizationType, GGUFWriter, dequantize, get_tensor_name_map

    config = model.config
    writer = GGUFWriter(path, architecture)
    add_settings(writer, architecture, {**shape_settings(config), **settings})
    special = special or SPECIAL_PIECES.get(architecture)
    if special:
        add_pieces(writer, config.vocab_size, special)
    else:
        add_bytes(writer, config.vocab_size, split)
    writer.add_chat_template(TEMPLATE)
    names = get_tensor_name_map(next(key for key, name in MODEL_ARCH_NAMES.items() if name == architecture), config.num_hidden_layers)
    for name, parameter in model.named_parameters():
        if ".experts." in name:
            add_experts(writer, name, parameter.detach().numpy())
            continue
        base, _, suffix = name.rpartition(".")
        stored = f"{names.get_name(base)}.{suffix}"
        turned, order = stored_form(architecture, config, stored, parameter.detach().numpy())
        packed, own = turned[order], GGMLQuantizationType.F32
        if turned.ndim == 2 and turned.shape[1] % GGML_QUANT_SIZES[GGMLQuantizationType[kind]][0] == 0:
            own = GGMLQuantizationType[kind]
            packed = pack_as(own)(np.ascontiguousarray(packed))
        writer.add_tensor(stored, packed, raw_dtype=own)
        held = dequantize(packed, own)[np.argsort(order)]
        held = held - 1 if is_shifted(architecture, stored) else held
        held = held.T if is_transposed(architecture, stored) else held
        parameter.data = torch.from_numpy(np.ascontiguousarray(held)).reshape(parameter.shape)
    model.tie_weights()
    for name, tensor in (tensors or {}).items():
        writer.add_tensor(name, np.asarray(tensor, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_experts(writer: Any, name: str, values: NDArray[Any]) -> None:
    """Add the weights of a layer's experts, [experts, rows, columns]; gate and up are one matrix in Transformers."""
    layer, half = name.split(".")[2], values.shape[1] // 2
    parts = {"ffn_down": values} if name.endswith("down_proj") else {"ffn_gate": values[:, :half], "ffn_up": values[:, half:]}
    for part, tensor in parts.items():
        writer.add_tensor(f"blk.{layer}.{part}_exps.weight", np.ascontiguousarray(tensor))


def is_transposed(architecture: str, stored: str) -> bool:
    return architecture == "gpt2" and stored.endswith(TRANSPOSED)


def is_shifted(architecture: str, stored: str) -> bool:
    """Gemma's norms are stored one higher."""
    return architecture.startswith("gemma") and stored.endswith("norm.weight")


def stored_form(architecture: str, config: Any, stored: str, values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the values of a tensor, and the order in which its rows are stored: Llama's pairs of turned dimensions side by side."""
    values = values.T if is_transposed(architecture, stored) else values
    values = values + 1 if is_shifted(architecture, stored) else values
    values = values.reshape(-1) if "ffn_gate_inp_shexp" in stored else values
    order = np.arange(len(values))
    if architecture == "llama" and ("attn_q." in stored or "attn_k." in stored):
        num_heads = config.num_attention_heads if "attn_q." in stored else config.num_key_value_heads
        order = order.reshape(num_heads, 2, len(values) // num_heads // 2).swapaxes(1, 2).reshape(-1)
    return values, order


def shape_settings(config: Any) -> dict[str, Any]:
    """Return the settings that every architecture has."""
    return {
        "context_length": config.max_position_embeddings,
        "embedding_length": config.hidden_size,
        "block_count": config.num_hidden_layers,
        "attention.head_count": config.num_attention_heads,
    }


def add_settings(writer: Any, architecture: str, settings: dict[str, Any]) -> None:
    add = {bool: writer.add_bool, int: writer.add_uint32, float: writer.add_float32, str: writer.add_string}
    for name, value in settings.items():
        add[type(value)](f"{architecture}.{name}", value)


def add_bytes(writer: Any, size: int, split: str) -> None:
    """Add a tokenizer of bytes and merges."""
    from gguf import TokenType

    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(split)
    writer.add_token_list(TOKENS + [f"zz{index}" for index in range(size - len(TOKENS))])
    writer.add_token_types([TokenType.CONTROL] * 3 + [TokenType.NORMAL] * (size - 3))
    writer.add_token_merges(["c a", "ca t"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)


def add_pieces(writer: Any, size: int, special: list[str]) -> None:
    """Add a tokenizer of pieces with scores, as SentencePiece makes them."""
    from gguf import TokenType

    pieces = [*special, *PIECES]
    pieces += [f"zz{index}" for index in range(size - len(pieces))]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(pieces)
    writer.add_token_scores([-float(index) for index in range(size)])
    writer.add_token_types([TokenType.CONTROL] * 4 + [TokenType.NORMAL] * (size - 4))
    writer.add_eos_token_id(1)
    writer.add_bos_token_id(2)
    writer.add_unk_token_id(3)
    writer.add_pad_token_id(0)
