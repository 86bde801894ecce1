"""Weight-only int8 quantization, symmetric, one scale an output channel (Dettmers et al. 2022, arXiv 2208.07339, without outlier columns).

The distance from the parent is measured on a seeded batch of token ids: mean KL divergence of next-token distributions, and how often the
first choice is the same.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import Field

from kernels import checkpoints
from kernels.checkpoints import QUANTIZATION_KEY, LanguageModel
from kernels.compression.linear8 import quantize_weight, replace_linears
from kernels.specs import Config, ModelJob, ModelMethod


class Int8Config(Config):
    """Which layers stay as they are, and on what the distance from the parent is measured."""

    skip: tuple[str, ...] = ("lm_head",)
    """Layers left alone by name: output embeddings are commonly tied to the input ones, and are the most sensitive."""
    num_sequences: int = Field(gt=0)
    """Sequences that the distance is measured on."""
    sequence_length: int = Field(gt=1)
    """Tokens in each."""
    seed: int
    """Of the sequences, which the parent itself samples."""


def run(job: ModelJob) -> dict[str, float]:
    """Quantize the parent and return sizes and distances."""
    import torch
    from safetensors.torch import save_file

    config: Int8Config = job.config
    parent = checkpoints.load(job.parents["parent"], job.device)
    tokens = _sample(parent, config)
    expected = _logits(parent.model, tokens)
    checkpoints.save(parent.model, parent.tokenizer, job.out)
    quantized: dict[str, Any] = {}
    worst = 0.0
    for name, module in parent.model.named_modules():
        if isinstance(module, torch.nn.Linear) and name not in config.skip:
            values, scale = quantize_weight(module.weight.detach())
            quantized |= {f"{name}.weight": values, f"{name}.weight_scale": scale}
            worst = max(worst, float((values * scale - module.weight).abs().max()))
    stored = _stored_tensors(job.parents["parent"] / "model.safetensors")
    tensors = {**stored, **quantized}
    save_file({name: tensor.contiguous().cpu() for name, tensor in tensors.items()}, job.out / "model.safetensors", metadata={"format": "pt"})
    _mark(job.out / "config.json")
    replace_linears(parent.model, quantized)
    got = _logits(parent.model, tokens)
    kl = torch.nn.functional.kl_div(got.log_softmax(-1), expected.log_softmax(-1), log_target=True, reduction="none").sum(-1).mean()
    sizes = [(folder / "model.safetensors").stat().st_size for folder in (job.out, job.parents["parent"])]
    return {
        "model_bytes": float(sizes[0]),
        "parent_bytes": float(sizes[1]),
        "compression": sizes[1] / sizes[0],
        "max_abs_weight_error": worst,
        "mean_logit_kl": float(kl),
        "top1_agreement": float((got.argmax(-1) == expected.argmax(-1)).float().mean()),
    }


def _sample(parent: LanguageModel, config: Int8Config) -> Any:
    """Return token ids [N, T] that the parent samples from an empty context: text such as it would write."""
    import torch

    torch.manual_seed(config.seed)
    start = torch.full((config.num_sequences, 1), int(parent.tokenizer.eos_token_id), device=parent.device)
    with torch.inference_mode():
        tokens = parent.model.generate(
            input_ids=start,
            attention_mask=torch.ones_like(start),
            do_sample=True,
            top_k=0,
            min_new_tokens=config.sequence_length,
            max_new_tokens=config.sequence_length,
            pad_token_id=parent.tokenizer.pad_token_id,
        )
    return tokens


def _logits(model: Any, tokens: Any) -> Any:
    import torch

    with torch.inference_mode():
        return model(input_ids=tokens).logits.float()


def _stored_tensors(path: Path) -> dict[str, Any]:
    """Return the parent's tensors as they are stored, so that what is not quantized keeps its bits."""
    from safetensors.torch import load_file

    return load_file(path)


def _mark(path: Path) -> None:
    """Say in the config how the checkpoint is to be read."""
    settings: dict[str, Any] = json.loads(path.read_text())
    path.write_text(json.dumps({**settings, QUANTIZATION_KEY: {"method": "int8_weight_only"}}, indent=2, sort_keys=True) + "\n")


SPEC = ModelMethod(name="int8", version=1, config=Int8Config, roles=("parent",), data="none", run=run)
