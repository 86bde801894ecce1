"""LLaVA: a decoder of the Llama family that reads images (Liu et al. 2023, arXiv 2304.08485), saved as Transformers' LLaVA.

The tower is CLIP's, learned with all the rest rather than taken from CLIP; its last block's patches are read, not the last but one's.
"""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from kernels.models.architectures import llama
from kernels.models.formats.state_tables import Entry, Table
from kernels.specs.architectures import Architecture, AttentionCounts, Counts, ImageCounts, OwnModule
from kernels.specs.config import fault_of_key

LAYER_NORM_EPS = 1e-5
"""Of CLIP's norms."""
INNER_RATIO = 4
"""How much wider the feed-forward blocks of the tower are than the tower (Dosovitskiy et al. 2020, arXiv 2010.11929)."""


class LlavaConfig(llama.StackConfig):
    """A causal decoder of the Llama family that reads images through a vision tower."""

    kind: Literal["llava"]
    """The family."""
    positions: Literal["rope"] = "rope"  # pyright: ignore[reportIncompatibleVariableOverride]  # configs are frozen
    """How tokens know where they stand: rotary alone (Su et al. 2021, arXiv 2104.09864)."""
    image_size: int = Field(gt=0)
    """Height and width of images as the tower sees them, in pixels; what is given is padded to a square and resized."""
    patch_size: int = Field(gt=0)
    """Height and width of a patch, in pixels; divides the image's. An image takes (image_size / patch_size)² tokens."""
    vision_width: int = Field(gt=0)
    """Width of the tower's residual stream."""
    vision_layers: int = Field(gt=0)
    """Blocks of the tower."""
    vision_heads: int = Field(gt=0)
    """Heads of the tower; divides its width."""

    @model_validator(mode="after")
    def _images_fit(self) -> Self:
        if self.image_size % self.patch_size:
            told = f"{self.patch_size} does not divide image_size {self.image_size}; take {llama.divisors(self.image_size)}"
            raise fault_of_key("patch_size", told)
        if self.vision_width % self.vision_heads:
            told = f"{self.vision_heads} heads do not divide vision_width {self.vision_width}; take {llama.divisors(self.vision_width)}"
            raise fault_of_key("vision_heads", told)
        if self.num_patches >= self.max_position_embeddings:
            told = f"an image takes {self.num_patches} tokens, and {self.max_position_embeddings} may be read in all; raise it or patch_size"
            raise fault_of_key("max_position_embeddings", told)
        return self

    @property
    def num_patches(self) -> int:
        """Tokens that an image takes."""
        return (self.image_size // self.patch_size) ** 2


def build(config: LlavaConfig, *, vocab_size: int, eos_token_id: int, pad_token_id: int, image_token_id: int) -> Any:
    """Return the Transformers configuration of a model with random weights to come."""
    from transformers import CLIPVisionConfig
    from transformers import LlavaConfig as TransformersLlavaConfig

    vision = CLIPVisionConfig(
        hidden_size=config.vision_width,
        intermediate_size=INNER_RATIO * config.vision_width,
        projection_dim=config.vision_width,
        num_hidden_layers=config.vision_layers,
        num_attention_heads=config.vision_heads,
        image_size=config.image_size,
        patch_size=config.patch_size,
        hidden_act="quick_gelu",
        layer_norm_eps=LAYER_NORM_EPS,
    )
    return TransformersLlavaConfig(
        architectures=["LlavaForConditionalGeneration"],
        vision_config=vision,
        text_config=llama.build(config, vocab_size=vocab_size, eos_token_id=eos_token_id, pad_token_id=pad_token_id),  # pyright: ignore[reportArgumentType]
        image_token_index=image_token_id,
        image_seq_length=config.num_patches,
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        tie_word_embeddings=config.tie_embeddings,
    )


def stack_of(shape: Any) -> Any:
    """Return the sizes of a LLaVA of Transformers; None for what is none, or has a part that our module lacks."""
    from kernels.models.blocks.image_decoder import ImageDecoderShape

    if shape.model_type != "llava":
        return None
    language, vision = llama.stack_of(shape.text_config), _vision_of(shape.vision_config)
    if language is None or vision is None or shape.projector_hidden_act != "gelu" or not shape.multimodal_projector_bias:
        return None
    if shape.vision_feature_layer not in (-1, vision.num_layers) or shape.vision_feature_select_strategy != "default":
        return None
    return ImageDecoderShape(vision, language._replace(tied=shape.tie_word_embeddings), shape.image_token_id)


def fast(stack: Any) -> Any:
    """Return our module of some sizes."""
    from kernels.models.blocks.image_decoder import ImageDecoder
    from kernels.models.formats.fast import Fast

    return Fast(ImageDecoder(stack), table(stack), "causal")


def _vision_of(shape: Any) -> Any:
    """Return the sizes of a tower of CLIP's; None for what is none, or has a part that our tower lacks."""
    from kernels.models.blocks.vision import NUM_CHANNELS, VisionShape

    if shape.model_type != "clip_vision_model" or shape.hidden_act != "quick_gelu":
        return None
    if shape.num_channels != NUM_CHANNELS or shape.attention_dropout or shape.image_size % shape.patch_size:
        return None
    return VisionShape(
        image_size=shape.image_size,
        patch_size=shape.patch_size,
        width=shape.hidden_size,
        num_layers=shape.num_hidden_layers,
        num_heads=shape.num_attention_heads,
        inner_width=shape.intermediate_size,
        eps=shape.layer_norm_eps,
    )


def table(stack: Any) -> Table:
    """Return how the parameters of tower, projector and decoder are called in Transformers' LLaVA."""
    language = llama.table(stack.language)
    entries = [
        entry._replace(ours=f"language.{entry.ours}", theirs=tuple(name.replace("model.", "model.language_model.", 1) for name in entry.theirs))
        for entry in language.entries
    ]
    projector = [("projector.inner", "model.multi_modal_projector.linear_1"), ("projector.outer", "model.multi_modal_projector.linear_2")]
    entries += [_same(ours, theirs, kind) for ours, theirs in projector for kind in ("weight", "bias")]
    return Table([*entries, *_vision_entries(stack.vision)], language.num_layers)


def _vision_entries(shape: Any) -> list[Entry]:
    from kernels.models.blocks.vision import NUM_CHANNELS

    ours, theirs = "vision", "model.vision_tower"
    entries = [
        Entry(f"{ours}.patch.weight", (f"{theirs}.embeddings.patch_embedding.weight",), shape=(NUM_CHANNELS, shape.patch_size, shape.patch_size)),
        Entry(f"{ours}.class_embedding", (f"{theirs}.embeddings.class_embedding",)),
        Entry(f"{ours}.position_embedding", (f"{theirs}.embeddings.position_embedding.weight",)),
    ]
    for kind in ("weight", "bias"):
        entries.append(_same(f"{ours}.norm", f"{theirs}.pre_layrnorm", kind))
        entries.append(Entry(f"{ours}.summary_norm_{kind}", (f"{theirs}.post_layernorm.{kind}",)))
        for layer in range(shape.num_layers):
            block, layers = f"{ours}.blocks.{layer}", f"{theirs}.encoder.layers.{layer}"
            joined = tuple(f"{layers}.self_attn.{name}_proj.{kind}" for name in ("q", "k", "v"))
            entries.append(Entry(f"{block}.qkv.{kind}", joined, (shape.width,) * 3))
            entries.append(_same(f"{block}.attention_norm", f"{layers}.layer_norm1", kind))
            entries.append(_same(f"{block}.out", f"{layers}.self_attn.out_proj", kind))
            entries.append(_same(f"{block}.feed_forward_norm", f"{layers}.layer_norm2", kind))
            entries.append(_same(f"{block}.up", f"{layers}.mlp.fc1", kind))
            entries.append(_same(f"{block}.down", f"{layers}.mlp.fc2", kind))
    return entries


def _same(ours: str, theirs: str, kind: str) -> Entry:
    return Entry(f"{ours}.{kind}", (f"{theirs}.{kind}",))


def counts(stack: Any) -> Counts:
    """Return what a model of some sizes holds and does.

    CLIP's norm of what an image is summed up in, which no patch passes, is not among the parameters.
    """
    language, image = llama.counts(stack.language), _image_counts(stack.vision, stack.language.width)
    vision, width = stack.vision, stack.vision.width
    norms_and_biases = 2 * width + vision.num_layers * (9 * width + vision.inner_width) + 2 * stack.language.width
    positions = (vision.num_patches + 2) * width  # a vector each, and one more for the class token itself
    held = language.num_parameters + image.num_matmul_parameters + norms_and_biases + positions
    return language._replace(num_parameters=held, image=image)


def _image_counts(vision: Any, width: int) -> ImageCounts:
    """Return what tower and projector do with an image: patches meet all matrices, the class token those of the blocks."""
    from kernels.models.blocks.vision import NUM_CHANNELS

    patch = NUM_CHANNELS * vision.patch_size**2 * vision.width
    blocks = vision.num_layers * (4 * vision.width**2 + 2 * vision.width * vision.inner_width)
    projector = vision.width * width + width**2
    num_positions = vision.num_patches + 1
    products = (patch + projector) * vision.num_patches + blocks * num_positions
    attention = AttentionCounts(vision.num_layers, vision.num_heads, vision.width // vision.num_heads, is_causal=False)
    return ImageCounts(patch + blocks + projector, 2 * products + attention.flops(num_positions, num_positions))


SPEC = Architecture(
    name="llava",
    version=1,
    config=LlavaConfig,
    build=build,
    reads_images=True,
    own=OwnModule(stack_of=stack_of, fast=fast, counts=counts),
    max_positions=llama.max_positions,
)
