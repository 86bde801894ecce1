"""A Llama as Megatron-core's GPTModel holds it, and back: both ways exact, tensors in, tensors out.

Names and orders are those of megatron-core 0.16.1: queries, keys and values are one matrix, a group of queries with its key and value behind the
other; gate and up are one matrix. The spec of Transformer Engine (models/gpt/gpt_layer_specs.py, where norm and matrix are one module) names norms
other than the local spec does, and distributed checkpoints name them as Transformer Engine in either case.
"""

from collections.abc import Mapping
from typing import Any, Literal

from kernels.models.blocks.decoder import DecoderShape

Spec = Literal["local", "transformer_engine"]
NORMS: dict[Spec, tuple[str, str]] = {
    "local": ("input_layernorm.weight", "pre_mlp_layernorm.weight"),
    "transformer_engine": ("self_attention.linear_qkv.layer_norm_weight", "mlp.linear_fc1.layer_norm_weight"),
}
"""Of a layer, before attention and before the feed-forward block."""
EMBEDDING, OUTPUT, FINAL_NORM = "embedding.word_embeddings.weight", "output_layer.weight", "decoder.final_layernorm.weight"
QKV, PROJ = "self_attention.linear_qkv.weight", "self_attention.linear_proj.weight"
FC1, FC2 = "mlp.linear_fc1.weight", "mlp.linear_fc2.weight"
LAYER = "decoder.layers."
EXTRA = "._extra_state"
"""End of the names of what Transformer Engine keeps beside weights, for products of eight bits; nothing in other precisions."""


def to_megatron(theirs: Mapping[str, Any], stack: DecoderShape, spec: Spec = "transformer_engine") -> dict[str, Any]:
    """Return the tensors of Transformers' Llama by Megatron's names.

    Args:
        theirs: all of them; of a model whose embeddings are tied, the output layer may be left out.
        stack: the model's sizes.
        spec: by which norms are named.

    Raises:
        KeyError: a tensor is not there.
    """
    import torch

    groups, queries = stack.num_kv_heads, stack.num_heads // stack.num_kv_heads
    found: dict[str, Any] = {EMBEDDING: theirs["model.embed_tokens.weight"], FINAL_NORM: theirs["model.norm.weight"]}
    for number in range(stack.num_layers):
        from_, to = f"model.layers.{number}.", f"{LAYER}{number}."
        parts = zip("qkv", (queries, 1, 1), strict=True)
        by_group = [theirs[f"{from_}self_attn.{name}_proj.weight"].reshape(groups, heads * stack.head_width, stack.width) for name, heads in parts]
        found |= {
            f"{to}{NORMS[spec][0]}": theirs[f"{from_}input_layernorm.weight"],
            f"{to}{QKV}": torch.cat(by_group, dim=1).reshape(-1, stack.width),
            f"{to}{PROJ}": theirs[f"{from_}self_attn.o_proj.weight"],
            f"{to}{NORMS[spec][1]}": theirs[f"{from_}post_attention_layernorm.weight"],
            f"{to}{FC1}": torch.cat([theirs[f"{from_}mlp.gate_proj.weight"], theirs[f"{from_}mlp.up_proj.weight"]]),
            f"{to}{FC2}": theirs[f"{from_}mlp.down_proj.weight"],
        }
    if not stack.tied:
        found[OUTPUT] = theirs["lm_head.weight"]
    return found


def from_megatron(state: Mapping[str, Any], stack: DecoderShape) -> dict[str, Any]:
    """Return the tensors of Transformers' Llama of a whole state of Megatron's, by either spec; rows that pad the vocabulary are cut off.

    Raises:
        ValueError: a tensor lacks, is left over or of another shape: the state is of another model.
    """
    spec: Spec = "local" if f"{LAYER}0.{NORMS['local'][0]}" in state else "transformer_engine"
    _require(state, stack, spec)
    width, heads = stack.head_width, stack.num_heads // stack.num_kv_heads
    found: dict[str, Any] = {"model.embed_tokens.weight": state[EMBEDDING][: stack.vocab_size], "model.norm.weight": state[FINAL_NORM]}
    for number in range(stack.num_layers):
        from_, to = f"{LAYER}{number}.", f"model.layers.{number}."
        grouped = state[f"{from_}{QKV}"].reshape(stack.num_kv_heads, (heads + 2) * width, stack.width)
        for name, part in zip("qkv", grouped.split([heads * width, width, width], dim=1), strict=True):
            found[f"{to}self_attn.{name}_proj.weight"] = part.reshape(-1, stack.width)
        gate, up = state[f"{from_}{FC1}"].split(stack.inner_width)
        found |= {
            f"{to}input_layernorm.weight": state[f"{from_}{NORMS[spec][0]}"],
            f"{to}self_attn.o_proj.weight": state[f"{from_}{PROJ}"],
            f"{to}post_attention_layernorm.weight": state[f"{from_}{NORMS[spec][1]}"],
            f"{to}mlp.gate_proj.weight": gate,
            f"{to}mlp.up_proj.weight": up,
            f"{to}mlp.down_proj.weight": state[f"{from_}{FC2}"],
        }
    if not stack.tied:
        found["lm_head.weight"] = state[OUTPUT][: stack.vocab_size]
    return {name: tensor.contiguous() for name, tensor in found.items()}


def shapes(stack: DecoderShape, spec: Spec = "transformer_engine") -> dict[str, tuple[int, ...]]:
    """Return what a whole state of Megatron's holds, by name, where the vocabulary is not padded."""
    queries, keys = stack.num_heads * stack.head_width, stack.num_kv_heads * stack.head_width
    found: dict[str, tuple[int, ...]] = {EMBEDDING: (stack.vocab_size, stack.width), FINAL_NORM: (stack.width,)}
    for number in range(stack.num_layers):
        found |= {f"{LAYER}{number}.{norm}": (stack.width,) for norm in NORMS[spec]}
        found |= {f"{LAYER}{number}.{QKV}": (queries + 2 * keys, stack.width), f"{LAYER}{number}.{PROJ}": (stack.width, queries)}
        found |= {f"{LAYER}{number}.{FC1}": (2 * stack.inner_width, stack.width), f"{LAYER}{number}.{FC2}": (stack.width, stack.inner_width)}
    return found if stack.tied else {**found, OUTPUT: (stack.vocab_size, stack.width)}


def _require(state: Mapping[str, Any], stack: DecoderShape, spec: Spec) -> None:
    held = {name: tuple(tensor.shape) for name, tensor in state.items() if not name.endswith(EXTRA)}
    wanted = shapes(stack, spec)
    if differing := sorted(held.keys() ^ wanted.keys()):
        told = "lacks" if differing[0] in wanted else "has beside the model"
        raise ValueError(f"the state {told} {differing[0]} ({len(differing)} tensors differ); give the checkpoint of this model")
    for name, shape in wanted.items():
        rows_may_pad = name in (EMBEDDING, OUTPUT) and held[name][0] >= shape[0]
        if held[name] != shape and not (rows_may_pad and held[name][1:] == shape[1:]):
            raise ValueError(f"{name} is {list(held[name])}, and of this model {list(shape)}; give the checkpoint of this model")
