import json
from pathlib import Path
from typing import Any

import pytest

from kernels.methods.alignment import sft
from kernels.methods.compression import int8
from kernels.models.architectures import llama
from kernels.models.formats import checkpoints
from kernels.models.formats.int8 import quantize_weight, replace_linears
from kernels.specs.methods import MethodJob
from kernels.tokens import tokenizer_files
from kernels.tokens.tokenizers import byte_bpe
from tests.method_jobs import method_job


def make_parent(folder: Path, *, tied: bool) -> Path:
    import torch
    from transformers import AutoTokenizer, LlamaForCausalLM

    tokenizer_files.write_tokenizer(byte_bpe.train(iter(["a cat"]), byte_bpe.ByteBpeConfig(vocab_size=264)), folder / "tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
    torch.manual_seed(0)
    family = llama.LlamaConfig(
        kind="llama", hidden_size=64, num_layers=2, num_heads=2, num_kv_heads=1, intermediate_size=96, max_position_embeddings=64, tie_embeddings=tied
    )
    shape = llama.build(family, vocab_size=len(tokenizer), eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    checkpoints.save(LlamaForCausalLM(shape), tokenizer, folder / "model")
    return folder / "model"


def job(parent: Path, out: Path, **changes: Any) -> MethodJob:
    out.mkdir()
    config = int8.Int8Config(**{"num_sequences": 2, "sequence_length": 16, "seed": 1, **changes})
    return method_job(config, {int8.PARENT: parent}, out)


def test_a_weight_is_rounded_to_within_half_a_step_of_its_row():
    import torch

    weight = torch.tensor([[1.0, -127.0, 0.4], [0.0, 0.0, 0.0], [0.01, 0.02, -0.03]])
    values, scale = quantize_weight(weight)
    assert values.dtype == torch.int8 and scale.shape == (3, 1)
    assert values[0].tolist() == [1, -127, 0] and values[1].tolist() == [0, 0, 0]
    assert bool(((values * scale - weight).abs() <= scale / 2 + 1e-9).all())


@pytest.mark.parametrize("tied", [True, False])
def test_a_quantized_checkpoint_is_smaller_and_answers_as_its_parent(tmp_path: Path, tied: bool):
    import torch

    parent = make_parent(tmp_path, tied=tied)
    summary = int8.run(job(parent, tmp_path / "out"))
    assert summary["compression"] > 1.5 and summary["size_bytes"] == (tmp_path / "out" / "model.safetensors").stat().st_size
    assert 0 <= summary["mean_logit_kl"] < 1e-3 and summary["top1_agreement"] > 0.8
    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.no_grad():
        expected, got = (checkpoints.load(folder, "cpu").model(ids).logits for folder in (parent, tmp_path / "out"))
    assert 0 < float((expected - got).abs().max()) < 0.05


def test_the_distance_is_measured_on_texts_that_begin_as_texts_are_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    read: list[Any] = []

    def log_probabilities(model: Any, tokens: Any) -> list[Any]:
        read.append(tokens)
        return [logits.log_softmax(-1) for logits in model(input_ids=tokens).logits.detach()]

    monkeypatch.setattr(int8, "_log_probabilities", log_probabilities)
    int8.run(job(make_parent(tmp_path, tied=True), tmp_path / "out", sequence_length=64))
    assert [tokens.shape for tokens in read] == [(2, 64)] * 2 and read[0].equal(read[1])
    assert read[0][:, 0].tolist() == [0, 0] and len(set(read[0][:, 1:].flatten().tolist())) > 40, "the end of text, and what is drawn behind it"


def test_what_is_not_linear_keeps_its_bits_and_linears_are_int8_in_memory(tmp_path: Path):
    import torch
    from safetensors.torch import load_file

    parent = make_parent(tmp_path, tied=True)
    int8.run(job(parent, tmp_path / "out"))
    before, after = load_file(parent / "model.safetensors"), load_file(tmp_path / "out" / "model.safetensors")
    assert {name for name in before if torch.equal(before[name], after[name])} == {n for n in before if "norm" in n or "embed" in n}
    assert json.loads((tmp_path / "out" / "config.json").read_text())[checkpoints.QUANTIZATION_KEY] == {"method": "int8_weight_only"}
    model = checkpoints.load(tmp_path / "out", "cpu", "bfloat16").model
    layer = model.model.layers[0].mlp.up_proj
    assert (layer.weight.dtype, layer.weight_scale.dtype, model.model.embed_tokens.weight.dtype) == (torch.int8, torch.float32, torch.bfloat16)


@pytest.mark.parametrize("tied", [True, False])
def test_who_reads_the_checkpoint_elsewhere_gets_the_same_model_or_an_error(tmp_path: Path, tied: bool):
    import importlib.util

    import torch
    from transformers import AutoModelForCausalLM

    auto: Any = AutoModelForCausalLM
    int8.run(job(make_parent(tmp_path, tied=tied), tmp_path / "out"))
    if importlib.util.find_spec("compressed_tensors") is None:
        with pytest.raises(ImportError, match="compressed-tensors"):
            auto.from_pretrained(tmp_path / "out")
        return
    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.no_grad():
        expected, got = checkpoints.load(tmp_path / "out", "cpu").model(ids).logits, auto.from_pretrained(tmp_path / "out")(ids).logits
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-6)


def test_a_mamba_whose_output_layer_is_int8_too_answers_as_its_parent(tmp_path: Path):
    import torch

    from kernels.models.architectures import mamba2
    from kernels.models.formats import recurrent

    config = mamba2.Mamba2Config(kind="mamba2", hidden_size=32, num_layers=1, state_size=8, head_dim=16, tie_embeddings=False)
    torch.manual_seed(0)
    model = recurrent.register()(mamba2.build(config, vocab_size=61, eos_token_id=1, pad_token_id=0)).eval()
    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.no_grad():
        expected = model(ids).logits
        quantized = int8.quantize(model, (), tmp_path)
        assert quantized.left_alone == []
        replace_linears(model, quantized.tensors)
        torch.testing.assert_close(model(ids).logits, expected, rtol=0.05, atol=0.05 * float(expected.abs().max()))
        with pytest.raises(ValueError, match=r"reads numbers of torch\.int8"):
            model.lm_head(ids.to(torch.int8))


def test_tied_embeddings_stay_though_nothing_is_skipped(tmp_path: Path):
    from safetensors.torch import load_file

    int8.run(job(make_parent(tmp_path, tied=True), tmp_path / "out", skip=()))
    assert not [name for name in load_file(tmp_path / "out" / "model.safetensors") if "lm_head" in name]


def test_the_same_config_gives_the_same_bytes(tmp_path: Path):
    parent = make_parent(tmp_path, tied=True)
    assert int8.run(job(parent, tmp_path / "one")) == int8.run(job(parent, tmp_path / "two"))
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_an_int8_model_is_neither_quantized_again_nor_trained(tmp_path: Path):
    int8.run(job(make_parent(tmp_path, tied=True), tmp_path / "out"))
    with pytest.raises(ValueError, match="int8 model already"):
        int8.run(job(tmp_path / "out", tmp_path / "again"))
    config = sft.SftConfig(
        seed=1, num_steps=1, batch_size=1, learning_rate=0.1, warmup_steps=0, max_length=64, precision="float32", checkpoint_every=1
    )
    with pytest.raises(ValueError, match="cannot be trained"):
        sft.run(method_job(config, {sft.PARENT: tmp_path / "out"}, tmp_path / "trained"))


def test_a_skipped_layer_that_is_not_there_is_an_error(tmp_path: Path):
    with pytest.raises(ValueError, match="no linear layer \\['lm_haed'\\]"):
        int8.run(job(make_parent(tmp_path, tied=True), tmp_path / "out", skip=("lm_haed",)))


def test_a_file_that_lacks_a_tensor_is_an_error(tmp_path: Path):
    from safetensors.torch import load_file, save_file

    int8.run(job(make_parent(tmp_path, tied=False), tmp_path / "out"))
    path = tmp_path / "out" / "model.safetensors"
    tensors = load_file(path)
    del tensors["lm_head.weight"]
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"lacks \['lm_head.weight'\]"):
        checkpoints.load(tmp_path / "out", "cpu")
