"""Activations that are recomputed on the way back rather than kept (Chen et al. 2016, arXiv 1604.06174), block by block.

Selective recomputation (Korthikanti et al. 2022, arXiv 2205.05198) keeps what is dear to compute and small, products with weights, and recomputes the
rest: norms, activation functions, rotations, and the core of attention, whose scores grow with the square of the length. Where attention is fused its
scores never stand, and what it gives is kept. Products in which a state is written and read (Mamba-2) are recomputed as scores are.
Gradients are bit for bit those of a training that keeps everything.
"""

from functools import partial
from typing import Any, Literal, cast

ActivationMode = Literal["none", "selective", "full"]
"""Recompute nothing, all but products with weights and fused attention, or all of a block but its inputs."""


def apply(blocks: Any, mode: ActivationMode) -> None:
    """Have blocks recompute their activations; names of parameters stay. A block may be compiled afterwards by ``block.compile``.

    Args:
        blocks: torch modules, each called once in a step: a ModuleList.
        mode: what is recomputed.
    """
    import torch.utils.checkpoint

    recomputing: Any = torch.utils.checkpoint  # a module that declares no types
    if mode == "none":
        return
    settings: dict[str, Any] = {"use_reentrant": False}
    if mode == "selective":
        settings["context_fn"] = partial(recomputing.create_selective_checkpoint_contexts, _kept_operations())
    for block in blocks:
        block.forward = _recomputing(block.forward, settings)


def _recomputing(forward: Any, settings: dict[str, Any]) -> Any:
    """Return a forward pass whose activations are recomputed: a function that calls, which is compiled, where a ``partial`` is passed over."""
    import torch.utils.checkpoint

    recomputing: Any = torch.utils.checkpoint

    def recomputed(*given: Any, **named: Any) -> Any:
        return recomputing.checkpoint(forward, *given, **settings, **named)

    return recomputed


def _kept_operations() -> list[Any]:
    """Return the operations whose results are kept: products with weights, and every kind of fused attention that this torch has.

    Weights have no rows of their own: what is multiplied by them is one matrix, and what is multiplied row by row (``bmm``) are activations.
    """
    import torch

    aten: Any = torch.ops.aten
    products = ("mm", "addmm")
    attention = [f"_scaled_dot_product_{kind}" for kind in ("flash_attention_for_cpu", "flash_attention", "efficient_attention", "cudnn_attention")]
    operations: list[Any] = [getattr(aten, name).default for name in (*products, *attention)]
    return [*operations, cast(Any, torch.ops.higher_order).flex_attention]
