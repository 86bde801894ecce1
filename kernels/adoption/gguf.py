"""Adopting a checkpoint that comes as GGUF: its weights, tokenizer and chat template become a checkpoint like any other.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Quantized blocks are dequantised by Transformers' loader.
"""

from typing import Any, Literal

from kernels import checkpoints
from kernels.specs import Config, ModelJob, ModelMethod


class GgufConfig(Config):
    """How the weights are stored."""

    dtype: Literal["float32", "bfloat16"]
    """Of the adopted weights."""


def run(job: ModelJob) -> dict[str, float]:
    """Adopt the one GGUF file of ``job.data``, a folder or the file itself.

    Raises:
        FileNotFoundError: there is no GGUF file, or more than one.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    config: GgufConfig = job.config
    assert job.data is not None
    found = [job.data] if job.data.is_file() else sorted(job.data.glob("*.gguf"))
    if len(found) != 1:
        raise FileNotFoundError(f"{job.data}: needs exactly one *.gguf file, found {[path.name for path in found]}")
    folder, name = found[0].parent, found[0].name
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, gguf_file=name, local_files_only=True)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    model: Any = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, local_files_only=True, dtype=torch.float32)
    model.config.pad_token_id = tokenizer.pad_token_id
    model.generation_config = None
    checkpoints.save(model.to(getattr(torch, config.dtype)), tokenizer, job.out)
    return {"num_parameters": float(sum(parameter.numel() for parameter in model.parameters()))}


SPEC = ModelMethod(name="adopt_gguf", version=1, config=GgufConfig, roles=(), data="package", run=run)
