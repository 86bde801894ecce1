"""Adopting a checkpoint that comes as GGUF: its weights, tokenizer and chat template become a checkpoint like any other.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Transformers' loader unpacks the quantized blocks to float32 first. It drops some
of what a file says, tensors and settings, without an error; those are set here (gguf_settings.py), and what is left is an error or told of.
"""

from pathlib import Path
from typing import Any, cast

from kernels.methods.adoption.adopted import LOADING, AdoptionConfig, fit_tokenizer, keep, require_whole, some
from kernels.methods.adoption.gguf_settings import ARCHITECTURES, ROPE_TENSORS, GgufFile, complete
from kernels.specs.methods import Method, MethodJob
from kernels.specs.needs import Package

PACKAGE = Package()
GPT2_SPLITS = ("default", "gpt-2", "smollm", "starcoder")
"""Ways of splitting text that GPT-2's stands for: those that part digits too have no tokens that GPT-2's would join them in."""


class GgufConfig(AdoptionConfig):
    """How the weights are stored."""


def run(job: MethodJob) -> dict[str, float]:
    """Adopt the one GGUF file of the package, a folder or the file itself.

    Raises:
        FileNotFoundError: there is no GGUF file, or more than one.
        ValueError: the file is damaged or one of several parts, its architecture or quantization is not known, or it lacks weights.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
    from transformers import GgufConfig as Loading

    path = _only_file(job.paths[PACKAGE])
    file = _read(path)
    place: dict[str, Any] = {"gguf_file": path.name, "local_files_only": True}
    tokenizer = cast(Any, AutoTokenizer).from_pretrained(path.parent, **place)
    fit_tokenizer(file.source, tokenizer)
    shape = cast(Any, AutoConfig).from_pretrained(path.parent, **place)
    shape.pad_token_id = tokenizer.pad_token_id
    left_out = complete(shape, file)
    # Without `dequantize` Transformers calls the model quantized even after unpacking it, and refuses to save it.
    place |= {"config": shape, "quantization_config": Loading(dequantize=True), "dtype": torch.float32, **LOADING}
    model, loading = cast(Any, AutoModelForCausalLM).from_pretrained(path.parent, **place)
    require_whole(file.source, loading)
    _require_all_taken(file, model)
    if left_out:
        job.say(f"{file.source}: the settings {some(left_out)} of {file.architecture} are not known here and are left out")
    _tell_of_splitting(job, file)
    return keep(job, file.source, model, tokenizer)


def _only_file(data: Path) -> Path:
    found = [data] if data.is_file() else sorted(data.rglob("*.gguf"))
    if len(found) != 1:
        raise FileNotFoundError(f"{data}: needs exactly one *.gguf file, found {[path.name for path in found]}")
    return found[0]


def _read(path: Path) -> GgufFile:
    """Return what a file says, the long lists of its tokenizer aside, and its tensors. Raises ValueError, see `run`."""
    from gguf import GGUFReader, GGUFValueType

    try:
        reader = GGUFReader(path)
    except (ValueError, IndexError, OverflowError) as error:
        raise ValueError(f"{path}: cannot be read as GGUF ({error}); fetch it again") from error
    lists = {name for name, field in reader.fields.items() if field.types[:1] == [GGUFValueType.ARRAY] and name.startswith("tokenizer.")}
    settings = {name: field.contents() for name, field in reader.fields.items() if name not in lists}
    if settings.get("split.count", 0) > 1:
        raise ValueError(f"{path}: is one of {settings['split.count']} parts; join them with llama.cpp's 'llama-gguf-split --merge'")
    architecture = settings.get("general.architecture")
    if architecture not in ARCHITECTURES:
        raise ValueError(f"{path}: the architecture {architecture!r} is not supported; supported are {', '.join(ARCHITECTURES)}")
    known = _quantizations()
    unknown = {tensor.tensor_type.name for tensor in reader.tensors if tensor.tensor_type not in known}
    if unknown:
        names = ", ".join(sorted(kind.name for kind in known))
        raise ValueError(f"{path}: the quantization {some(unknown)} is not supported; supported are {names}")
    return GgufFile(str(path), architecture, settings, {tensor.name: tensor.data for tensor in reader.tensors})


def _quantizations() -> set[Any]:
    """Return the types of tensors that can be unpacked: those for which a block of zeros can be."""
    import numpy as np
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, dequantize

    known: set[Any] = set()
    for kind in GGMLQuantizationType:
        try:
            dequantize(np.zeros((1, GGML_QUANT_SIZES[kind][1]), np.uint8), kind)
        except NotImplementedError:
            continue
        known.add(kind)
    return known


def _tell_of_splitting(job: MethodJob, file: GgufFile) -> None:
    """Say so where byte-level text is to be split in a way that the loader does not know, and takes for GPT-2's."""
    from transformers.integrations.gguf.gguf_tokenizer_mapping import GGUF_PRE_TOKENIZER_SPLITS

    split = file.settings.get("tokenizer.ggml.pre", "default")
    if file.settings.get("tokenizer.ggml.model") == "gpt2" and split not in {*GPT2_SPLITS, *GGUF_PRE_TOKENIZER_SPLITS}:
        job.say(f"{file.source}: its way of splitting text, {split!r}, is not known; GPT-2's is taken, which may give other tokens than were learned")


def _require_all_taken(file: GgufFile, model: Any) -> None:
    """Raise ValueError where the loader passed over a tensor, which it does without a word."""
    from transformers import modeling_gguf_pytorch_utils

    loader = cast(Any, modeling_gguf_pytorch_utils)
    processor = loader.TENSOR_PROCESSORS.get(file.architecture, loader.TensorProcessor)(config=model.config.to_dict())
    taken = {*loader.get_gguf_hf_weights_map(model, processor), *ROPE_TENSORS}
    dropped = {name for name in file.tensors if not {name, name.removesuffix(".weight")} & taken}  # experts are mapped without the suffix
    if dropped:
        raise ValueError(
            f"{file.source}: {file.architecture} models with tensors {some(dropped)} are not supported; adopt the model in Transformers form"
        )


SPEC = Method(name="adopt_gguf", version=2, config=GgufConfig, needs=(PACKAGE,), run=run)
