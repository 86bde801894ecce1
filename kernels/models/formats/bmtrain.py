"""A Llama as ModelCenter's holds it, which BMTrain trains, and back: the same matrices by other names, so that both ways are exact.

Names are those of model-center 1.0.2 (model_center/model/llama.py and its layers). ``bmtrain.save`` writes a flat dictionary of whole tensors by
``torch.save``, however many processes hold them; it is read as tensors alone.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kernels.models.blocks.decoder import DecoderShape
from kernels.models.formats.state_tables import Entry, Table

COMPUTED = "position_bias.inv_freq"
"""A buffer that a checkpoint holds beside the weights."""


def table(stack: DecoderShape) -> Table:
    """Return how the parameters are called: in ModelCenter's Llama, and in Transformers'."""
    attention, feed_forward = "encoder.layers.{}.self_att.", "encoder.layers.{}.ffn."
    theirs = "model.layers.{}."
    entries = [
        Entry("input_embedding.weight", ("model.embed_tokens.weight",)),
        Entry(f"{attention}layernorm_before_attention.weight", (f"{theirs}input_layernorm.weight",)),
        *(Entry(f"{attention}self_attention.project_{name}.weight", (f"{theirs}self_attn.{name}_proj.weight",)) for name in "qkv"),
        Entry(f"{attention}self_attention.attention_out.weight", (f"{theirs}self_attn.o_proj.weight",)),
        Entry(f"{feed_forward}layernorm_before_ffn.weight", (f"{theirs}post_attention_layernorm.weight",)),
        Entry(f"{feed_forward}ffn.w_in.w_0.weight", (f"{theirs}mlp.gate_proj.weight",)),
        Entry(f"{feed_forward}ffn.w_in.w_1.weight", (f"{theirs}mlp.up_proj.weight",)),
        Entry(f"{feed_forward}ffn.w_out.weight", (f"{theirs}mlp.down_proj.weight",)),
        Entry("encoder.output_layernorm.weight", ("model.norm.weight",)),
    ]
    if not stack.tied:
        entries.append(Entry("output_projection.weight", ("lm_head.weight",)))
    return Table(entries, stack.num_layers)


def write(state: Mapping[str, Any], path: Path) -> None:
    """Write a state by ModelCenter's names as ``bmtrain.load`` reads it."""
    import torch

    torch.save(dict(state), path)


def read(path: Path) -> dict[str, Any]:
    """Return the state of a file of ``bmtrain.save``, by ModelCenter's names.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it holds what is no tensor, so that it is not opened.
    """
    import pickle

    import torch

    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such checkpoint; name a file that bmtrain.save wrote")
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(f"{path}: holds more than tensors, so that it is not opened; name a file that bmtrain.save wrote") from error
    return {name: tensor for name, tensor in found.items() if name != COMPUTED}
