"""The engine of a checkpoint: how its kind of model is read, and how much is kept."""

import logging
from typing import TYPE_CHECKING, Any

from kernels.inference.asked_models import attention_of_asked
from kernels.inference.cache.pages import PAGE
from kernels.inference.engine import Engine
from kernels.inference.streaming.plan import Most
from kernels.inference.streaming.reader import Within, streamed_reader
from kernels.models.formats.checkpoints import QUANTIZATION_KEY, max_positions
from kernels.models.formats.own import MODEL_TYPE

if TYPE_CHECKING:
    from kernels.inference.guessing.guesser import Guesser
    from kernels.inference.native.packing import Bits
    from kernels.inference.readers.reading import Reader
    from kernels.models.formats.checkpoints import LanguageModel

_log = logging.getLogger(__name__)


def engine_of(
    lm: "LanguageModel",
    *,
    most_kept_tokens: int,
    most_tokens: int = 512,
    most_sequences: int = 64,
    bits: "Bits | None" = None,
    within: Within | None = None,
    guesser: "Guesser | None" = None,
    is_invariant: bool = False,
) -> Engine:
    """Return an engine that answers by a model as it is loaded, with its weights rounded, or with its layers passing through memory.

    Args:
        lm: a model that continues texts, or its outline where its weights are rounded, or pass through memory.
        most_kept_tokens: of all that is read and made at once.
        most_tokens: of a step.
        most_sequences: under way at once.
        bits: of weights; None leaves them as they are.
        within: memory that the model does not fit; None asks it as it is loaded.
        guesser: see `Engine`.
        is_invariant: see `Engine`.

    Raises:
        ValueError: it predicts masked tokens, and has no answer; its kind cannot compute with rounded weights; the memory does not
            do, or its layers cannot pass through it; or both are asked for.
    """
    num_pages = -(-most_kept_tokens // PAGE)
    if within is not None and bits is not None:
        raise ValueError(f"memory and weights of {bits} bits: layers pass through memory as they are stored; ask for one of both")
    if within is not None:
        reader: Reader = streamed_reader(lm.model.config, within, Most(num_pages * PAGE, most_tokens, most_sequences), lm.device)
    else:
        reader = reader_of(lm, num_pages, bits)
    return engine_by(lm, reader, num_pages, most_tokens=most_tokens, most_sequences=most_sequences, guesser=guesser, is_invariant=is_invariant)


def engine_by(
    lm: "LanguageModel",
    reader: "Reader",
    num_pages: int,
    *,
    most_tokens: int,
    most_sequences: int,
    guesser: "Guesser | None" = None,
    is_invariant: bool = False,
) -> Engine:
    """Return an engine that answers by what reads a model and has some pages; see `engine_of`."""
    attention = attention_of_asked(lm)
    return Engine(
        reader,
        lambda tokens: lm.tokenizer.decode(tokens, skip_special_tokens=True),
        num_pages=num_pages,
        most_tokens=most_tokens,
        most_sequences=most_sequences,
        max_positions=max_positions(lm.model),
        reads_prompts_whole=attention != "causal",
        answers_apart=attention == "encoder_decoder",
        guesser=guesser,
        is_invariant=is_invariant,
    )


def reads_in_pages(lm: "LanguageModel") -> bool:
    """Return whether a model keeps the keys and values of what it reads in pages, so that texts share what they begin with."""
    if attention_of_asked(lm) == "encoder_decoder" or lm.model.config.model_type == "mamba2":
        return False
    return lm.model.config.model_type == MODEL_TYPE or _attends_alone(lm.model)


def _attends_alone(model: Any) -> bool:
    """Return whether a model of Transformers has tokens see each other by the attention that it calls, and by nothing else."""
    kinds = getattr(model.config.get_text_config(), "layer_types", None) or ()
    return bool(model._supports_attention_backend) and not model._is_stateful and {"full_attention", "sliding_attention"}.issuperset(kinds)


def reader_of(lm: "LanguageModel", num_pages: int, bits: "Bits | None") -> "Reader":
    """Return what reads a loaded model as it is, or with its weights rounded; see `engine_of`."""
    attention = attention_of_asked(lm)
    return _reader(lm.model, attention, num_pages) if bits is None else rounded_reader(lm, bits, num_pages)


def _reader(model: Any, attention: str, num_pages: int) -> "Reader":
    from kernels.inference.readers.by_sequence import Causal, EncoderDecoder
    from kernels.inference.readers.paged_decoder import PagedDecoder
    from kernels.inference.readers.paged_transformers import PagedTransformers
    from kernels.inference.readers.recurrent import Recurrent

    if attention == "encoder_decoder":
        return EncoderDecoder(model)
    if model.config.model_type == "mamba2":
        return Recurrent(model)
    if model.config.model_type == MODEL_TYPE:
        return PagedDecoder(model.module, num_pages, model.module.embedding.dtype)
    return PagedTransformers(model, num_pages) if _attends_alone(model) else Causal(model)


def can_be_rounded(config: Any) -> bool:
    """Return whether a checkpoint of a config is a causal decoder of ours with weights that nobody has rounded before."""
    from kernels.models.architectures.llama import stack_of

    shape = stack_of(config)
    return shape is not None and shape.attention == "causal" and not hasattr(config, QUANTIZATION_KEY)


def rounded_reader(lm: "LanguageModel", bits: "Bits", num_pages: int) -> "Reader":
    """Return what reads by rounded weights: the CPU's own kernels (native/), or PyTorch where the machine is none that they are for.

    Args:
        lm: a causal decoder of ours, or its outline: then weights are rounded layer by layer as they are read.
        bits: of weights.
        num_pages: of keys and values.

    Raises:
        ValueError: the model is no such decoder.
    """
    import torch

    from kernels.inference.native.building import lacking
    from kernels.inference.native.rounding import of_files, of_module
    from kernels.inference.native.stack import NativeStack
    from kernels.inference.readers.paged_decoder import PagedDecoder
    from kernels.inference.streaming.weights import Weights
    from kernels.models.formats.fast import taken

    if hasattr(lm.model.config, QUANTIZATION_KEY):
        raise ValueError(f"weights of {bits} bits: the checkpoint's own are of 8 bits; ask it as it was made")
    if not can_be_rounded(lm.model.config):
        raise ValueError(f"weights of {bits} bits: {type(lm.model).__name__} is no causal decoder of ours; ask it as it was made")
    if lm.weights_in is None:
        decoder = of_module(taken(lm.model).module, bits)
    else:
        decoder = of_files(Weights(lm.model.config, lm.weights_in, torch.float32), bits)
    if (missing := lacking()) is None:
        return NativeStack(decoder, num_pages, torch.get_num_threads())
    _log.warning(
        "weights of %d bits: this machine lacks %s, and PyTorch computes with them: rightly, and much slower than with the model's own", bits, missing
    )
    return PagedDecoder(decoder, num_pages, torch.float32)
