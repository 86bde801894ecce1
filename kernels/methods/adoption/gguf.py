"""Adopting a checkpoint that comes as GGUF: its weights, tokenizer and chat template become a checkpoint like any other.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Transformers' loader unpacks the quantized blocks to float32 first.
"""

from pathlib import Path
from typing import Any, Literal, cast

from kernels.models.formats import checkpoints
from kernels.specs.config import Config
from kernels.specs.methods import ModelJob, ModelMethod


class GgufConfig(Config):
    """How the weights are stored."""

    dtype: Literal["float32", "bfloat16"]
    """Of the adopted weights."""


def run(job: ModelJob) -> dict[str, float]:
    """Adopt the one GGUF file of ``job.data``, a folder or the file itself.

    Raises:
        FileNotFoundError: there is no GGUF file, or more than one.
        ValueError: the tokenizer knows more tokens than the model.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers import GgufConfig as Loading

    config: GgufConfig = job.config
    file = _only_file(job.data)
    place: dict[str, Any] = {"gguf_file": file.name, "local_files_only": True}
    tokenizer = cast(Any, AutoTokenizer).from_pretrained(file.parent, **place)
    # Without `dequantize` Transformers calls the model quantized even after unpacking it, and refuses to save it.
    loading = Loading(dequantize=True)
    model = cast(Any, AutoModelForCausalLM).from_pretrained(file.parent, **place, dtype=torch.float32, quantization_config=loading)
    if len(tokenizer) > model.config.vocab_size:
        raise ValueError(f"{file}: {len(tokenizer)} tokens for {model.config.vocab_size} embeddings; the file is not whole, fetch it again")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    model.config.pad_token_id = model.generation_config.pad_token_id = tokenizer.pad_token_id
    checkpoints.save(model.to(getattr(torch, config.dtype)), tokenizer, job.out)
    return {"num_parameters": float(sum(parameter.numel() for parameter in model.parameters()))}


def _only_file(data: Path | None) -> Path:
    if data is None:
        raise FileNotFoundError("adopt_gguf: needs a package; name the folder of a *.gguf file under 'data'")
    found = [data] if data.is_file() else sorted(data.rglob("*.gguf"))
    if len(found) != 1:
        raise FileNotFoundError(f"{data}: needs exactly one *.gguf file, found {[path.name for path in found]}")
    return found[0]


SPEC = ModelMethod(name="adopt_gguf", version=1, config=GgufConfig, roles=(), data="package", run=run)
