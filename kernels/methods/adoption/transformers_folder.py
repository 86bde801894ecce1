"""Adopting a checkpoint that comes as a Transformers folder: config.json, safetensors (one file, or shards with their index), tokenizer files.

Nothing in the folder is run: custom code and pickled weights are refused. Causal decoders of text only, of any architecture that Transformers
itself has; tested on small random Llama, GPT-2, GPT-NeoX, Qwen 2, Gemma 2 and Mixtral models.
"""

import json
from pathlib import Path, PurePath
from typing import Any, cast

from kernels.methods.adoption.adopted import LOADING, AdoptionConfig, fit_tokenizer, keep, require_whole, some
from kernels.models.formats import recurrent
from kernels.specs.methods import Method, MethodJob
from kernels.specs.needs import Package

PACKAGE = Package()
CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


class TransformersConfig(AdoptionConfig):
    """How the weights are stored."""


def run(job: MethodJob) -> dict[str, float]:
    """Adopt the Transformers folder of the package; see `adopt_folder`."""
    return adopt_folder(job, job.paths[PACKAGE], str(job.paths[PACKAGE]))


def adopt_folder(job: MethodJob, folder: Path, source: str) -> dict[str, float]:
    """Make a checkpoint of a Transformers folder; errors call it by ``source``.

    Raises:
        FileNotFoundError: the config, the weights or a shard of them are not there.
        ValueError: it needs code of its own, is pickled, quantized, no causal decoder, lacks weights, or its tokenizer does not fit.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    _require_decoder(folder, source)
    names = {path.name for path in folder.iterdir() if path.is_file()}
    require_safetensors(names, source)
    _require_shards(folder, names, source)
    tokenizer = cast(Any, AutoTokenizer).from_pretrained(folder, local_files_only=True)
    fit_tokenizer(source, tokenizer)
    config: AdoptionConfig = job.config
    kind = getattr(torch, config.dtype)
    recurrent.register()
    model, loading = cast(Any, AutoModelForCausalLM).from_pretrained(folder, use_safetensors=True, dtype=kind, **LOADING)
    require_whole(source, loading)
    if loading["unexpected_keys"]:
        job.say(f"{source}: the weights {some(loading['unexpected_keys'])} are no part of {type(model).__name__} and are left out")
    return keep(job, source, model, tokenizer)


def _read(file: Path, source: str) -> dict[str, Any]:
    """Return a JSON object of a folder, an empty one where the file is not there."""
    if not file.is_file():
        return {}
    try:
        return json.loads(file.read_text())
    except ValueError as error:
        raise ValueError(f"{source}: {file.name} is not JSON ({error}); fetch it again") from error


def _require_decoder(folder: Path, source: str) -> None:
    """See that the config is there and names a causal decoder of text that Transformers has, unquantized and without code of its own."""
    import transformers
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as DECODERS

    config = _read(folder / CONFIG, source)
    if not config:
        raise FileNotFoundError(f"{source}: has no {CONFIG}; name the folder that holds it; for a name on the hub there is adopt_hub")
    for name in (CONFIG, "tokenizer_config.json"):
        if "auto_map" in _read(folder / name, source):
            raise ValueError(
                f"{source}: {name} asks for code of its own (auto_map), which is never run; where Transformers has the architecture itself, "
                "adopt a copy of the folder without that key"
            )
    if "quantization_config" in config:
        raise ValueError(f"{source}: the weights are quantized (quantization_config); adopt the model that they were made from")
    kind = str(config.get("model_type"))
    decoder = dict(DECODERS).get(kind)
    if decoder is None:
        raise ValueError(f"{source}: {kind!r} is no causal decoder that Transformers {transformers.__version__} has; adopt another model")
    architectures = config.get("architectures") or [decoder]
    if decoder not in architectures or not decoder.endswith(("ForCausalLM", "LMHeadModel")):
        raise ValueError(f"{source}: {some(architectures)} is no causal decoder of text; adopt a model that is")


def require_safetensors(names: set[str], source: str) -> None:
    """See that the weights are among some files, as safetensors.

    Raises:
        FileNotFoundError: no file of weights is.
        ValueError: the weights are pickled only.
    """
    if names & {WEIGHTS, INDEX}:
        return
    pickled = [name for name in names if PurePath(name).suffix in PICKLED]
    if pickled:
        raise ValueError(
            f"{source}: its weights are pickled ({some(pickled)}), and reading a pickle may run code; take a revision that has safetensors, "
            "or convert it where you trust it (AutoModelForCausalLM.from_pretrained, then save_pretrained)"
        )
    raise FileNotFoundError(f"{source}: has neither {WEIGHTS} nor {INDEX}; fetch the weights")


def _require_shards(folder: Path, names: set[str], source: str) -> None:
    """See that every shard is there that an index names. Shards are plain names, so that none lies outside the folder."""
    if WEIGHTS in names:
        return
    missing = set(_read(folder / INDEX, source).get("weight_map", {}).values()) - names
    if missing:
        raise FileNotFoundError(f"{source}: {INDEX} names {some(missing)}, which the folder has not; fetch them")


SPEC = Method(name="adopt_transformers", version=3, config=TransformersConfig, needs=(PACKAGE,), run=run)
