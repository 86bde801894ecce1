"""Adopting GGUF files: what the adopted model answers is what the model in the file answers."""

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kernels.inference import decoding
from kernels.methods.adoption import gguf as adoption
from kernels.models.formats import checkpoints
from kernels.specs.turns import Turn
from tests.gguf_models import EPSILON, random_model, write_model
from tests.method_jobs import method_job

SHAPE = {"vocab_size": 40, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
SHAPE |= {"max_position_embeddings": 64, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}
RMS = {"feed_forward_length": 96, "attention.head_count_kv": 2, "attention.layer_norm_rms_epsilon": EPSILON}
NORM = {"feed_forward_length": 96, "attention.head_count_kv": 2, "attention.layer_norm_epsilon": EPSILON}
EXPERTS = {"rms_norm_eps": EPSILON, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
EXPERT_SETTINGS = {**RMS, "expert_count": 4, "expert_used_count": 2, "expert_feed_forward_length": 32}
WIDE = {"attention.key_length": 32, "attention.value_length": 32}
SIXTEEN = {**RMS, "attention.key_length": 16}
LLAMA3 = {"rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
LLAMA3 |= {"original_max_position_embeddings": 8192}
LONG = {"long_factor": [2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], "short_factor": [1.0, 1.0, 1.5, 1.5, 2.0, 2.0, 2.5, 2.5]}


def rope(**more: Any) -> dict[str, Any]:
    return {"rope_type": "default", "rope_theta": 5000.0, **more}


def llama3_divisors(head_size: int, factor: float) -> list[float]:
    """As llama.cpp's converter writes them."""
    divisors: list[float] = []
    for index in range(head_size // 2):
        wavelength = 2 * math.pi * 5e5 ** (2 * index / head_size)
        if wavelength < 8192 / 4:
            divisors.append(1.0)
        elif wavelength > 8192:
            divisors.append(factor)
        else:
            smooth = (8192 / wavelength - 1) / 3
            divisors.append(1 / ((1 - smooth) / factor + smooth))
    return divisors


def small(kind: str, **changes: Any) -> Any:
    from transformers import AutoConfig

    return AutoConfig.for_model(kind, **{**SHAPE, **changes})


def adopt(data: Path, out: Path, dtype: str = "float32", say: Any = pytest.fail) -> dict[str, float]:
    return adoption.run(method_job(adoption.GgufConfig(dtype=dtype), {adoption.PACKAGE: data}, out, say=say))


def require_same_answers(model: Any, checkpoint: Path) -> Any:
    """Compare the logits of 48 tokens, and return the adopted model."""
    import torch

    adopted = checkpoints.load(checkpoint, "cpu").model
    ids = torch.randint(0, model.config.vocab_size, (2, 48), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(adopted(ids).logits, model(ids).logits, rtol=1e-4, atol=1e-5)
    return adopted


def write_llama(path: Path, settings: dict[str, Any] | None = None, tensors: dict[str, Any] | None = None, **changes: Any) -> Any:
    model = random_model(small("llama", rms_norm_eps=EPSILON, tie_word_embeddings=True, rope_parameters=rope(), **changes))
    write_model(path, "llama", model, {**RMS, "rope.freq_base": 5000.0, "rope.dimension_count": 16, **(settings or {})}, tensors=tensors)
    return model


def test_weights_tokenizer_and_template_become_a_checkpoint(tmp_path: Path):
    (tmp_path / "package").mkdir()
    model = write_llama(tmp_path / "package" / "tiny.gguf")
    summary = adopt(tmp_path / "package", tmp_path / "out")
    assert summary["num_parameters"] == sum(parameter.numel() for parameter in model.parameters())
    lm = checkpoints.load(tmp_path / "out", "cpu")
    for name, parameter in model.named_parameters():
        assert np.array_equal(lm.model.get_parameter(name).detach().numpy(), parameter.detach().numpy()), name
    prompt = lm.tokenizer.apply_chat_template([{"role": "user", "content": "a cat"}], tokenize=False)
    assert prompt == "<|im_start|>user\na cat<|im_end|>\n"
    assert lm.tokenizer.tokenize(prompt) == ["<|im_start|>", "u", "s", "e", "r", "Ċ", "a", "Ġ", "cat", "<|im_end|>", "Ċ"]
    assert (lm.tokenizer.eos_token, lm.tokenizer.pad_token is None) == ("<|im_end|>", False)


def test_weights_are_stored_in_the_dtype_of_the_config(tmp_path: Path):
    from safetensors.torch import load_file

    write_llama(tmp_path / "tiny.gguf")
    adopt(tmp_path / "tiny.gguf", tmp_path / "out", "bfloat16")
    assert {str(tensor.dtype) for tensor in load_file(tmp_path / "out" / "model.safetensors").values()} == {"torch.bfloat16"}


@pytest.mark.parametrize(
    ("architecture", "kind", "changes", "settings", "tensors"),
    [
        pytest.param("llama", "llama", {"rms_norm_eps": EPSILON, "rope_parameters": rope()}, {**RMS, "rope.freq_base": 5000.0}, {}, id="llama"),
        pytest.param(
            "llama",
            "llama",
            {"rms_norm_eps": EPSILON, "head_dim": 32, "rope_parameters": rope()},
            {**RMS, "rope.freq_base": 5000.0, "rope.dimension_count": 32, "attention.key_length": 32, "attention.value_length": 32},
            {},
            id="llama with wide heads",
        ),
        pytest.param(
            "llama",
            "llama",
            {"rms_norm_eps": EPSILON, "rope_parameters": LLAMA3},
            {**RMS, "rope.freq_base": 5e5},
            {"rope_freqs.weight": llama3_divisors(16, 8.0)},
            id="llama 3.1",
        ),
        pytest.param(
            "llama",
            "llama",
            {"rms_norm_eps": EPSILON, "rope_parameters": rope(rope_type="linear", factor=4.0)},
            {**RMS, "rope.freq_base": 5000.0, "rope.scaling.type": "linear", "rope.scaling.factor": 4.0},
            {},
            id="llama scaled linearly",
        ),
        pytest.param(
            "qwen2",
            "qwen2",
            {"rms_norm_eps": EPSILON, "rope_parameters": rope(rope_type="yarn", factor=4.0, original_max_position_embeddings=16)},
            {**RMS, "rope.freq_base": 5000.0, "rope.scaling.type": "yarn", "rope.scaling.factor": 4.0, "rope.scaling.original_context_length": 16},
            {},
            id="qwen2 scaled by yarn",
        ),
        pytest.param("qwen2", "qwen2", {"rms_norm_eps": EPSILON, "rope_parameters": rope()}, {**RMS, "rope.freq_base": 5000.0}, {}, id="qwen2"),
        pytest.param(
            "qwen3",
            "qwen3",
            {"rms_norm_eps": EPSILON, "head_dim": 32, "rope_parameters": rope()},
            {**RMS, "rope.freq_base": 5000.0, "attention.key_length": 32, "attention.value_length": 32},
            {},
            id="qwen3",
        ),
        pytest.param(
            "qwen2moe",
            "qwen2_moe",
            {**EXPERTS, "shared_expert_intermediate_size": 48},
            {**EXPERT_SETTINGS, "expert_shared_feed_forward_length": 48},
            {},
            id="qwen2moe",
        ),
        pytest.param("qwen3moe", "qwen3_moe", {**EXPERTS, "head_dim": 32, "norm_topk_prob": True}, {**EXPERT_SETTINGS, **WIDE}, {}, id="qwen3moe"),
        pytest.param(
            "gemma2",
            "gemma2",
            {"rms_norm_eps": EPSILON, "head_dim": 32, "query_pre_attn_scalar": 32, "sliding_window": 8, "final_logit_softcapping": 3.0},
            {**RMS, "attention.key_length": 32, "attention.sliding_window": 8, "final_logit_softcapping": 3.0, "attn_logit_softcapping": 50.0},
            {},
            id="gemma2",
        ),
        pytest.param(
            "gemma3",
            "gemma3_text",
            {
                "rms_norm_eps": EPSILON,
                "head_dim": 32,
                "query_pre_attn_scalar": 32,
                "sliding_window": 8,
                "num_hidden_layers": 7,
                "rope_parameters": {"full_attention": rope(rope_type="linear", factor=8.0), "sliding_attention": rope(rope_theta=10_000.0)},
            },
            {
                **RMS,
                "attention.key_length": 32,
                "attention.sliding_window": 8,
                "rope.freq_base": 5000.0,
                "rope.scaling.type": "linear",
                "rope.scaling.factor": 8.0,
            },
            {},
            id="gemma3",
        ),
        pytest.param(
            "phi3",
            "phi3",
            {
                "rms_norm_eps": EPSILON,
                "sliding_window": 8,
                "rope_parameters": rope(partial_rotary_factor=0.5),
                "original_max_position_embeddings": 64,
            },
            {**RMS, "rope.freq_base": 5000.0, "rope.dimension_count": 8, "attention.sliding_window": 8},
            {},
            id="phi3",
        ),
        pytest.param(
            "phi3",
            "phi3",
            {
                "rms_norm_eps": EPSILON,
                "rope_parameters": rope(rope_type="longrope", **LONG, attention_factor=1.25, original_max_position_embeddings=16, factor=4.0),
                "original_max_position_embeddings": 16,
            },
            {
                **RMS,
                "rope.freq_base": 5000.0,
                "rope.dimension_count": 16,
                "attention.sliding_window": 0,
                "rope.scaling.original_context_length": 16,
                "rope.scaling.attn_factor": 1.25,
            },
            {"rope_factors_long.weight": LONG["long_factor"], "rope_factors_short.weight": LONG["short_factor"]},
            id="phi3 for long contexts",
        ),
        pytest.param(
            "gpt2", "gpt2", {"layer_norm_epsilon": EPSILON}, {"feed_forward_length": 256, "attention.layer_norm_epsilon": EPSILON}, {}, id="gpt2"
        ),
        pytest.param(
            "starcoder2", "starcoder2", {"norm_epsilon": EPSILON, "rope_parameters": rope()}, {**NORM, "rope.freq_base": 5000.0}, {}, id="starcoder2"
        ),
        pytest.param(
            "stablelm",
            "stablelm",
            {"layer_norm_eps": EPSILON, "use_qkv_bias": True, "rope_parameters": rope(partial_rotary_factor=0.5)},
            {**NORM, "rope.freq_base": 5000.0, "rope.dimension_count": 8, "use_parallel_residual": False},
            {},
            id="stablelm",
        ),
    ],
)
def test_an_adopted_model_answers_as_the_one_in_the_file(
    tmp_path: Path, architecture: str, kind: str, changes: dict[str, Any], settings: dict[str, Any], tensors: dict[str, Any]
):
    model = random_model(small(kind, **changes))
    write_model(tmp_path / "tiny.gguf", architecture, model, settings, tensors=tensors)
    adopt(tmp_path, tmp_path / "out")
    adopted = require_same_answers(model, tmp_path / "out")
    assert adopted.config.tie_word_embeddings == model.config.tie_word_embeddings


@pytest.mark.parametrize("kind", ["F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"])
def test_every_common_quantization_is_unpacked(tmp_path: Path, kind: str):
    changes = {"hidden_size": 256, "intermediate_size": 256, "num_hidden_layers": 1, "rms_norm_eps": EPSILON, "rope_parameters": rope()}
    model = random_model(small("llama", **changes))
    write_model(tmp_path / "tiny.gguf", "llama", model, {**RMS, "feed_forward_length": 256, "rope.freq_base": 5000.0}, kind)
    adopt(tmp_path, tmp_path / "out")
    require_same_answers(model, tmp_path / "out")


@pytest.mark.parametrize("names", [[], ["a.gguf", "b.gguf"]])
def test_a_package_without_exactly_one_file_is_an_error_that_lists_them(tmp_path: Path, names: list[str]):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(FileNotFoundError, match=r"exactly one \*\.gguf file, found " + str(names).replace("[", r"\[").replace("]", r"\]")):
        adopt(tmp_path, tmp_path / "out")


def test_an_unknown_architecture_is_named_with_those_that_are_supported(tmp_path: Path):
    from gguf import GGUFWriter

    writer = GGUFWriter(tmp_path / "tiny.gguf", "rwkv7")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with pytest.raises(ValueError, match=r"tiny.gguf: the architecture 'rwkv7' is not supported; supported are gemma2, gemma3, gpt2, llama, phi3"):
        adopt(tmp_path, tmp_path / "out")


def test_an_unknown_quantization_is_named_with_those_that_are_supported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import gguf

    write_llama(tmp_path / "tiny.gguf")
    kinds = gguf.GGMLQuantizationType
    monkeypatch.setattr(adoption, "_quantizations", lambda: {kinds.Q4_0, kinds.F16})
    with pytest.raises(ValueError, match=r"tiny.gguf: the quantization F32 is not supported; supported are F16, Q4_0$"):
        adopt(tmp_path, tmp_path / "out")


def test_types_of_whole_numbers_are_no_quantizations():
    names = {kind.name for kind in adoption._quantizations()}
    assert {"F32", "F16", "BF16", "Q4_0", "Q5_1", "Q8_0", "Q4_K", "Q6_K", "IQ4_XS"} <= names and not names & {"I8", "I32", "Q8_K"}


def test_one_part_of_several_is_an_error_with_the_remedy(tmp_path: Path):
    from gguf import GGUFWriter

    writer = GGUFWriter(tmp_path / "tiny-00001-of-00002.gguf", "llama")
    writer.add_uint16("split.count", 2)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with pytest.raises(ValueError, match=r"is one of 2 parts; join them with llama\.cpp's 'llama-gguf-split --merge'"):
        adopt(tmp_path, tmp_path / "out")


@pytest.mark.parametrize(
    "damage", [lambda content: content[:-5000], lambda content: b"GGML" + content[4:], lambda content: content[:100], lambda content: b""]
)
def test_a_damaged_file_is_named(tmp_path: Path, damage: Any):
    write_llama(tmp_path / "tiny.gguf")
    (tmp_path / "tiny.gguf").write_bytes(damage((tmp_path / "tiny.gguf").read_bytes()))
    with pytest.raises(ValueError, match=r"tiny.gguf: cannot be read as GGUF \(.*\); fetch it again"):
        adopt(tmp_path, tmp_path / "out")


def test_a_tensor_that_the_loader_would_drop_is_an_error(tmp_path: Path):
    write_llama(tmp_path / "tiny.gguf", tensors={"blk.0.attn_q.bias": [0.5] * 64})
    with pytest.raises(ValueError, match=r"llama models with tensors blk\.0\.attn_q\.bias are not supported"):
        adopt(tmp_path, tmp_path / "out")


def test_a_missing_tensor_is_an_error(tmp_path: Path):
    write_llama(tmp_path / "tiny.gguf", {"block_count": 3})
    with pytest.raises(ValueError, match=r"the weights model.layers.2.*and 6 more are missing"):
        adopt(tmp_path, tmp_path / "out")


@pytest.mark.parametrize("factor", [8.0, 32.0])
def test_the_rotary_scaling_of_llama_3_is_read_off_its_divisors(tmp_path: Path, factor: float):
    settings = {**RMS, "rope.freq_base": 5e5}
    model = random_model(small("llama", rms_norm_eps=EPSILON))
    write_model(tmp_path / "tiny.gguf", "llama", model, settings, tensors={"rope_freqs.weight": llama3_divisors(16, factor)})
    adopt(tmp_path, tmp_path / "out")
    assert checkpoints.load(tmp_path / "out", "cpu").model.config.rope_parameters == {**LLAMA3, "factor": factor}


def test_rotary_divisors_of_another_kind_are_an_error(tmp_path: Path):
    write_llama(tmp_path / "tiny.gguf", tensors={"rope_freqs.weight": [1, 2, 3, 4, 5, 6, 7, 8]})
    with pytest.raises(ValueError, match=r"rope_freqs.weight is not as Llama 3 scales"):
        adopt(tmp_path, tmp_path / "out")


def test_what_is_left_out_is_told(tmp_path: Path):
    model = random_model(small("llama", rms_norm_eps=EPSILON))
    write_model(tmp_path / "tiny.gguf", "llama", model, {**RMS, "pooling_type": 1}, split="exotic")
    words: list[str] = []
    adopt(tmp_path, tmp_path / "out", say=words.append)
    file = tmp_path / "tiny.gguf"
    assert words == [
        f"{file}: the settings pooling_type of llama are not known here and are left out",
        f"{file}: its way of splitting text, 'exotic', is not known; GPT-2's is taken, which may give other tokens than were learned",
    ]


@pytest.mark.parametrize(("architecture", "bos", "eos"), [("gemma2", "<bos>", "<eos>"), ("phi3", "<s>", "</s>"), ("llama", "<s>", "</s>")])
def test_a_tokenizer_of_pieces_keeps_its_pieces_and_special_tokens(tmp_path: Path, architecture: str, bos: str, eos: str):
    model = random_model(small(architecture, rms_norm_eps=EPSILON, head_dim=16))
    write_model(tmp_path / "tiny.gguf", architecture, model, SIXTEEN, special=["<pad>", eos, bos, "<unk>", "<mask>"])
    adopt(tmp_path, tmp_path / "out")
    tokenizer = checkpoints.load(tmp_path / "out", "cpu").tokenizer
    assert tokenizer.tokenize("a cat")[-1] == "▁cat"
    assert (tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token) == (bos, eos, "<pad>")


def test_weights_of_another_shape_than_the_settings_say_are_an_error(tmp_path: Path):
    write_llama(tmp_path / "tiny.gguf", {"feed_forward_length": 128})
    with pytest.raises(ValueError, match=r"other shapes than the config says: .*down_proj.weight \[64, 96\], not \[64, 128\]"):
        adopt(tmp_path, tmp_path / "out")


@pytest.mark.slow
def test_smollm2_knows_the_capital_of_france(tmp_path: Path):
    file = os.environ.get("MILL_TEST_GGUF")
    if file is None:
        pytest.skip("MILL_TEST_GGUF names no SmolLM2-135M-Instruct.Q4_1.gguf")
    adopt(Path(file), tmp_path / "out", "bfloat16")
    lm = checkpoints.load(tmp_path / "out", "cpu")
    assert lm.tokenizer("The capital of France is")["input_ids"] == [504, 3575, 282, 4649, 314]
    answer = "".join(decoding.chat(lm, [Turn("user", "What is the capital of France?")], max_new_tokens=30, temperature=0.0, seed=0))
    assert "Paris" in answer
