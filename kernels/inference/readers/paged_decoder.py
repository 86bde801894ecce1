"""A decoder of ours by PyTorch, with keys and values in pages. Shape letters: see paged_attention.py; D width, V vocabulary."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from kernels.inference.adapters.adding import Adapts, Added, Place
from kernels.inference.cache.sequences import Copy
from kernels.inference.readers.paged_attention import Group, Kept, Passing
from kernels.inference.readers.reading import InPages, Stretch

if TYPE_CHECKING:
    from kernels.models.blocks.decoder import Decoder, DecoderShape, Told
    from kernels.models.blocks.flash.sequences import Rule


class PagedDecoder(InPages, Adapts):
    """See the module. Adapters name layers as Transformers' Llama does, whose parameters are stacked here."""

    def __init__(
        self, module: "Decoder", num_pages: int, dtype: Any, blocks: Iterable[Any] | None = None, shape: "DecoderShape | None" = None
    ) -> None:
        """Make room for pages on the device that a stack is on, and compute in a type.

        Args:
            module: a stack.
            num_pages: of keys and values.
            dtype: of torch.
            blocks: of the stack, where it does not hold them itself: they are asked for one by one in each step.
            shape: of the blocks together, where they are not the whole stack.
        """
        super().__init__(module.norm.weight.device, dtype)
        self._blocks, shape = module.blocks if blocks is None else blocks, shape or module.shape
        self._module, self._dtype, self._device = module, dtype, module.norm.weight.device
        self._kept = Kept(num_pages, shape.num_layers, shape.num_kv_heads, shape.head_width, dtype, self._device)

    def copy(self, copies: Sequence[Copy]) -> None:
        """See `Reader`."""
        self._kept.copy(copies)

    def read(self, stretches: Sequence[Stretch]) -> Any:
        """See `Reader`."""
        import torch

        with torch.inference_mode():
            passing = self._laid_out(stretches)
            return self._left(self._passed(self._entered(passing), passing, self._adapted(stretches)), passing)

    def places(self) -> dict[str, Place]:
        """See `Adapts`."""
        import torch

        from kernels.models.architectures.llama import table
        from kernels.models.blocks.decoder import Block
        from kernels.models.blocks.linear import Linear

        shape = self._module.shape
        with torch.device("meta"):
            sizes = {name: tuple(layer.weight.shape) for name, layer in Block(shape).named_children() if isinstance(layer, Linear)}
        found: dict[str, Place] = {}
        for entry in table(shape).expanded():
            block, _, name = entry.ours.removesuffix(".weight").removeprefix("blocks.").partition(".")
            if name not in sizes:
                continue
            num_out, num_in = sizes[name]
            first = 0
            for theirs, rows in zip(entry.theirs, entry.rows or (num_out,), strict=True):
                found[theirs.removesuffix(".weight")] = Place(int(block), name, first, num_in, rows)
                first += rows
        return found

    def _laid_out(self, stretches: Sequence[Stretch]) -> Passing:
        return Passing(stretches, self._device, is_apart=self._module.shape.attention == "prefix")

    def _entered(self, passing: Passing) -> Any:
        """Return what the first block reads, [1, N, D]."""
        return self._module.embedded(passing.tokens_N[None], passing.positions_N[None], self._dtype)

    def _passed(self, x_1ND: Any, passing: Passing, adapted: Added) -> Any:
        """Return what the last block gives, [1, N, D]."""
        told, rule = self._told(passing.positions_N), self._rule()
        added: dict[int, Any] = {}

        def weigh(scores: Any, group: Group) -> Any:
            if id(group) not in added:
                added[id(group)] = self._added(group)
            return (scores + added[id(group)]).softmax(-1)

        for index, (block, layer) in enumerate(zip(self._blocks, self._kept.layers, strict=True)):
            found: Any = block
            with adapted.to(found, index):
                q, k, v = found.heads(x_1ND, told)
                seen = passing.attend(layer, q[0], k[0].transpose(0, 1), v[0].transpose(0, 1), weigh, rule)
                x_1ND = found.behind(x_1ND, seen[None])
        return x_1ND

    def _left(self, x_1ND: Any, passing: Passing) -> Any:
        """Return the logits of what is asked."""
        hidden = self._module.norm(x_1ND)[0, passing.asked]
        return (hidden @ self._module.output_layer()[0].to(hidden.dtype).t()).float()

    def _rule(self) -> "Rule | None":
        """Return who sees whom, and what distance costs, where kernels know it: they know no prefix, and no bias that was learned."""
        import torch

        from kernels.models.blocks.flash.sequences import Rule
        from kernels.models.blocks.positions import alibi_slopes

        shape = self._module.shape
        if shape.attention != "causal" or shape.positions == "t5":
            return None
        slopes = torch.tensor(alibi_slopes(shape.num_heads), device=self._device) if shape.positions == "alibi" else None
        return Rule(causal=True, slopes_H=slopes)

    def _told(self, positions_N: Any) -> "Told":
        """Return what blocks are told to make heads of tokens."""
        from kernels.models.blocks import positions
        from kernels.models.blocks.decoder import Told

        shape = self._module.shape
        if shape.positions != "rope":
            return Told(None, None, None, None)
        return Told(*positions.rotary_at(positions_N, shape.head_width, shape.theta), None, None)

    def _added(self, group: Group) -> Any:
        """Return what is added to scores of a group, [M, 1 or G, 1 or R, T, S]: who sees whom, and the bias of distances."""
        import torch

        num_queries, num_keys = group.distances_MTS.shape[1:]
        sees_all = group.is_prompt and self._module.shape.attention == "prefix"
        sees_MTS = torch.ones_like(group.distances_MTS, dtype=torch.bool) if sees_all else group.distances_MTS >= 0
        added = torch.zeros((), device=self._device).where(sees_MTS, float("-inf"))[:, None, None]
        bias = self._module.told(num_queries if sees_all else 1, self._device, None, 0 if sees_all else num_keys - 1).bias
        if bias is None:
            return added
        if sees_all:
            return added + bias
        of_distances = bias[:, :, -1].flip(-1)  # that of the last key first
        return added + of_distances[:, :, group.distances_MTS.clamp(min=0)].permute(2, 0, 1, 3, 4)
