"""Weights, gradients and optimizer state in pieces: ZeRO's third stage (Rajbhandari et al. 2020, arXiv 1910.02054), by torch's FSDP2.

Every block is gathered by itself for its forward pass, given back, and gathered again for its backward pass, whose gradients are summed into pieces.
Where groups of processes hold the same pieces, sums go over the groups too. Pieces may wait in the machine's memory, from where a block's are brought
to be gathered and to where gradients go (ZeRO-Infinity: Rajbhandari et al. 2021, arXiv 2104.07857, without its disks).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kernels.specs.layout import HOLDING
from kernels.training.parallel.shards import Cut, Shard, chunk_sizes
from kernels.training.parallel.team import Team


def shard(module: Any, blocks: Sequence[Any], team: Team, *, with_rest: bool) -> None:
    """Have blocks be held in pieces, and what stands around them, where it is passed as one with them."""
    from torch.distributed.fsdp import CPUOffloadPolicy, OffloadPolicy, fully_shard

    sharding: Any = fully_shard
    on_gpu = any(parameter.is_cuda for parameter in module.parameters())
    policy = CPUOffloadPolicy(pin_memory=on_gpu) if team.layout.offload == "parameters" else OffloadPolicy()
    given = {"mesh": team.mesh_of_pieces(), "offload_policy": policy}
    for block in blocks:
        sharding(block, reshard_after_forward=True, **given)
    if with_rest:
        sharding(module, reshard_after_forward=False, **given)
        pass_logits(module)
    sum_gradients(module)


def pass_logits(module: Any) -> None:
    """Have what is held in pieces be whole where models are asked for logits, too, which are more than a product in some."""
    from torch.distributed.fsdp import register_fsdp_forward_method

    if hasattr(module, "logits"):
        register_fsdp_forward_method(module, "logits")


def sum_gradients(module: Any) -> None:
    """Have gradients be sums over processes, and no means."""
    for each in module.modules():
        if hasattr(each, "set_gradient_divide_factor"):
            each.set_gradient_divide_factor(1.0)  # losses are divided by the labels of all processes already
            each.set_force_sum_reduction_for_comms(True)


def pieces(parameters: Mapping[str, Any], cuts: Mapping[str, tuple[Cut, ...]], team: Team) -> dict[str, Shard]:
    """Return what this process holds of those parameters that are in pieces, by name. ``cuts`` were made before."""
    num_pieces = team.size(HOLDING)
    return {
        name: Shard(_leaf(parameter), (*cuts.get(name, ()), Cut(HOLDING, 0, (chunk_sizes(parameter.shape[0], num_pieces),))))
        for name, parameter in parameters.items()
        if is_in_pieces(parameter)
    }


def is_in_pieces(parameter: Any) -> bool:
    """Return whether a parameter is held in pieces by `shard`."""
    return hasattr(parameter, "to_local")


def _leaf(parameter: Any) -> Any:
    return parameter.to_local().detach().requires_grad_()


def give_back(module: Any) -> None:
    """Have all weights be in pieces: those that a pass without gradients gathered would stay, whatever their pieces become."""
    for each in module.modules():
        if hasattr(each, "reshard"):
            each.reshard()
