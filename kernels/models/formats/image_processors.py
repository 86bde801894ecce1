"""What turns an image into what a model sees of it, written beside a checkpoint so that Transformers' ``AutoProcessor`` does it as we do."""

from pathlib import Path
from typing import Any, cast

from kernels.reading.images.decoding import MEAN, STD
from kernels.tokens.image_chats import IMAGE_TOKEN


def write_processor(shape: Any, tokenizer: Any, folder: Path) -> None:
    """Write ``processor_config.json`` and the tokenizer's files: images are padded to a square, resized and normalised as decoding.py does it.

    Args:
        shape: the config of a LLaVA of Transformers.
        tokenizer: of Transformers, with an image token and a chat template.
        folder: the checkpoint's.
    """
    from transformers import LlavaProcessor
    from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

    vision = shape.vision_config
    images = cast(Any, LlavaImageProcessorPil)(
        do_pad=True,
        size={"height": vision.image_size, "width": vision.image_size},
        do_center_crop=False,
        image_mean=list(MEAN),
        image_std=list(STD),
    )
    processor: Any = cast(Any, LlavaProcessor)(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=vision.patch_size,
        vision_feature_select_strategy=shape.vision_feature_select_strategy,
        num_additional_image_tokens=1,  # CLIP's class token
        image_token=IMAGE_TOKEN,
        chat_template=tokenizer.chat_template,
    )
    processor.save_pretrained(folder)
