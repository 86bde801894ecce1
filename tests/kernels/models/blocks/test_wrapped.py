"""Decoders of Transformers that learn by its own module: they give what Transformers gives, and documents of a row are apart, or they are refused."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from kernels.models.blocks.wrapped import Wrapped
from kernels.models.formats.fast import fresh, taken
from kernels.models.reading import Reading

LENGTH, BORDER, WINDOW = 24, 10, 4
SIZES: dict[str, Any] = {
    "vocab_size": 64,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
    "initializer_range": 0.3,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
ALONE = {name: size for name, size in SIZES.items() if name != "num_key_value_heads"}


def made(family: str, **settings: Any) -> Any:
    """Return a model of Transformers with weights so large that a fault shows."""
    import transformers

    library: Any = transformers
    torch.manual_seed(0)
    model = library.AutoModelForCausalLM.from_config(getattr(library, f"{family}Config")(**settings)).eval()
    model.config.architectures = [type(model).__name__]
    return model


FAMILIES: dict[str, Callable[[], Any]] = {
    "a window in every layer": lambda: made("Mistral", **SIZES, sliding_window=WINDOW),
    "windows in some layers, eager attention, capped logits": lambda: made(
        "Gemma2", **SIZES, head_dim=8, query_pre_attn_scalar=8, sliding_window=WINDOW
    ),
    "windows with rotary positions of their own": lambda: made("Gemma3Text", **SIZES, head_dim=8, sliding_window=WINDOW),
    "windows by a switch": lambda: made("Qwen2", **SIZES, use_sliding_window=True, sliding_window=WINDOW, max_window_layers=0),
    "windows that the attention makes": lambda: made(
        "GPTNeo",
        vocab_size=64,
        hidden_size=32,
        num_layers=2,
        num_heads=4,
        attention_types=[[["global", "local"], 1]],
        window_size=WINDOW,
        max_position_embeddings=64,
        initializer_range=0.3,
        bos_token_id=1,
        eos_token_id=2,
    ),
    "eager attention": lambda: made(
        "GPTJ", vocab_size=64, n_embd=32, n_layer=2, n_head=4, rotary_dim=4, n_positions=64, initializer_range=0.3, bos_token_id=1, eos_token_id=2
    ),
    "a head of more than one product": lambda: made("Bert", **ALONE, is_decoder=True, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0),
    "masks that do not go by positions": lambda: made(
        "OPT", vocab_size=64, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, ffn_dim=48, max_position_embeddings=64, init_std=0.3
    ),
}


def words() -> torch.Tensor:
    return torch.randint(3, 64, (1, LENGTH), generator=torch.Generator().manual_seed(1))


def logits(module: Any, tokens: torch.Tensor, segments: torch.Tensor) -> torch.Tensor:
    """Return logits as a trainer makes them."""
    reading, layer = Reading(tokens, segments), module.output_layer()
    if layer is None:
        return module.logits(reading, torch.float32)
    weight, bias = layer
    found = module(reading, torch.float32) @ weight.t()
    return found if bias is None else found + bias


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_are_those_of_transformers_and_of_each_document_alone(family: str) -> None:
    model = FAMILIES[family]()
    with torch.no_grad():
        whole, first, second = (model(part).logits for part in (words(), words()[:, :BORDER], words()[:, BORDER:]))
        trainable = taken(model)
        assert not trainable.is_own and len(trainable.module.blocks) == 2
        module = trainable.module.eval()
        torch.testing.assert_close(logits(module, words(), torch.zeros_like(words())), whole, rtol=1e-4, atol=1e-4)
        packed = logits(module, words(), (torch.arange(LENGTH) >= BORDER)[None].long())
    torch.testing.assert_close(packed, torch.cat([first, second], 1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("Lfm2", {**SIZES, "layer_types": ["conv", "full_attention"]}),
        ("Mamba", {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 4, "initializer_range": 0.3}),
        ("Bloom", {"vocab_size": 64, "hidden_size": 32, "n_layer": 2, "n_head": 4, "initializer_range": 0.3}),
        ("GptOss", {**SIZES, "head_dim": 8, "sliding_window": WINDOW, "num_local_experts": 2, "num_experts_per_tok": 1}),
    ],
    ids=["a convolution", "a state", "a bias of a mask of two dimensions", "windows that do not go by positions"],
)
def test_a_model_that_reads_packed_documents_as_one_is_refused(family: str, settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="reads documents that are packed into a row as one"):
        taken(made(family, **settings))


def test_trying_a_model_leaves_it_in_its_mode_and_without_gradients() -> None:
    model = made("Mistral", **SIZES, sliding_window=WINDOW).train()
    wrapped = Wrapped(model)
    assert wrapped.training and model.training and all(part.training for part in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_seed_decides_the_weights_that_a_model_of_transformers_begins_with() -> None:
    shape = made("Mistral", **SIZES).config
    one, same, other = (fresh(shape, seed).module.model.get_input_embeddings().weight for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_a_llama_that_drops_attention_learns_by_the_module_that_does() -> None:
    assert not taken(made("Llama", **SIZES, attention_dropout=0.1)).is_own
    assert taken(made("Llama", **SIZES)).is_own
