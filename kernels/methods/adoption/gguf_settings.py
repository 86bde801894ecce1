"""What a GGUF file says of a model's shape and Transformers' loader (5.23) drops or guesses: head sizes, windows, rotary positions, scales.

The names are those of https://github.com/ggml-org/ggml/blob/master/docs/gguf.md; what a file leaves unsaid is what llama.cpp takes it for. Each
architecture here is tested by writing a small random model as llama.cpp's converter does and comparing what both answer.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, cast

ROPE_TENSORS = ("rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight")
ROPE_SETTINGS = ("rope.freq_base", "rope.dimension_count", "rope.scaling.type", "rope.scaling.factor", "rope.scaling.original_context_length")
ROPE_BASE = 10_000.0
GEMMA3_ROPE_BASE = 1_000_000.0
LLAMA3_CONTEXT, LLAMA3_LOW, LLAMA3_HIGH = 8192, 1.0, 4.0
"""Of the rotary scaling of Llama 3.1 and after (Grattafiori et al. 2024, arXiv 2407.21783); files hold its result, a divisor a frequency."""
GEMMA_27B_LAYERS = {"gemma2": 46, "gemma3": 62}
"""The one size of each family that scales attention by the width a head would have, not by the width it has; llama.cpp knows it by its layers."""
REDUNDANT = ("attention.key_length", "attention.value_length", "rope.scaling.finetuned", "use_parallel_residual", "tensor_data_layout", "vocab_size")
"""Settings that say again what weights or other settings say."""


class GgufFile(NamedTuple):
    """What was read of a file."""

    source: str
    """How errors call it."""
    architecture: str
    settings: dict[str, Any]
    """By full name."""
    tensors: dict[str, Any]
    """By name, still packed."""

    def get(self, name: str, default: Any = None) -> Any:
        """Return a setting of the architecture."""
        return self.settings.get(f"{self.architecture}.{name}", default)


class Architecture(NamedTuple):
    """How the settings of one architecture complete a Transformers config."""

    complete: Callable[[Any, GgufFile], None]
    taken: tuple[str, ...]
    """The settings that it takes, beside those that the loader does."""
    name: str = ""
    """Transformers' name for it, where it has another."""


def complete(config: Any, file: GgufFile) -> set[str]:
    """Set in a config what the loader left out; return the names of the settings that are left over.

    Raises:
        ValueError: the file scales rotary positions in a way that is not known.
    """
    from transformers.integrations import ggml

    architecture = ARCHITECTURES[file.architecture]
    by_loader: dict[str, Any] = cast(Any, ggml).GGUF_CONFIG_MAPPING[architecture.name or file.architecture]
    architecture.complete(config, file)
    prefix = f"{file.architecture}."
    said = {name.removeprefix(prefix) for name in file.settings if name.startswith(prefix)}
    return said - {*by_loader, *architecture.taken, *REDUNDANT}


def _llama(config: Any, file: GgufFile) -> None:
    """Llama, Mistral, Qwen 2 and 3, StarCoder 2: rotary positions over the whole of a head, whose size may be any."""
    size = file.get("attention.key_length") or file.get("rope.dimension_count") or config.hidden_size // config.num_attention_heads
    if file.get("rope.dimension_count", size) != size:
        raise ValueError(f"{file.source}: turns {file.get('rope.dimension_count')} of {size} dimensions of a head; adopt it in Transformers form")
    config.head_dim = size
    config.rope_parameters = _rope(file, size)


