"""Decoders that read images: equal to Transformers' LLaVA on the same weights, and sure of which image an answer is about."""

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from kernels.models.architectures import llava
from kernels.models.formats.auto_classes import attention_of_class, auto_class
from kernels.models.formats.checkpoints import max_positions
from kernels.models.formats.fast import counts_of, fast_of, fresh, taken, write
from kernels.models.reading import Reading
from tests.small_models import shaken

VOCABULARY, IMAGE = 61, 60
PATCHES = 4
SHAPE: dict[str, Any] = {"kind": "llava", "hidden_size": 32, "num_layers": 2, "num_heads": 4, "num_kv_heads": 2, "intermediate_size": 48}
SHAPE |= {"max_position_embeddings": 64, "tie_embeddings": False, "image_size": 8, "patch_size": 4, "vision_width": 24, "vision_layers": 2}
SHAPE |= {"vision_heads": 3}


def shape(**changes: Any) -> Any:
    config = llava.LlavaConfig.model_validate({**SHAPE, **changes})
    return llava.build(config, vocab_size=VOCABULARY, eos_token_id=1, pad_token_id=0, image_token_id=IMAGE)


def logits(module: Any, tokens: torch.Tensor, pixels: torch.Tensor | None) -> torch.Tensor:
    weight, _ = module.output_layer()
    return module(Reading(tokens, torch.zeros_like(tokens), pixels=pixels), torch.float32) @ weight.t()


def words(rows: int = 2, length: int = 12) -> torch.Tensor:
    """Return rows with an image each, at another place in each row."""
    tokens = torch.randint(2, IMAGE, (rows, length), generator=torch.Generator().manual_seed(5))
    for row in range(rows):
        tokens[row, row + 1 : row + 1 + PATCHES] = IMAGE
    return tokens


def pictures(count: int = 2) -> torch.Tensor:
    return torch.randn(count, 3, 8, 8, generator=torch.Generator().manual_seed(11))


@pytest.mark.parametrize("changes", [{}, {"tie_embeddings": True}, {"vision_layers": 1, "patch_size": 8}], ids=str)
def test_a_llava_gives_the_logits_of_transformers_on_the_same_weights_both_ways(
    tmp_path: Path, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import LlavaForConditionalGeneration

    ours = shaken(shape(**changes))
    monkeypatch.setattr(f"{__name__}.PATCHES", ours.module.shape.vision.num_patches)
    write(ours, tmp_path)
    theirs: Any = LlavaForConditionalGeneration.from_pretrained(tmp_path).eval()
    expected = theirs(input_ids=words(), pixel_values=pictures()).logits
    torch.testing.assert_close(logits(ours.module, words(), pictures()), expected, rtol=1e-4, atol=1e-4)
    back = taken(theirs)
    assert back.is_own
    torch.testing.assert_close(logits(back.module, words(), pictures()), logits(ours.module, words(), pictures()), rtol=0, atol=0)
    write(back, tmp_path / "again")
    assert (tmp_path / "again" / "model.safetensors").read_bytes() == (tmp_path / "model.safetensors").read_bytes()


def test_without_images_it_is_the_llama_that_it_holds() -> None:
    from kernels.models.architectures import llama
    from kernels.models.blocks.decoder import Decoder

    ours = shaken(shape()).module
    alone = Decoder(ours.shape.language)
    alone.load_state_dict(ours.language.state_dict())
    tokens = torch.randint(2, IMAGE, (2, 8))
    assert torch.equal(
        ours(Reading(tokens, torch.zeros_like(tokens)), torch.float32), alone(Reading(tokens, torch.zeros_like(tokens)), torch.float32)
    )
    assert llama.stack_of(shape()) is None, "no other family takes it"


def test_what_follows_an_image_depends_on_it_and_what_stands_before_it_does_not() -> None:
    ours = shaken(shape()).module
    changed = pictures()
    changed[0, 0, 7, 7] += 1.0
    before, after = logits(ours, words(), pictures()), logits(ours, words(), changed)
    assert torch.equal(before[0, :1], after[0, :1])
    assert (before[0, 1:] != after[0, 1:]).any(-1).all(), "every patch sees the whole image, all that follows sees the patches"
    assert torch.equal(before[1], after[1]), "the image of another row is another row's"


def test_a_later_token_never_changes_an_earlier_logit() -> None:
    ours = shaken(shape()).module
    changed = words()
    changed[:, 9] = (changed[:, 9] + 1) % IMAGE
    before, after = logits(ours, words(), pictures()), logits(ours, changed, pictures())
    assert torch.equal(before[:, :9], after[:, :9]) and not torch.equal(before[:, 9:], after[:, 9:])


@pytest.mark.parametrize(
    ("pixels", "found"), [(None, "8 patches, and there are 0 images"), (pictures(1), "8 .* 1 images"), (pictures(3), "8 .* 3 images")]
)
def test_places_without_an_image_and_images_without_a_place_are_refused(pixels: Any, found: str) -> None:
    with pytest.raises(ValueError, match=found):
        logits(shaken(shape()).module, words(), pixels)


def test_images_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"images of \(3, 16, 8\), and the model sees \(3, 8, 8\)"):
        logits(shaken(shape()).module, words(), torch.zeros(2, 3, 16, 8))


