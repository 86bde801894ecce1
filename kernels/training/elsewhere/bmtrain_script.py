"""Trains ModelCenter's Llama by BMTrain on rows of tokens: what ``mill launch`` puts beside them, for torchrun to start.

It stands alone: bmtrain, model_center, torch and numpy are all that it imports. Which rows a step reads and at which rate are in files, so that they
are those of a training by modelmill. It has run on no machine with CUDA.
"""

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
PADDING, IGNORED = 65535, -100
WHOLE = ("layernorm", "input_embedding", "output_projection")
"""In names of what is not decayed."""


def main() -> None:
    """Train, and keep the weights every so often and at the end."""
    import torch

    bmt, center = importlib.import_module("bmtrain"), importlib.import_module("model_center.model")
    told: dict[str, Any] = json.loads((HERE / "training.json").read_text())
    bmt.init_distributed(seed=told["seed"])
    model: Any = center.Llama(center.LlamaConfig(**told["model"]))
    bmt.load(model, str(HERE / told["start"]))
    optimizer = optimizer_of(bmt, model, told)
    manager: Any = bmt.optim.OptimManager(loss_scale=told["loss_scale"])
    manager.add_optimizer(optimizer)
    order = np.load(HERE / "data" / "order.npy", mmap_mode="r")
    for step, rate in enumerate(told["rates"]):
        for group in optimizer.param_groups:
            group["lr"] = rate
        manager.zero_grad()
        loss = 0.0
        for tokens, labels, scale in parts(order[step], told["micro_batch_size"], bmt.rank(), bmt.world_size()):
            loss += backward(model, manager, tokens, labels, scale)
        manager.clip_grad_norm(optimizer.param_groups, max_norm=told["gradient_clip"])
        manager.step()
        bmt.print_rank(f"step {step + 1} loss {bmt.sum_loss(torch.tensor(loss, device=device())).item():.4f} learning rate {rate:.3g}")
        if (step + 1) % told["checkpoint_every"] == 0 or step + 1 == len(told["rates"]):
            (HERE / "trained").mkdir(exist_ok=True)
            bmt.save(model, str(HERE / "trained" / "model.pt"))


def device() -> str:
    """Return where models are."""
    return "cuda"


def optimizer_of(bmt: Any, model: Any, told: dict[str, Any]) -> Any:
    """Return AdamW: torch's where weights are float32, else BMTrain's Adam, which keeps them in float32 beside and decays them apart too."""
    import torch

    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    decayed = [parameter for name, parameter in named if not any(part in name for part in WHOLE)]
    whole = [parameter for name, parameter in named if any(part in name for part in WHOLE)]
    groups = [{"params": decayed, "weight_decay": told["weight_decay"]}, {"params": whole, "weight_decay": 0.0}]
    made = bmt.optim.AdamOptimizer if told["model"]["half"] else torch.optim.AdamW
    return made(groups, lr=told["rates"][0], betas=tuple(told["betas"]), eps=1e-8)


def parts(rows: Any, size: int, rank: int, count: int) -> list[tuple[Any, Any, float]]:
    """Return what this process reads of a step's rows, in parts: tokens, labels, and what a sum of losses is multiplied by for the step's mean."""
    segments = np.load(HERE / "data" / "segments.npy", mmap_mode="r")[rows]
    tokens = np.load(HERE / "data" / "tokens.npy", mmap_mode="r")[rows].astype(np.int64)
    labels = np.full_like(tokens, IGNORED)
    same = (segments[:, 1:] == segments[:, :-1]) & (segments[:, 1:] != PADDING)
    labels[:, :-1][same] = tokens[:, 1:][same]
    scale = count / max(1, int((labels != IGNORED).sum()))  # BMTrain takes the mean of what processes have
    each = len(rows) // count
    mine = range(rank * each, (rank + 1) * each)
    return [(tokens[mine[at : at + size]], labels[mine[at : at + size]], scale) for at in range(0, each, size)]


def backward(model: Any, manager: Any, tokens: Any, labels: Any, scale: float) -> float:
    """Add the gradients of some rows; return their sum of losses by that scale."""
    import torch

    ids, wanted = torch.tensor(tokens, device=device()), torch.tensor(labels, device=device())
    lengths = torch.full((len(ids),), ids.shape[1], device=device())
    logits = model(ids, length=lengths, output_logits=True).logits
    total = torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), wanted.flatten(), ignore_index=IGNORED, reduction="sum")
    manager.backward(total * scale)
    return total.item() * scale


if __name__ == "__main__":
    main()
