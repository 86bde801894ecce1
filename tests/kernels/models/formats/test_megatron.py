"""A Llama in Megatron's form: names and shapes as its own model has them, whole, in pieces and in folders, and back."""

import pickle
from pathlib import Path
from typing import Any

import pytest

from kernels.models.architectures.llama import stack_of
from kernels.models.formats import megatron, megatron_folders
from kernels.models.formats.megatron_pieces import Cut, Piece, cut, joined, padded_vocabulary

GPT_MODEL = {
    "embedding.word_embeddings.weight": (50, 32),
    "decoder.layers.0.input_layernorm.weight": (32,),
    "decoder.layers.0.self_attention.linear_proj.weight": (32, 32),
    "decoder.layers.0.self_attention.linear_qkv.weight": (64, 32),
    "decoder.layers.0.pre_mlp_layernorm.weight": (32,),
    "decoder.layers.0.mlp.linear_fc1.weight": (96, 32),
    "decoder.layers.0.mlp.linear_fc2.weight": (32, 48),
    "decoder.layers.1.input_layernorm.weight": (32,),
    "decoder.layers.1.self_attention.linear_proj.weight": (32, 32),
    "decoder.layers.1.self_attention.linear_qkv.weight": (64, 32),
    "decoder.layers.1.pre_mlp_layernorm.weight": (32,),
    "decoder.layers.1.mlp.linear_fc1.weight": (96, 32),
    "decoder.layers.1.mlp.linear_fc2.weight": (32, 48),
    "decoder.final_layernorm.weight": (32,),
    "output_layer.weight": (50, 32),
}
"""Tensors of megatron-core 0.16.1's GPTModel by its local spec, built on a CPU: 2 layers, width 32, 4 heads in 2 groups, 48 neurons, 50 tokens."""
DISTRIBUTED = {
    "embedding.word_embeddings.weight": (50, 32),
    "decoder.layers.self_attention.linear_qkv.layer_norm_weight": (2, 32),
    "decoder.layers.self_attention.linear_proj.weight": (2, 32, 32),
    "decoder.layers.self_attention.linear_qkv.weight": (2, 64, 32),
    "decoder.layers.mlp.linear_fc1.layer_norm_weight": (2, 32),
    "decoder.layers.mlp.linear_fc1.weight": (2, 96, 32),
    "decoder.layers.mlp.linear_fc2.weight": (2, 32, 48),
    "decoder.final_layernorm.weight": (32,),
    "output_layer.weight": (50, 32),
}
"""Keys and global shapes of the same model's sharded_state_dict()."""


