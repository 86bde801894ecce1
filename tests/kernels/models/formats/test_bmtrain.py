"""A Llama in ModelCenter's form, and back."""

from pathlib import Path

import pytest

from kernels.models.formats import bmtrain
from kernels.models.formats.state_tables import from_transformers, to_transformers
from tests.kernels.models.formats.test_megatron import Opens, llama, same

MODEL_CENTER = {
    "input_embedding.weight",
    "encoder.layers.0.self_att.layernorm_before_attention.weight",
    "encoder.layers.0.self_att.self_attention.project_q.weight",
    "encoder.layers.0.self_att.self_attention.project_k.weight",
    "encoder.layers.0.self_att.self_attention.project_v.weight",
    "encoder.layers.0.self_att.self_attention.attention_out.weight",
    "encoder.layers.0.ffn.layernorm_before_ffn.weight",
    "encoder.layers.0.ffn.ffn.w_in.w_0.weight",
    "encoder.layers.0.ffn.ffn.w_in.w_1.weight",
    "encoder.layers.0.ffn.ffn.w_out.weight",
    "encoder.output_layernorm.weight",
    "output_projection.weight",
}
"""Of model-center 1.0.2's Llama of one layer, its computed buffer aside."""


def test_names_are_those_of_modelcenters_llama() -> None:
    weights, stack = llama(layers=1)
    assert from_transformers(weights, bmtrain.table(stack)).keys() == MODEL_CENTER


@pytest.mark.parametrize("tied", [True, False])
def test_a_file_comes_back_bit_by_bit_without_the_buffer_that_is_computed(tmp_path: Path, tied: bool) -> None:
    import torch

    weights, stack = llama(tied=tied)
    state = from_transformers(weights, bmtrain.table(stack))
    bmtrain.write({**state, "position_bias.inv_freq": torch.ones(4)}, tmp_path / "model.pt")
    assert same(to_transformers(bmtrain.read(tmp_path / "model.pt"), bmtrain.table(stack)), weights)


def test_a_file_that_would_run_something_is_not_opened(tmp_path: Path) -> None:
    import torch

    torch.save({"weight": Opens(tmp_path / "ran")}, tmp_path / "model.pt")
    with pytest.raises(ValueError, match="holds more than tensors, so that it is not opened"):
        bmtrain.read(tmp_path / "model.pt")
    assert not (tmp_path / "ran").exists()
    with pytest.raises(FileNotFoundError, match="there is no such checkpoint"):
        bmtrain.read(tmp_path / "other.pt")
