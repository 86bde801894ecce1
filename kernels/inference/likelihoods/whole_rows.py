"""Log-likelihoods by whole rows, filled up to the longest of a batch: of models that see images, and of those that keep no keys and values in pages.

Shape letters: B rows, T tokens, V vocabulary, K scored positions.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kernels.inference.likelihoods.requests import TOKENS_PER_BATCH, Request
from kernels.models.formats.own import attention_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kernels.models.formats.checkpoints import LanguageModel


def log_likelihoods(model: "LanguageModel", requests: Sequence[Request], limit: int, pixels: "NDArray[np.float32] | None") -> list[float]:
    """Return what `kernels.inference.likelihoods.likelihood.log_likelihoods` does, of a decoder that reads ``limit`` tokens.

    Only the positions asked for pass the output layer. A request whose input begins another's is read from that one's row (the model is causal), so
    options of one prompt share a pass where they can.
    """
    inputs = [(*request.context, *request.continuation[:-1])[-limit:] for request in requests]
    image_of = [-1 if request.image is None else request.image for request in requests]
    rows: list[tuple[int, ...]] = []
    row_of_request = [0] * len(requests)
    shares = attention_of(model.model) == "causal"  # what a model of prefixes says depends on where the prefix ends
    images: list[int] = []
    order = sorted(range(len(requests)), key=lambda index: (image_of[index], inputs[index]), reverse=True)
    for index in order:  # a prefix comes right behind what it begins
        if not rows or not shares or images[-1] != image_of[index] or rows[-1][: len(inputs[index])] != inputs[index]:
            rows.append(inputs[index])
            images.append(image_of[index])
        row_of_request[index] = len(rows) - 1
    asked: list[list[int]] = [[] for _ in rows]
    for index, row in enumerate(row_of_request):
        asked[row].append(index)
    results = [0.0] * len(requests)
    for batch in batches(rows):
        slots = [
            (index, slot, len(inputs[index]) - len(requests[index].continuation), requests[index].continuation)
            for slot, row in enumerate(batch)
            for index in asked[row]
        ]
        seen = None if pixels is None else pixels[[images[row] for row in batch if images[row] >= 0]]
        for index, total in _score_batch(model, [rows[row] for row in batch], slots, seen):
            results[index] = total
    return results


def batches(rows: Sequence[tuple[int, ...]]) -> Iterator[list[int]]:
    """Yield indices of rows, longest first, as many at once as `TOKENS_PER_BATCH` admits."""
    batch: list[int] = []
    for row in sorted(range(len(rows)), key=lambda row: (-len(rows[row]), row)):
        if batch and (len(batch) + 1) * len(rows[batch[0]]) > TOKENS_PER_BATCH:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _score_batch(
    model: "LanguageModel",
    rows: Sequence[tuple[int, ...]],
    slots: Sequence[tuple[int, int, int, tuple[int, ...]]],
    pixels: "NDArray[np.float32] | None",
) -> Iterator[tuple[int, float]]:
    """Yield (request, log-likelihood) for slots of (request, row, position before its first scored input, continuation)."""
    import torch

    tokens_BT = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    mask_BT = torch.zeros_like(tokens_BT)
    keep_BT = torch.zeros_like(tokens_BT, dtype=torch.bool)
    for row, tokens in enumerate(rows):
        tokens_BT[row, : len(tokens)] = torch.tensor(tokens)
        mask_BT[row, : len(tokens)] = 1
    for _, row, start, continuation in slots:
        keep_BT[row, start : start + len(continuation)] = True
    device = model.device
    told: dict[str, Any] = {}
    if pixels is not None and len(pixels):
        told["pixel_values"] = torch.from_numpy(pixels).to(device)  # pyright: ignore[reportUnknownMemberType]
    if attention_of(model.model) == "prefix":
        told["prefix_mask"] = torch.zeros_like(keep_BT)
        for _, row, start, _ in slots:
            told["prefix_mask"][row, : start + 1] = True
        told["prefix_mask"] = told["prefix_mask"].to(device)
    with torch.inference_mode(), torch.autocast(torch.device(device).type, dtype=torch.bfloat16):
        output = model.model(
            input_ids=tokens_BT.to(device), attention_mask=mask_BT.to(device), logits_to_keep=keep_BT.to(device), use_cache=False, **told
        )
    logits_KV = output.logits
    norm_K = torch.cat([part.float().logsumexp(-1) for part in logits_KV.split(256)])
    index_BT = (keep_BT.flatten().cumsum(0) - 1).view_as(keep_BT)
    for request, row, start, continuation in slots:
        kept = index_BT[row, start : start + len(continuation)].to(device)
        log_probability = logits_KV[kept, torch.tensor(continuation, dtype=torch.long, device=device)].float() - norm_K[kept]
        yield request, float(log_probability.double().sum())
