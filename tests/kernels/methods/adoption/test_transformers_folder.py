"""Adopting Transformers folders: any causal decoder, and nothing that would run code."""

import json
from pathlib import Path
from typing import Any

import pytest

from kernels.methods.adoption import transformers_folder as adoption
from kernels.models.formats import checkpoints
from kernels.tokens import tokenizer_files
from kernels.tokens.chats import template
from kernels.tokens.tokenizers import byte_bpe, of_model
from tests.method_jobs import method_job

SHAPE = {"vocab_size": 264, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
SHAPE |= {"max_position_embeddings": 64, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}


def random_model(kind: str, **changes: Any) -> Any:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **{**SHAPE, **changes})).eval()


def write_folder(folder: Path, model: Any, **saving: Any) -> Path:
    """Write a model as people publish it: Transformers' own files, the chat template inside tokenizer_config.json."""
    tokenizer_files.write_tokenizer(byte_bpe.train(iter(["say cat"]), byte_bpe.ByteBpeConfig(vocab_size=264)), folder)
    (folder / "chat_template.jinja").unlink()
    change(folder / "tokenizer_config.json", pad_token=None, chat_template="{% for m in messages %}[{{ m['content'] }}]{% endfor %}")
    model.save_pretrained(folder, **saving)
    return folder


def change(file: Path, **changes: Any) -> None:
    """Set keys of a JSON file, or remove those that are None."""
    values = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({name: value for name, value in {**values, **changes}.items() if value is not None}))


def adopt(data: Path, out: Path, dtype: str = "float32", say: Any = pytest.fail) -> dict[str, float]:
    return adoption.run(method_job(adoption.TransformersConfig(dtype=dtype), {adoption.PACKAGE: data}, out, say=say))


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("llama", {}),
        ("llama", {"tie_word_embeddings": True}),
        ("gpt2", {}),
        ("qwen2", {"tie_word_embeddings": True}),
        ("gemma2", {"head_dim": 8, "sliding_window": 8}),
        ("gpt_neox", {}),
        ("mixtral", {"num_local_experts": 4}),
        ("mamba2", {"num_heads": 8, "head_dim": 8, "state_size": 8, "n_groups": 1, "chunk_size": 4}),
    ],
)
@pytest.mark.parametrize("shard", ["1GB", "20KB"])
def test_any_causal_decoder_whole_or_in_shards_becomes_a_checkpoint_that_answers_the_same(
    tmp_path: Path, kind: str, changes: dict[str, Any], shard: str
) -> None:
    import torch

    model = random_model(kind, **changes)
    folder = write_folder(tmp_path / "package", model, max_shard_size=shard)
    assert (folder / "model.safetensors.index.json").exists() == (shard == "20KB")
    summary = adopt(folder, tmp_path / "out")
    assert summary["num_parameters"] == sum(parameter.numel() for parameter in model.parameters())
    lm = checkpoints.load(tmp_path / "out", "cpu")
    ids = torch.arange(30)[None]
    with torch.inference_mode():
        assert torch.equal(lm.model(ids).logits, model(ids).logits)
    assert lm.tokenizer.apply_chat_template([{"role": "user", "content": "hi"}], tokenize=False) == "[hi]"
    assert lm.tokenizer.pad_token == lm.tokenizer.eos_token == "<|endoftext|>"
    assert lm.model.config.tie_word_embeddings == model.config.tie_word_embeddings


def test_conversations_are_packed_by_the_template_that_the_model_is_asked_by_where_it_has_several(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "package", random_model("llama"))
    plain, tools = "{% for m in messages %}[{{ m['content'] }}]{% endfor %}", "{{ tools | length }} tools"
    change(folder / "tokenizer_config.json", chat_template=[{"name": "default", "template": plain}, {"name": "tool_use", "template": tools}])
    adopt(folder, tmp_path / "out")
    (tmp_path / "tokenizer").mkdir()
    of_model.take(tmp_path / "out", tmp_path / "tokenizer")
    packed_by = tokenizer_files.read_tokenizer(tmp_path / "tokenizer").template
    asked = checkpoints.load(tmp_path / "out", "cpu").tokenizer
    said, tool = [{"role": "user", "content": "hi"}], {"type": "function", "function": {"name": "tide"}}
    for given, expected in ((None, "[hi]"), ([tool], "1 tools")):
        assert packed_by is not None and template(packed_by, {})(said, given, False) == expected
        assert asked.apply_chat_template(said, tools=given, tokenize=False) == expected