def llama(*, tied: bool = False, layers: int = 2) -> tuple[dict[str, Any], Any]:
    """The weights of a Llama of the sizes above by Transformers' names, and its stack."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    shape = LlamaConfig(
        vocab_size=50,
        hidden_size=32,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=48,
        max_position_embeddings=16,
        tie_word_embeddings=tied,
    )
    torch.manual_seed(0)
    state = LlamaForCausalLM(shape).state_dict()
    weights = {name: torch.randn_like(tensor) for name, tensor in state.items() if not (tied and name == "lm_head.weight")}
    return weights, stack_of(shape)


def shapes(state: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(tensor.equal(other[name]) for name, tensor in one.items())


def test_names_and_shapes_are_those_of_megatrons_own_model() -> None:
    weights, stack = llama()
    assert shapes(megatron.to_megatron(weights, stack, "local")) == GPT_MODEL
    assert shapes(megatron_folders.stacked(megatron.to_megatron(weights, stack), 2)) == DISTRIBUTED


def test_a_group_of_queries_stands_before_its_key_and_value() -> None:
    weights, stack = llama()
    qkv = megatron.to_megatron(weights, stack)["decoder.layers.1.self_attention.linear_qkv.weight"]
    attention = {name: weights[f"model.layers.1.self_attn.{name}_proj.weight"] for name in "qkv"}
    assert qkv[:16].equal(attention["q"][:16]) and qkv[16:24].equal(attention["k"][:8]) and qkv[24:32].equal(attention["v"][:8])
    assert qkv[32:48].equal(attention["q"][16:]) and qkv[48:56].equal(attention["k"][8:]) and qkv[56:].equal(attention["v"][8:])


@pytest.mark.parametrize("spec", ["local", "transformer_engine"])
@pytest.mark.parametrize("tied", [True, False])
def test_there_and_back_changes_no_bit(spec: megatron.Spec, tied: bool) -> None:
    weights, stack = llama(tied=tied)
    assert same(megatron.from_megatron(megatron.to_megatron(weights, stack, spec), stack), weights)


@pytest.mark.parametrize("by", [Cut(2, 1), Cut(1, 2), Cut(2, 2), Cut(2, 2, 2)])
@pytest.mark.parametrize("tied", [True, False])
def test_pieces_of_processes_joined_again_are_the_whole_with_the_vocabulary_padded_and_cut_off(by: Cut, tied: bool) -> None:
    weights, stack = llama(tied=tied, layers=4)
    pieces = cut(megatron.to_megatron(weights, stack), stack, by, divisible_by=16)
    assert len(pieces) == by.tensor * by.pipeline * by.stages
    assert pieces[Piece(0, 0)]["embedding.word_embeddings.weight"].shape == (64 // by.tensor, 32)
    whole = joined(pieces, stack, by)
    assert whole["embedding.word_embeddings.weight"].shape == (64, 32)
    assert same(megatron.from_megatron(whole, stack), weights)


def test_a_tensor_rank_has_whole_groups_its_rows_of_gate_and_of_up_and_its_columns_of_what_leads_out() -> None:
    weights, stack = llama()
    whole = megatron.to_megatron(weights, stack)
    held = cut(whole, stack, Cut(2, 1))[Piece(1, 0)]
    layer = "decoder.layers.0."
    assert held[f"{layer}self_attention.linear_qkv.weight"].equal(whole[f"{layer}self_attention.linear_qkv.weight"][32:])
    assert held[f"{layer}mlp.linear_fc1.weight"][:24].equal(weights["model.layers.0.mlp.gate_proj.weight"][24:])
    assert held[f"{layer}mlp.linear_fc1.weight"][24:].equal(weights["model.layers.0.mlp.up_proj.weight"][24:])
    assert held[f"{layer}mlp.linear_fc2.weight"].equal(weights["model.layers.0.mlp.down_proj.weight"][:, 24:])


def test_stages_of_a_pipeline_rank_are_every_so_manieth() -> None:
    weights, stack = llama(layers=4)
    held = cut(megatron.to_megatron(weights, stack), stack, Cut(1, 2, 2))
    assert held[Piece(0, 1, 0)]["decoder.layers.0.mlp.linear_fc2.weight"].equal(weights["model.layers.1.mlp.down_proj.weight"])
    assert held[Piece(0, 0, 1)]["decoder.layers.0.mlp.linear_fc2.weight"].equal(weights["model.layers.2.mlp.down_proj.weight"])
    assert "output_layer.weight" in held[Piece(0, 1, 1)] and "output_layer.weight" not in held[Piece(0, 1, 0)]


def test_what_cannot_be_shared_alike_and_a_checkpoint_of_another_model_are_refused() -> None:
    weights, stack = llama()
    whole = megatron.to_megatron(weights, stack)
    with pytest.raises(ValueError, match="2 layers cannot be shared alike by 4; take a divisor of 2"):
        cut(whole, stack, Cut(1, 4))
    with pytest.raises(ValueError, match=r"the state lacks decoder\.layers\.2\.mlp\.linear_fc1\.layer_norm_weight \(6 tensors differ\)"):
        megatron.from_megatron(whole, stack._replace(num_layers=3))
    with pytest.raises(ValueError, match=r"is \[50, 32\], and of this model \[60, 32\]"):
        megatron.from_megatron(whole, stack._replace(vocab_size=60))
    assert padded_vocabulary(50, 128, 2) == 256


def test_a_folder_comes_back_bit_by_bit_whether_it_is_named_or_the_one_above_it(tmp_path: Path) -> None:
    weights, stack = llama(tied=True)
    megatron_folders.write(megatron.to_megatron(weights, stack), 2, tmp_path / "start")
    for named in (tmp_path / "start", tmp_path / "start" / "release"):
        assert same(megatron.from_megatron(megatron_folders.read(named), stack), weights)


@pytest.mark.filterwarnings("ignore:torch.distributed is disabled")
def test_an_optimizers_state_beside_the_weights_is_passed_over(tmp_path: Path) -> None:
    import torch
    from torch.distributed.checkpoint.filesystem import FileSystemWriter
    from torch.distributed.checkpoint.state_dict_saver import save

    weights, stack = llama()
    held = megatron_folders.stacked(megatron.to_megatron(weights, stack), 2)
    beside = {"optimizer.state.exp_avg.output_layer.weight": torch.zeros(50, 32), "rng_state/shard": "words"}
    save({**held, **beside}, storage_writer=FileSystemWriter(tmp_path / "iter_0000030"), no_dist=True)
    (tmp_path / "latest_checkpointed_iteration.txt").write_text("30")
    assert same(megatron.from_megatron(megatron_folders.read(tmp_path), stack), weights)


def test_layers_apart_with_gate_and_up_parted_are_read_as_well() -> None:
    """So megatron-core 0.16.1 names them where its metadata say non_homogeneous_layers and singleton_local_shards."""
    weights, stack = llama()
    state = megatron.to_megatron(weights, stack)
    for layer in range(2):
        name = f"decoder.layers.{layer}.mlp.linear_fc1.weight"
        state[f"{name}_w"], state[f"{name}_v"] = state.pop(name).chunk(2)
    assert same(megatron.from_megatron(megatron_folders.unstacked(state), stack), weights)


def test_an_index_with_the_plans_that_megatron_leaves_in_it_is_read(tmp_path: Path) -> None:
    from torch.distributed.checkpoint.metadata import ChunkStorageMetadata, MetadataIndex, TensorProperties
    from torch.distributed.checkpoint.planner import SavePlan, TensorWriteData, WriteItem, WriteItemType

    weights, stack = llama()
    megatron_folders.write(megatron.to_megatron(weights, stack), 2, tmp_path / "start")
    path = tmp_path / "start" / "release" / ".metadata"
    index: Any = pickle.loads(path.read_bytes())
    size = weights["lm_head.weight"].shape
    told = TensorWriteData(ChunkStorageMetadata(size, size), TensorProperties(), size)
    index.all_local_plans = [SavePlan([WriteItem(MetadataIndex("output_layer.weight"), WriteItemType.SHARD, tensor_data=told)])]
    path.write_bytes(pickle.dumps(index))
    assert same(megatron.from_megatron(megatron_folders.read(tmp_path / "start"), stack), weights)


class Opens:
    """Runs something as a pickle is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_an_index_that_would_run_something_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / ".metadata").write_bytes(pickle.dumps(Opens(tmp_path / "ran")))
    with pytest.raises(ValueError, match=r"\.metadata: names .*, which no index does, so that it is not opened"):
        megatron_folders.read(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_a_folder_without_an_index_and_a_tracker_that_names_no_checkpoint_are_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"has no \.metadata, as checkpoints of --ckpt-format torch_dist have"):
        megatron_folders.read(tmp_path)
    (tmp_path / "latest_checkpointed_iteration.txt").write_text("../elsewhere")
    with pytest.raises(ValueError, match=r"'\.\./elsewhere' is no number of a checkpoint"):
        megatron_folders.read(tmp_path)
