"""By which class Transformers loads the model of a checkpoint, and who may look at whom in it: both by the class that ``config.json`` names.

Only classes that Transformers itself has are known, so that no code of a checkpoint runs.
"""

from collections.abc import Mapping
from typing import Any

from kernels.specs.objectives import Attention


def attention_of_class(name: str | None) -> Attention:
    """Return who may look at whom in a class of Transformers: one that is no encoder-decoder and predicts no masked tokens, or None, is causal."""
    from transformers.models.auto import modeling_auto

    known: Any = modeling_auto
    if name in _names(known.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES):  # some are there and among the masked
        return "causal"
    if name in _names(known.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES):
        return "encoder_decoder"
    return "bidirectional" if name in _names(known.MODEL_FOR_MASKED_LM_MAPPING_NAMES) else "causal"


def _names(mapping: Mapping[str, str | tuple[str, ...]]) -> set[str]:
    return {name for names in mapping.values() for name in ((names,) if isinstance(names, str) else names)}


def named_class(shape: Any) -> str | None:
    """Return the class that a config names, None where it names none."""
    return (getattr(shape, "architectures", None) or [None])[0]


def auto_class(shape: Any) -> Any:
    """Return the class of Transformers whose ``from_pretrained`` and ``from_config`` make the model of a config."""
    import transformers

    name = named_class(shape)
    causal = transformers.AutoModelForImageTextToText if _only_reads_images(name) else transformers.AutoModelForCausalLM
    kinds = {"encoder_decoder": transformers.AutoModelForSeq2SeqLM, "bidirectional": transformers.AutoModelForMaskedLM}
    return kinds.get(attention_of_class(name), causal)


def _only_reads_images(name: str | None) -> bool:
    """Return whether a class is of Transformers' models of images and text and none of its causal decoders: some, as Gemma 3's, are both."""
    from transformers.models.auto import modeling_auto

    known: Any = modeling_auto
    return name in _names(known.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES) - _names(known.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)
