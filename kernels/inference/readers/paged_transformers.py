"""A causal decoder of Transformers, with keys and values in pages: its own module, whose attention is ours.

Transformers' models call attention by a name that their config has, with queries and keys that know their positions; what is of a layer (windows,
caps of scores, sinks) comes with the call. Tokens of all sequences pass as one row.
"""

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any

from kernels.inference.adapters.adding import Adapts, Place
from kernels.inference.cache.sequences import Copy
from kernels.inference.readers.paged_attention import Group, Kept, Passing
from kernels.inference.readers.reading import InPages, Stretch

NAME = "modelmill_pages"


class PagedTransformers(InPages, Adapts):
    """See the module."""

    def __init__(self, model: Any, num_pages: int) -> None:
        """Make room for pages as the first tokens pass."""
        from transformers import AttentionInterface, AttentionMaskInterface

        interface: Any = AttentionInterface
        interface.register(NAME, _attend)
        masks: Any = AttentionMaskInterface
        masks.register(NAME, _no_mask)
        super().__init__(model.device, model.dtype)
        self._model, self._num_pages = model, num_pages
        self._kept: Kept | None = None
        self._attended: set[int] = set()
        """Layers that asked for their keys and values in this step."""

    def copy(self, copies: Sequence[Copy]) -> None:
        """See `Reader`."""
        if self._kept is not None:
            self._kept.copy(copies)

    def read(self, stretches: Sequence[Stretch]) -> Any:
        """See `Reader`."""
        import torch

        passing, self._attended = Passing(stretches, self._model.device), set()
        with torch.inference_mode(), self._in_pages(), self._adapted(stretches).to(self._model):
            found = self._model(
                input_ids=passing.tokens_N[None],
                position_ids=passing.positions_N[None],
                use_cache=False,
                logits_to_keep=torch.tensor(passing.asked, dtype=torch.long, device=self._model.device),
                modelmill_layers=self._layer,
                modelmill_passing=passing,
            )
        if len(self._attended) != (num_layers := self._model.config.get_text_config().num_hidden_layers):
            raise ValueError(
                f"{type(self._model).__name__}: {len(self._attended)} of its {num_layers} layers attend, and what others keep is not in pages; "
                "ask it by the back end transformers"
            )
        return found.logits[0].float()

    def places(self) -> dict[str, Place]:
        """See `Adapts`. Layers are those of blocks, whose names have one number: the output layer reads some rows of a step, and experts do."""
        import torch
        from transformers.pytorch_utils import Conv1D

        found: dict[str, Place] = {}
        layers: Iterable[tuple[str, Any]] = self._model.named_modules()
        for name, layer in layers:
            if isinstance(layer, torch.nn.Linear | Conv1D) and sum(part.isdecimal() for part in name.split(".")) == 1:
                sizes: Any = layer
                num_in, num_out = (sizes.nx, sizes.nf) if isinstance(layer, Conv1D) else (sizes.in_features, sizes.out_features)
                found[name] = Place(0, name, 0, num_in, num_out)
        return found

    @contextmanager
    def _in_pages(self) -> Generator[None]:
        """Have the model attend in pages meanwhile: others may ask it as it is loaded."""
        config = self._model.config.get_text_config()
        before, config._attn_implementation = config._attn_implementation, NAME
        try:
            yield
        finally:
            config._attn_implementation = before

    def _layer(self, index: int, k_1GNK: Any) -> tuple[Any, Any]:
        """Return the keys and values of a layer; room for all is made as the first keys are seen."""
        self._attended.add(index)
        if self._kept is None:
            _, num_heads, _, width = k_1GNK.shape
            self._kept = Kept(self._num_pages, self._model.config.get_text_config().num_hidden_layers, num_heads, width, k_1GNK.dtype, k_1GNK.device)
        return self._kept.layers[index]


def _no_mask(*_: Any, **__: Any) -> None:
    """Make no mask: attention knows who sees whom."""


def _attend(module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **told: Any) -> tuple[Any, None]:
    """Attend as Transformers' functions do, [1, heads, N, K] to [1, N, heads, K]."""
    import torch

    from kernels.models.blocks.flash.sequences import Rule

    passing: Passing = told["modelmill_passing"]
    scaling, window, cap, sinks_H = (told.get(name) for name in ("scaling", "sliding_window", "softcap", "s_aux"))
    if told.get("position_bias") is not None:
        raise ValueError(f"{type(module).__name__}: attends with a bias of its own, which pages do not know; ask it by the back end transformers")

    def weigh(scores: Any, group: Group) -> Any:
        if cap is not None:
            scores = (scores / cap).tanh() * cap
        sees_MTS = group.distances_MTS >= 0
        if window is not None:
            sees_MTS = sees_MTS & (group.distances_MTS < window)
        scores = scores.masked_fill(~sees_MTS[:, None, None], float("-inf"))
        if sinks_H is None:
            return scores.softmax(-1)
        sinks_MGRT1 = sinks_H.float().view(1, num_groups, -1, 1, 1).expand(*scores.shape[:-1], 1)
        return torch.cat((scores, sinks_MGRT1), -1).softmax(-1)[..., :-1]

    num_groups = key.shape[1]
    q_GRNK = (query[0] * (query.shape[-1] ** -0.5 if scaling is None else scaling)).unflatten(0, (num_groups, -1))
    layer = told["modelmill_layers"](module.layer_idx, key)
    rule = Rule(causal=True, window=window) if cap is None and sinks_H is None else None
    seen = passing.attend(layer, q_GRNK, key[0].transpose(0, 1), value[0].transpose(0, 1), weigh, rule)
    return seen.flatten(0, 1).transpose(0, 1)[None], None