@pytest.mark.parametrize(
    "changes",
    [
        {"projector_hidden_act": "relu"},
        {"vision_feature_layer": -2},
        {"vision_feature_select_strategy": "full"},
        {"multimodal_projector_bias": False},
        {"vision_config.hidden_act": "gelu"},
        {"text_config.attention_bias": True},
    ],
    ids=str,
)
def test_what_the_module_lacks_is_left_to_transformers(changes: dict[str, Any]) -> None:
    made = shape()
    assert fast_of(made) is not None
    for key, value in changes.items():
        part, _, name = key.rpartition(".")
        setattr(getattr(made, part) if part else made, name, value)
    assert fast_of(made) is None


MANY = [{}, {"tie_embeddings": True}, {"vision_layers": 3, "patch_size": 2}, {"num_layers": 1, "vision_width": 48, "hidden_size": 64}]


@pytest.mark.parametrize("changes", MANY, ids=str)
def test_parameters_are_told_before_the_model_is_made(changes: dict[str, Any]) -> None:
    from transformers import LlavaForConditionalGeneration

    made = shape(**changes)
    told = counts_of(made)
    assert told is not None and told.image is not None
    assert told.num_parameters == sum(parameter.numel() for parameter in fresh(made, 1).module.parameters())
    unused = 2 * made.vision_config.hidden_size  # CLIP's norm of what an image is summed up in
    theirs: Any = LlavaForConditionalGeneration(made)
    assert told.num_parameters == sum(parameter.numel() for parameter in theirs.parameters()) - unused


@pytest.mark.parametrize("changes", MANY, ids=str)
def test_flops_are_those_that_torch_counts_of_transformers_model_but_for_gradients_of_pixels(changes: dict[str, Any]) -> None:
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import LlavaForConditionalGeneration

    made = shape(**changes)
    told, patches = counts_of(made), made.image_seq_length
    assert told is not None
    theirs: Any = LlavaForConditionalGeneration(made)
    theirs.set_attn_implementation("eager")  # the only one that torch counts on a CPU
    tokens = torch.full((2, 24), 3)
    tokens[:, 2 : 2 + patches] = IMAGE
    with FlopCounterMode(display=False) as counter:
        theirs(input_ids=tokens, pixel_values=pictures()).logits.sum().backward()
    whole = told._replace(attention=tuple(layers._replace(is_causal=False) for layers in told.attention))
    of_pixels = 2 * 3 * made.vision_config.patch_size**2 * made.vision_config.hidden_size * patches
    assert 2 * (whole.flops_per_row(24, num_images=1) - of_pixels) == counter.get_total_flops()


def test_a_row_without_an_image_is_a_llamas_work_and_a_llama_reads_no_image() -> None:
    told, alone = counts_of(shape()), counts_of(shape().text_config)
    assert told is not None and alone is not None
    assert told.flops_per_row(16) == alone.flops_per_row(16) < told.flops_per_row(16, num_images=1)
    with pytest.raises(ValueError, match="1 images, and the model reads none"):
        alone.flops_per_row(16, num_images=1)


def test_it_is_loaded_as_a_model_of_images_that_is_causal_and_bounded_by_its_decoder() -> None:
    from transformers import AutoModelForImageTextToText, LlavaForConditionalGeneration

    made = shape()
    assert auto_class(made) is AutoModelForImageTextToText and attention_of_class("LlavaForConditionalGeneration") == "causal"
    with torch.device("meta"):
        assert max_positions(LlavaForConditionalGeneration(made)) == 64


@pytest.mark.parametrize(
    ("changes", "key"),
    [({"patch_size": 3}, "patch_size"), ({"vision_heads": 5}, "vision_heads"), ({"max_position_embeddings": 4}, "max_position_embeddings")],
    ids=str,
)
def test_shapes_that_do_not_go_together_name_the_key(changes: dict[str, Any], key: str) -> None:
    with pytest.raises(ValidationError) as caught:
        llava.LlavaConfig.model_validate({**SHAPE, **changes})
    assert [fault.get("ctx", {})["key"] for fault in caught.value.errors()] == [key]
