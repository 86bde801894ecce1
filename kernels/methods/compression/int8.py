"""Weight-only int8 quantization, symmetric, one scale an output channel (Dettmers et al. 2022, arXiv 2208.07339, without outlier columns).

The files are those that the library compressed-tensors calls ``int-quantized``, and config.json says so: Transformers reads them by that library and
refuses them without it, where it would else take the integers for weights.

The distance from the parent is measured on token ids that the parent samples: mean KL divergence of next-token distributions, and how often
the first choice is the same.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field

from kernels.inference.decoding import continued
from kernels.models.formats import checkpoints
from kernels.models.formats.chats import beginning
from kernels.models.formats.checkpoints import QUANTIZATION_KEY, LanguageModel
from kernels.models.formats.int8 import quantize_weight, replace_linears
from kernels.specs.config import Config
from kernels.specs.methods import CheckpointFinding, Method, MethodCheck, MethodJob
from kernels.specs.needs import Parent

PARENT = Parent("parent")


class Int8Config(Config):
    """Which layers stay as they are, and on what the distance from the parent is measured."""

    skip: tuple[str, ...] = ("lm_head",)
    """Layers left alone by name: the output embeddings are the most sensitive. Those tied to the input ones are always left alone."""
    num_sequences: int = Field(gt=0)
    """Sequences that the distance is measured on."""
    sequence_length: int = Field(gt=1)
    """Tokens in each, with what stands before a text."""
    seed: int
    """Of the sequences, which the parent itself samples."""


class Quantized(NamedTuple):
    """Int8 values and scales by tensor name, the largest rounding error of a weight, and what is as it was."""

    tensors: dict[str, Any]
    max_abs_error: float
    left_alone: list[str]
    """Linear layers that are not among them."""


def run(job: MethodJob) -> dict[str, float]:
    """Quantize the parent.

    Returns:
        Sizes of the weights (bytes), their ratio, the largest error of a weight, the mean KL divergence (nats a token) from the parent's
        next-token distribution, and the share of positions with the same first choice.

    Raises:
        ValueError: the parent is quantized already, or has no layer of a name in ``skip``.
    """
    from safetensors.torch import load_file, save_file  # pyright: ignore[reportUnknownVariableType]

    config: Int8Config = job.config
    folder = job.paths[PARENT]
    parent = checkpoints.load(folder, job.device)
    quantized = quantize(parent.model, config.skip, folder)
    tokens = _sample(parent, config)
    expected = _log_probabilities(parent.model, tokens)
    parent.tokenizer.save_pretrained(job.out)
    parent.model.generation_config.save_pretrained(job.out)
    stored = load_file(folder / "model.safetensors")  # what is not quantized keeps its bits
    tensors = {name: tensor.cpu().contiguous() for name, tensor in (stored | quantized.tensors).items()}
    save_file(tensors, job.out / "model.safetensors", metadata={"format": "pt"})
    _describe(job.out / "config.json", folder / "config.json", quantized.left_alone)
    replace_linears(parent.model, tensors)
    got = _log_probabilities(parent.model.to(job.device), tokens)
    size, parent_size = ((path / "model.safetensors").stat().st_size for path in (job.out, folder))
    return {
        "size_bytes": float(size),
        "parent_size_bytes": float(parent_size),
        "compression": parent_size / size,
        "max_abs_weight_error": quantized.max_abs_error,
        "mean_logit_kl": max(0.0, sum(float((p.exp() * (p - q)).sum(-1).mean()) for p, q in zip(expected, got, strict=True)) / len(got)),
        "top1_agreement": sum(float((p.argmax(-1) == q.argmax(-1)).float().mean()) for p, q in zip(expected, got, strict=True)) / len(got),
    }


def quantize(model: Any, skip: tuple[str, ...], folder: Path) -> Quantized:
    """Return the int8 form of a model's linear layers; the model stays as it is."""
    import torch

    if hasattr(model.config, QUANTIZATION_KEY):
        raise ValueError(f"{folder}: is an int8 model already; quantize the model it was made from")
    linears = {name: module for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
    unknown = sorted(set(skip) - set(linears))
    if unknown:
        raise ValueError(f"{folder}: has no linear layer {unknown}, which 'skip' names; it has {sorted(linears)[:3]} and others")
    embeddings = model.get_input_embeddings().weight
    left_alone = [name for name, module in linears.items() if name in skip or module.weight is embeddings]
    tensors: dict[str, Any] = {}
    worst = 0.0
    for name, module in linears.items():
        if name in left_alone:
            continue
        values, scale = quantize_weight(module.weight.detach())
        tensors |= {f"{name}.weight": values, f"{name}.weight_scale": scale}
        worst = max(worst, float((values * scale - module.weight.detach()).abs().max()))
    return Quantized(tensors, worst, left_alone)


def _sample(parent: LanguageModel, config: Int8Config) -> Any:
    """Return token ids [N, T]: what stands before a text, and what the parent samples behind it, text such as it would write."""
    import torch

    starts = [beginning(parent.tokenizer)] * config.num_sequences
    num_sampled = config.sequence_length - len(starts[0])
    sampled = continued(parent, starts, max_new_tokens=num_sampled, temperature=1.0, seed=config.seed, stop=())
    return torch.tensor([[*start, *row] for start, row in zip(starts, sampled, strict=True)], device=parent.device)


def _log_probabilities(model: Any, tokens: Any) -> list[Any]:
    """Return the next-token log-probabilities [T, V] of each sequence."""
    import torch

    with torch.inference_mode():
        return [model(input_ids=sequence[None]).logits[0].float().log_softmax(-1) for sequence in tokens]


FORMAT = "int-quantized"


def _describe(path: Path, parent: Path, left_alone: list[str]) -> None:
    """Write the parent's config with a word on how the checkpoint is to be read, here and by compressed-tensors."""
    settings: dict[str, Any] = json.loads(parent.read_text())
    weights = {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "channel"}
    settings["quantization_config"] = {
        "quant_method": "compressed-tensors",
        "quantization_status": "compressed",
        "format": FORMAT,
        "config_groups": {"group_0": {"targets": ["Linear"], "weights": weights, "format": FORMAT}},
        "ignore": left_alone,
    }
    path.write_text(json.dumps({**settings, QUANTIZATION_KEY: {"method": "int8_weight_only"}}, indent=2, sort_keys=True) + "\n")


class Int8Limits(Config):
    """How far a quantized model may be from its parent."""

    max_kl_nats: float = Field(default=0.05, gt=0)
    """Greatest mean KL divergence of next-token distributions, in nats a token."""
    min_top1_agreement: float = Field(default=0.8, ge=0, le=1)
    """Least share of positions with the same first choice."""


def judge_distance(folder: Path, summary: Mapping[str, Any], limits: Int8Limits) -> CheckpointFinding:
    """Return whether a quantized model is as near to its parent as asked."""
    kl, agreement = float(summary["mean_logit_kl"]), float(summary["top1_agreement"])
    passed = kl <= limits.max_kl_nats and agreement >= limits.min_top1_agreement
    found = f"KL {kl:.2g} nats (at most {limits.max_kl_nats}), same first choice {agreement:.1%} (at least {limits.min_top1_agreement:.0%})"
    return CheckpointFinding(passed, found, {"mean_logit_kl": kl, "top1_agreement": agreement})


def reads(config: Int8Config) -> tuple[str, int]:
    """Return the key that says how long a sequence it samples, and that number of tokens."""
    return "sequence_length", config.sequence_length


STAYS_CLOSE = MethodCheck(
    name="stays_close_to_its_parent",
    description="Next-token distributions are near those of its parent.",
    version=1,
    blocking=True,
    limits=Int8Limits(),
    judge=judge_distance,
)
SPEC = Method(name="int8", version=5, config=Int8Config, needs=(PARENT,), run=run, checks=(STAYS_CLOSE,), reads=reads, is_last=True)
