"""Models that Transformers does not have, as classes that it loads and saves: causal and prefix decoders of any positions.

Once `classes` was called, ``from_pretrained`` of this process knows them. Elsewhere Transformers refuses the checkpoint, rather than read it
otherwise.
"""

import functools
from typing import Any, ClassVar, NamedTuple, cast

from kernels.models.formats.auto_classes import attention_of_class
from kernels.specs.objectives import Attention

MODEL_TYPE = "modelmill_decoder"


def attention_of(model: Any) -> Attention:
    """Return who may look at whom in a loaded model."""
    return model.config.stack["attention"] if model.config.model_type == MODEL_TYPE else attention_of_class(type(model).__name__)


class Answer(NamedTuple):
    """What a model gives, by the names that Transformers gives them."""

    logits: Any
    past_key_values: Any


def asked(module: Any, input_ids: Any, attention_mask: Any, past: Any, logits_to_keep: Any, prefix_mask: Any = None) -> Answer:
    """Return what a `kernels.models.blocks.decoder.Decoder` gives where Transformers' classes would be called with the same."""
    import torch

    from kernels.models.blocks.decoder import read_on

    rows, length = input_ids.shape
    num_before = 0 if past is None else past.seen_BS.shape[1]
    seen = attention_mask if attention_mask is not None else torch.ones(rows, num_before + length, dtype=torch.long, device=input_ids.device)
    hidden, cache = read_on(module, input_ids, seen, past, module.embedding.dtype, prefix_mask)
    hidden = hidden[:, -logits_to_keep:] if isinstance(logits_to_keep, int) else hidden[logits_to_keep]
    return Answer(hidden @ module.output_layer()[0].to(hidden.dtype).t(), cache)


@functools.cache
def classes() -> tuple[Any, Any]:
    """Return the classes of config and model; from then on ``AutoConfig`` and ``AutoModelForCausalLM`` of this process know them."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedConfig, PreTrainedModel

    from kernels.models.blocks.decoder import Decoder, DecoderShape

    class ModelmillDecoderConfig(PreTrainedConfig):
        """A `DecoderShape` beside what every config of Transformers holds."""

        model_type = MODEL_TYPE

        def __init__(self, stack: dict[str, Any] | None = None, **settings: Any) -> None:
            self.stack = dict(stack or {})
            self.max_position_embeddings = self.stack.get("max_positions", 0)
            self.vocab_size = self.stack.get("vocab_size", 0)
            self.hidden_size = self.stack.get("width", 0)
            self.num_hidden_layers = self.stack.get("num_layers", 0)
            self.num_attention_heads = self.stack.get("num_heads", 0)
            self.head_dim = self.stack.get("head_width", 0)
            settings["tie_word_embeddings"] = bool(self.stack.get("tied"))
            super().__init__(**settings)

    class ModelmillDecoderForCausalLM(PreTrainedModel):
        """The stack, asked as Transformers asks its decoders."""

        config_class = ModelmillDecoderConfig
        _tied_weights_keys: ClassVar[Any] = {}

        def __init__(self, config: Any) -> None:
            super().__init__(config)  # pyright: ignore[reportUnknownMemberType]
            self.module = Decoder(DecoderShape(**config.stack))
            self.post_init()

        def _init_weights(self, module: Any) -> None:
            """Draw nothing: weights are loaded."""

        def forward(
            self,
            input_ids: torch.Tensor,
            attention_mask: torch.Tensor | None = None,
            past_key_values: Any = None,
            logits_to_keep: int | torch.Tensor = 0,
            prefix_mask: torch.Tensor | None = None,
            **_: Any,
        ) -> Answer:
            """Return logits of the last ``logits_to_keep`` positions (0: all), or of those that a mask [B, T] chooses, [K, V].

            ``prefix_mask`` [B, T] says what belongs to a prefix where the model has any: all of what is read first, if it is left out.
            """
            return asked(self.module, input_ids, attention_mask, past_key_values, logits_to_keep, prefix_mask)

    cast(Any, AutoConfig).register(MODEL_TYPE, ModelmillDecoderConfig)
    cast(Any, AutoModelForCausalLM).register(ModelmillDecoderConfig, ModelmillDecoderForCausalLM)
    return ModelmillDecoderConfig, ModelmillDecoderForCausalLM