def _qwen3moe(config: Any, file: GgufFile) -> None:
    """Qwen 3 with experts, whose width files of an early converter leave out."""
    _llama(config, file)
    config.moe_intermediate_size = file.get("expert_feed_forward_length", config.intermediate_size // config.num_experts_per_tok)


def _qwen2moe(config: Any, file: GgufFile) -> None:
    """Qwen 2 with experts, one of them shared by all tokens."""
    _qwen3moe(config, file)
    config.shared_expert_intermediate_size = file.get("expert_shared_feed_forward_length", config.intermediate_size)


def _partly_turned(config: Any, file: GgufFile) -> None:
    """StableLM: rotary positions over a part of each head."""
    size = config.hidden_size // config.num_attention_heads
    config.rope_parameters = {**_rope(file, size), "partial_rotary_factor": file.get("rope.dimension_count", size) / size}


def _phi3(config: Any, file: GgufFile) -> None:
    """Phi 3 and 4: a window that a file calls 0 where there is none."""
    _partly_turned(config, file)
    config.sliding_window = file.get("attention.sliding_window", 0) or None
    config.original_max_position_embeddings = file.get("rope.scaling.original_context_length", config.max_position_embeddings)


def _gpt2(config: Any, file: GgufFile) -> None:
    """GPT-2: learned positions."""
    config.n_positions = file.get("context_length")
    config.n_inner = file.get("feed_forward_length")


def _gemma2(config: Any, file: GgufFile) -> None:
    _scale_gemma(config, file)
    config.rope_parameters = _rope(file, config.head_dim)
    config.attn_logit_softcapping = file.get("attn_logit_softcapping", 50.0)
    config.final_logit_softcapping = file.get("final_logit_softcapping", 30.0)


def _gemma3(config: Any, file: GgufFile) -> None:
    """Gemma 3: windowed layers have positions of their own, never scaled."""
    _scale_gemma(config, file)
    windowed = {"rope_type": "default", "rope_theta": file.get("rope.freq_base_swa", ROPE_BASE)}
    config.rope_parameters = {"full_attention": _rope(file, config.head_dim, GEMMA3_ROPE_BASE), "sliding_attention": windowed}


def _scale_gemma(config: Any, file: GgufFile) -> None:
    is_27b = config.num_hidden_layers == GEMMA_27B_LAYERS[file.architecture]
    config.query_pre_attn_scalar = config.hidden_size // config.num_attention_heads if is_27b else config.head_dim


def _rope(file: GgufFile, size: int, base: float = ROPE_BASE) -> dict[str, Any]:
    """Return the rotary parameters of heads of some size."""
    theta = float(file.get("rope.freq_base", base))
    rope: dict[str, Any] = {"rope_type": "default", "rope_theta": theta}
    kind, factor = file.get("rope.scaling.type", "none"), file.get("rope.scaling.factor")
    context = file.get("rope.scaling.original_context_length")
    if "rope_freqs.weight" in file.tensors:
        return rope | _llama3(file, theta, size)
    if "rope_factors_long.weight" in file.tensors:
        factors = {name: file.tensors[f"rope_factors_{name}.weight"].tolist() for name in ("long", "short")}
        rope |= {"rope_type": "longrope", "long_factor": factors["long"], "short_factor": factors["short"]}
        return rope | {"original_max_position_embeddings": context, "attention_factor": file.get("rope.scaling.attn_factor")}
    match kind:
        case "none":
            return rope
        case "linear":
            return rope | {"rope_type": "linear", "factor": factor}
        case "yarn":
            return rope | {"rope_type": "yarn", "factor": factor, "original_max_position_embeddings": context}
        case _:
            raise ValueError(f"{file.source}: rotary positions scaled by {kind!r} are not supported; adopt the model in Transformers form")


def _llama3(file: GgufFile, theta: float, size: int) -> dict[str, Any]:
    """Return the scaling of Llama 3 whose result a file holds. Raises ValueError where it holds another's."""
    stored: list[float] = file.tensors["rope_freqs.weight"].tolist()
    factor = max(stored)
    for index, divisor in enumerate(stored):
        turns = LLAMA3_CONTEXT / (2 * math.pi * theta ** (2 * index / size))
        share = min(1.0, max(0.0, (turns - LLAMA3_LOW) / (LLAMA3_HIGH - LLAMA3_LOW)))
        if not math.isclose(divisor, 1 / ((1 - share) / factor + share), rel_tol=1e-3):
            raise ValueError(f"{file.source}: its rope_freqs.weight is not as Llama 3 scales; adopt the model in Transformers form")
    scaling = {"rope_type": "llama3", "factor": factor, "low_freq_factor": LLAMA3_LOW, "high_freq_factor": LLAMA3_HIGH}
    return scaling | {"original_max_position_embeddings": LLAMA3_CONTEXT}


_WHOLE_HEADS = Architecture(_llama, ROPE_SETTINGS)
ARCHITECTURES: dict[str, Architecture] = {
    "gemma2": Architecture(_gemma2, (*ROPE_SETTINGS, "attn_logit_softcapping", "final_logit_softcapping")),
    "gemma3": Architecture(_gemma3, (*ROPE_SETTINGS, "rope.freq_base_swa")),
    "gpt2": Architecture(_gpt2, ()),
    "llama": _WHOLE_HEADS,
    "phi3": Architecture(_phi3, (*ROPE_SETTINGS, "rope.scaling.attn_factor", "attention.sliding_window")),
    "qwen2": _WHOLE_HEADS,
    "qwen2moe": Architecture(_qwen2moe, (*ROPE_SETTINGS, "expert_feed_forward_length", "expert_shared_feed_forward_length"), "qwen2_moe"),
    "qwen3": _WHOLE_HEADS,
    "qwen3moe": Architecture(_qwen3moe, (*ROPE_SETTINGS, "expert_feed_forward_length"), "qwen3_moe"),
    "stablelm": Architecture(_partly_turned, ROPE_SETTINGS),
    "starcoder2": _WHOLE_HEADS,
}
