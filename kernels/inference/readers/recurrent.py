"""A model whose blocks keep a state of one size of all that they read: Mamba-2. States are held by sequence, and pages count nothing but tokens."""

from collections.abc import Sequence
from typing import Any

from kernels.inference.readers.reading import BesidePages, Stretch


class Recurrent(BesidePages):
    """Asks Transformers' class as formats/recurrent.py has it. Sequences of which one token passes pass together."""

    def __init__(self, model: Any) -> None:
        """Hold no states."""
        super().__init__()
        self._model = model

    def read(self, stretches: Sequence[Stretch]) -> Any:
        """See `Reader`."""
        import torch

        following = [each for each in stretches if each.is_next]
        logits: dict[int, Any] = {}
        with torch.inference_mode():
            for together in ([following] if following else []) + [[each] for each in stretches if not each.is_next]:
                for each, row_TV in zip(together, self._read(together), strict=True):
                    logits[each.sequence] = row_TV[list(each.asked)]
        return torch.cat([logits[each.sequence] for each in stretches]).float()

    def _read(self, stretches: Sequence[Stretch]) -> Any:
        """Return the logits [B, T, V] of stretches of as many tokens each, all of which begin or go on."""
        import torch

        before = None if stretches[0].position == 0 else [self._kept[each.sequence] for each in stretches]
        states = (
            None
            if before is None
            else [type(layers[0])(*(torch.cat(parts) for parts in zip(*layers, strict=True))) for layers in zip(*before, strict=True)]
        )
        tokens_BT = torch.tensor([list(each.tokens) for each in stretches], device=self._model.device)
        found = self._model(input_ids=tokens_BT, past_key_values=states, use_cache=True)
        for index, each in enumerate(stretches):
            self._kept[each.sequence] = [type(layer)(*(part[index : index + 1] for part in layer)) for layer in found.past_key_values]
        return found.logits
