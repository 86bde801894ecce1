"""A causal decoder of Transformers behind the interface of our own modules: for families that have none.

It is told of documents by positions alone, which start anew with each: from them Transformers makes the masks of each kind of layer, windows and all.
A mask of ours would stand for all layers. It is given only to a model without windows that does not go by positions; and whether a model keeps
documents apart is tried before it learns.
"""

from typing import Any

import torch
from torch import nn

from kernels.models.blocks.dropping import Dropping, drops, keys_of
from kernels.models.probes import PROBED, is_near, slopes_by_tokens, some_tokens
from kernels.models.reading import Reading, mask_of, positions_of

AFTER_OUTPUT = ("final_logit_softcapping", "logits_scaling", "logit_scale")
"""What some families do to logits behind the output layer, which small logits do not show."""


class Wrapped(nn.Module):
    """Transformers' module, whose matrix products autocast casts."""

    def __init__(self, model: Any) -> None:
        """Take a model in float32, and try it.

        Raises:
            ValueError: documents of a row would not be apart.
        """
        super().__init__()
        self.model = model
        self._takes_mask = self._drops = False
        was_training = model.training
        model.eval()
        if not self._parts_documents() and not self._parts_documents_by_mask():
            raise ValueError(
                f"{type(model).__name__}: reads documents that are packed into a row as one, so that it would learn to look at others; "
                "train a family whose attention Transformers masks by position_ids, such as Llama, Qwen or Gemma"
            )
        self._has_output_layer = self._only_multiplies()
        self._keys: list[int] = []
        """Of the rows that were passed last: they go back before others are passed."""
        self._drops = drops(model, lambda: self.logits(self._packed(), torch.float32))
        for index, block in enumerate(self.blocks if self._drops else ()):
            block.forward = self._dropping(block.forward, f"block {index}")
        model.train(was_training)

    @property
    def blocks(self) -> Any:
        """The layers, wherever a family has them.

        Raises:
            ValueError: they are not found.
        """
        count = self.model.config.num_hidden_layers
        for each in self.model.modules():
            if isinstance(each, nn.ModuleList) and len(each) == count:
                return each
        raise ValueError(f"{type(self.model).__name__}: no list of its {count} layers is found; train another family")

    def forward(self, reading: Reading, dtype: torch.dtype) -> torch.Tensor:
        """Return the last hidden states, [B, T, D]."""
        return self._run(self.model.base_model, reading, dtype).last_hidden_state.to(dtype)

    def logits(self, reading: Reading, dtype: torch.dtype) -> torch.Tensor:
        """Return the logits, [B, T, V]."""
        return self._run(self.model, reading, dtype).logits

    def output_layer(self) -> tuple[Any, Any] | None:
        """See `kernels.models.formats.fast.Module`."""
        if not self._has_output_layer:
            return None
        head = self.model.get_output_embeddings()
        return head.weight, head.bias

    def _run(self, model: Any, reading: Reading, dtype: torch.dtype) -> Any:
        if self._drops and self.training:
            self._keys = keys_of(reading.tokens_BT)
            return self._dropping(self._run_as_it_is, "outside of blocks")(model, reading, dtype)
        return self._run_as_it_is(model, reading, dtype)

    def _dropping(self, forward: Any, place: str) -> Any:
        """Return a forward pass that drops by rows, also where it is computed again on the way back; it is not compiled."""

        def passed(*given: Any, **named: Any) -> Any:
            with Dropping(self._keys, place):
                return forward(*given, **named)

        compiler: Any = torch.compiler
        return compiler.disable(passed)

    def _run_as_it_is(self, model: Any, reading: Reading, dtype: torch.dtype) -> Any:
        told: dict[str, Any] = {"attention_mask": mask_of(reading, "causal")} if self._takes_mask else {}
        with torch.autocast(reading.tokens_BT.device.type, dtype=dtype, enabled=dtype != torch.float32):
            return model(input_ids=reading.tokens_BT, position_ids=positions_of(reading.segments_BT), use_cache=False, **told)

    def _packed(self) -> Reading:
        """Return a row of two documents."""
        tokens = some_tokens(self.model, 2 * PROBED)
        return Reading(tokens, torch.arange(2, device=tokens.device).repeat_interleave(PROBED)[None])

    def _parts_documents(self) -> bool:
        """Return whether logits of a document are those that Transformers gives it alone, and no gradient flows from it into another."""
        packed = self._packed()
        found, slopes = slopes_by_tokens(self.model, lambda: self.logits(packed, torch.float32)[:, PROBED:])
        with torch.no_grad():
            alone = self.model(input_ids=packed.tokens_BT[:, PROBED:], use_cache=False).logits
        return not slopes[:, :PROBED].any() and is_near(found, alone)

    def _parts_documents_by_mask(self) -> bool:
        """Go over to a mask of ours where the model has no windows; return whether it parts documents. Some models take none of its shape."""
        if any("window" in name and size for name, size in self.model.config.to_dict().items()):
            return False
        self._takes_mask = True
        try:
            return self._parts_documents()
        except (RuntimeError, ValueError):
            return False

    def _only_multiplies(self) -> bool:
        """Return whether logits are the output layer of the last hidden states and nothing else."""
        head = self.model.get_output_embeddings()
        if head is None or any(getattr(self.model.config, name, None) not in (None, 1.0) for name in AFTER_OUTPUT):
            return False
        with torch.no_grad():
            return torch.equal(head(self(self._packed(), torch.float32)), self.logits(self._packed(), torch.float32))