def test_the_same_folder_gives_the_same_bytes_in_the_asked_dtype(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    folder = write_folder(tmp_path / "package", random_model("llama").to(torch.float16))
    for out in ("first", "second"):
        adopt(folder, tmp_path / out, "bfloat16")
    names = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert {"chat_template.jinja", "config.json", "generation_config.json", "model.safetensors", "tokenizer.json"} <= set(names)
    for name in names:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes(), name
    assert {str(tensor.dtype) for tensor in load_file(tmp_path / "first" / "model.safetensors").values()} == {"torch.bfloat16"}


def test_a_generation_config_that_forgets_to_sample_is_mended_with_a_word(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "package", random_model("llama"))
    change(folder / "generation_config.json", temperature=0.6, top_p=0.9, eos_token_id=[0, 2])
    words: list[str] = []
    adopt(folder, tmp_path / "out", say=words.append)
    assert words == [f"{folder}: generation_config.json says how to sample but not that it samples; do_sample is set"]
    kept = json.loads((tmp_path / "out" / "generation_config.json").read_text())
    assert (kept["temperature"], kept["do_sample"], kept["eos_token_id"], kept["pad_token_id"]) == (0.6, True, [0, 2], 0)


def test_weights_that_are_no_part_of_the_architecture_are_told(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = write_folder(tmp_path / "package", random_model("llama"))
    tensors = load_file(folder / "model.safetensors")
    save_file({**tensors, "extra.weight": tensors["model.norm.weight"].clone()}, folder / "model.safetensors", {"format": "pt"})
    words: list[str] = []
    adopt(folder, tmp_path / "out", say=words.append)
    assert words == [f"{folder}: the weights extra.weight are no part of LlamaForCausalLM and are left out"]


@pytest.mark.parametrize(
    ("file", "changes", "error"),
    [
        (
            "config.json",
            {"auto_map": {"AutoModelForCausalLM": "modeling.Own"}},
            r"config\.json asks for code of its own \(auto_map\), which is never",
        ),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["own.Own", None]}}, r"tokenizer_config\.json asks for code of its own"),
        ("config.json", {"model_type": "own"}, r"'own' is no causal decoder that Transformers \S+ has"),
        ("config.json", {"model_type": "t5"}, r"'t5' is no causal decoder"),
        ("config.json", {"architectures": ["LlamaForSequenceClassification"]}, r"LlamaForSequenceClassification is no causal decoder of text"),
        ("config.json", {"model_type": "gemma3", "architectures": ["Gemma3ForConditionalGeneration"]}, r"ConditionalGeneration is no causal decoder"),
        ("config.json", {"quantization_config": {"quant_method": "gptq"}}, r"quantized \(quantization_config\); adopt the model that they were made"),
        ("config.json", {"num_hidden_layers": 3}, r"the weights model\.layers\.2.* and 6 more are missing"),
        ("config.json", {"intermediate_size": 64}, r"other shapes than the config says"),
        ("config.json", {"vocab_size": 100}, r"other shapes than the config says"),
        ("tokenizer_config.json", {"eos_token": None}, r"no end-of-text token; name its eos_token in tokenizer_config\.json"),
        (
            "tokenizer_config.json",
            {"additional_special_tokens": [f"<own{n}>" for n in range(9)]},
            r"the tokens <own\d>, .* have none of the model's 264 embeddings",
        ),
    ],
)
def test_a_folder_that_cannot_be_adopted_says_why(tmp_path: Path, file: str, changes: dict[str, Any], error: str) -> None:
    folder = write_folder(tmp_path / "package", random_model("llama"))
    change(folder / file, **changes)
    with pytest.raises(ValueError, match=error):
        adopt(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("kind", "said", "error"),
    [
        ("bert", {"architectures": ["BertForMaskedLM"]}, "BertForMaskedLM is no causal decoder of text"),
        ("bert", {"architectures": None}, "a token of this BertLMHeadModel looks at those behind it"),
        ("bert", {"architectures": ["BertLMHeadModel"]}, "a token of this BertLMHeadModel looks at those behind it"),
        ("modernbert", {"architectures": ["ModernBertForMaskedLM"]}, "'modernbert' is no causal decoder"),
    ],
)
def test_a_model_that_looks_ahead_is_no_causal_decoder_whatever_it_is_called(tmp_path: Path, kind: str, said: dict[str, Any], error: str) -> None:
    folder = write_folder(tmp_path / "package", random_model("bert" if kind == "modernbert" else kind))
    change(folder / "config.json", model_type=kind, **said)
    with pytest.raises(ValueError, match=error):
        adopt(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_model_that_looks_ahead_by_its_nature_is_refused(tmp_path: Path) -> None:
    from transformers import XLNetConfig, XLNetLMHeadModel

    folder = write_folder(tmp_path / "package", XLNetLMHeadModel(XLNetConfig(vocab_size=264, d_model=32, n_layer=2, n_head=4, d_inner=48)))
    with pytest.raises(ValueError, match="a token of this XLNetLMHeadModel looks at those behind it, so that it continues no text"):
        adopt(folder, tmp_path / "out")


def test_a_bert_that_is_a_decoder_by_its_config_is_adopted(tmp_path: Path) -> None:
    assert adopt(write_folder(tmp_path / "package", random_model("bert", is_decoder=True)), tmp_path / "out")["num_parameters"] > 0


def test_a_decoder_that_does_not_count_positions_from_0_is_refused(tmp_path: Path) -> None:
    from transformers import RobertaConfig, RobertaForCausalLM

    sizes: dict[str, Any] = {"vocab_size": 264, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 48}
    folder = write_folder(tmp_path / "package", RobertaForCausalLM(RobertaConfig(**sizes, max_position_embeddings=64, is_decoder=True)))
    with pytest.raises(ValueError, match="this RobertaForCausalLM does not count positions from 0"):
        adopt(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_pickled_weights_are_refused_with_the_remedy(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "package", random_model("llama"))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"pickled \(pytorch_model\.bin\).*may run code; take a revision that has safetensors, or convert it"):
        adopt(folder, tmp_path / "out")


@pytest.mark.parametrize(
    ("removed", "error"),
    [
        (["config.json"], r"has no config\.json; name the folder that holds it"),
        (["model.safetensors.index.json"], r"has neither model\.safetensors nor model\.safetensors\.index\.json"),
        (["model-00002-of-00004.safetensors"], r"index\.json names model-00002-of-00004\.safetensors, which the folder has not"),
    ],
)
def test_a_file_that_is_not_there_is_named(tmp_path: Path, removed: list[str], error: str) -> None:
    folder = write_folder(tmp_path / "package", random_model("llama"), max_shard_size="40KB")
    for name in removed:
        (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=error):
        adopt(folder, tmp_path / "out")


def test_a_shard_outside_the_folder_is_not_read(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "package", random_model("llama"))
    (folder / "model.safetensors").rename(tmp_path / "outside.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"model.norm.weight": "../outside.safetensors"}}))
    with pytest.raises(FileNotFoundError, match=r"names \.\./outside\.safetensors, which the folder has not"):
        adopt(folder, tmp_path / "out")


def test_a_config_that_is_not_json_is_named(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "package", random_model("llama"))
    (folder / "config.json").write_text("{")
    with pytest.raises(ValueError, match=r"package: config\.json is not JSON"):
        adopt(folder, tmp_path / "out")
