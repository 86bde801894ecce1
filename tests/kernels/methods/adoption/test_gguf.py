import os
from pathlib import Path

import numpy as np
import pytest

from kernels.inference import decoding
from kernels.methods.adoption import gguf as adoption
from kernels.models.formats import checkpoints
from kernels.specs.methods import ModelJob

NUM_HEADS, HIDDEN, FEED_FORWARD, LETTERS = 2, 32, 64, "abcdefghijklmnopqrstuvwxyzĠĊ"
TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *LETTERS, "ca", "cat"]
TEMPLATE = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"


def write_gguf(path: Path) -> dict[str, np.ndarray]:
    """Write a random one-layer Llama in float32 and return its tensors."""
    from gguf import GGUFWriter, TokenType

    writer = GGUFWriter(path, "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(1)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(NUM_HEADS)
    writer.add_head_count_kv(NUM_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(TOKENS))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(TOKENS)
    writer.add_token_types([TokenType.CONTROL] * 3 + [TokenType.NORMAL] * (len(TOKENS) - 3))
    writer.add_token_merges(["c a", "ca t"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template(TEMPLATE)
    shapes = {"token_embd": (len(TOKENS), HIDDEN), "output_norm": (HIDDEN,)}
    shapes |= {f"blk.0.{name}": (HIDDEN,) for name in ("attn_norm", "ffn_norm")}
    shapes |= {f"blk.0.attn_{name}": (HIDDEN, HIDDEN) for name in ("q", "k", "v", "output")}
    shapes |= {"blk.0.ffn_gate": (FEED_FORWARD, HIDDEN), "blk.0.ffn_up": (FEED_FORWARD, HIDDEN), "blk.0.ffn_down": (HIDDEN, FEED_FORWARD)}
    random = np.random.Generator(np.random.PCG64(1))
    tensors = {name: random.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}
    for name, tensor in tensors.items():
        writer.add_tensor(f"{name}.weight", tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tensors


def adopt(data: Path, out: Path, dtype: str) -> dict[str, float]:
    return adoption.run(ModelJob(adoption.GgufConfig(dtype=dtype), {}, data, None, out, out, "cpu", lambda numbers: None))


def test_weights_tokenizer_and_template_become_a_checkpoint(tmp_path: Path):
    (tmp_path / "package").mkdir()
    tensors = write_gguf(tmp_path / "package" / "tiny.gguf")
    summary = adopt(tmp_path / "package", tmp_path / "out", "float32")
    assert summary["num_parameters"] == sum(tensor.size for tensor in tensors.values())
    lm = checkpoints.load(tmp_path / "out", "cpu")
    assert np.array_equal(lm.model.model.embed_tokens.weight.detach().numpy(), tensors["token_embd"])
    assert np.array_equal(lm.model.model.layers[0].mlp.down_proj.weight.detach().numpy(), tensors["blk.0.ffn_down"])
    prompt = lm.tokenizer.apply_chat_template([{"role": "user", "content": "a cat"}], tokenize=False)
    assert prompt == "<|im_start|>user\na cat<|im_end|>\n"
    assert lm.tokenizer.tokenize(prompt) == ["<|im_start|>", "u", "s", "e", "r", "Ċ", "a", "Ġ", "cat", "<|im_end|>", "Ċ"]
    assert (lm.tokenizer.eos_token, lm.tokenizer.pad_token is None) == ("<|im_end|>", False)


def test_weights_are_stored_in_the_dtype_of_the_config(tmp_path: Path):
    from safetensors.torch import load_file

    write_gguf(tmp_path / "tiny.gguf")
    adopt(tmp_path / "tiny.gguf", tmp_path / "out", "bfloat16")
    assert {str(tensor.dtype) for tensor in load_file(tmp_path / "out" / "model.safetensors").values()} == {"torch.bfloat16"}


@pytest.mark.parametrize("names", [[], ["a.gguf", "b.gguf"]])
def test_a_package_without_exactly_one_file_is_an_error_that_lists_them(tmp_path: Path, names: list[str]):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(FileNotFoundError, match=r"exactly one \*\.gguf file, found " + str(names).replace("[", r"\[").replace("]", r"\]")):
        adopt(tmp_path, tmp_path / "out", "float32")


@pytest.mark.slow
def test_smollm2_knows_the_capital_of_france(tmp_path: Path):
    file = os.environ.get("MILL_TEST_GGUF")
    if file is None:
        pytest.skip("MILL_TEST_GGUF names no SmolLM2-135M-Instruct.Q4_1.gguf")
    adopt(Path(file), tmp_path / "out", "bfloat16")
    lm = checkpoints.load(tmp_path / "out", "cpu")
    assert lm.tokenizer("The capital of France is")["input_ids"] == [504, 3575, 282, 4649, 314]
    answer = "".join(decoding.chat(lm, [{"role": "user", "content": "What is the capital of France?"}], max_new_tokens=30, temperature=0.0, seed=0))
    assert "Paris" in answer
