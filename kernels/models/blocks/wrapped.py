"""A causal decoder of Transformers behind the interface of our own modules: for families that have none."""

from typing import Any

import torch
from torch import nn

from kernels.models.reading import Reading, mask_of, positions_of

AFTER_OUTPUT = ("final_logit_softcapping", "logits_scaling", "logit_scale")
"""What some families do to logits behind the output layer."""


class Wrapped(nn.Module):
    """Transformers' module, whose matrix products autocast casts."""

    def __init__(self, model: Any) -> None:
        """Take a model in float32."""
        super().__init__()
        self.model = model

    @property
    def blocks(self) -> Any:
        """The layers."""
        return self.model.base_model.layers if hasattr(self.model.base_model, "layers") else self.model.base_model.h

    def forward(self, reading: Reading, dtype: torch.dtype) -> torch.Tensor:
        """Return the last hidden states, [B, T, D]."""
        return self._run(self.model.base_model, reading, dtype).last_hidden_state.to(dtype)

    def logits(self, reading: Reading, dtype: torch.dtype) -> torch.Tensor:
        """Return the logits, [B, T, V]."""
        return self._run(self.model, reading, dtype).logits

    def output_layer(self) -> tuple[Any, Any] | None:
        """See `kernels.models.formats.fast.Module`."""
        if any(getattr(self.model.config, name, None) not in (None, 1.0) for name in AFTER_OUTPUT):
            return None
        head = self.model.get_output_embeddings()
        return head.weight, head.bias

    def _run(self, model: Any, reading: Reading, dtype: torch.dtype) -> Any:
        with torch.autocast(reading.tokens_BT.device.type, dtype=dtype, enabled=dtype != torch.float32):
            return model(
                input_ids=reading.tokens_BT,
                attention_mask=mask_of(reading, "causal") == 0,
                position_ids=positions_of(reading.segments_BT),
                use_cache=False,
            )
