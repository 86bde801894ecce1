"""How likely an encoder-decoder holds continuations: the encoder reads what is given, once, and the decoder goes on from the token that starts it.

Shape letters: B rows, T tokens that are given, U tokens of the decoder.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from kernels.inference.likelihoods.requests import TOKENS_PER_BATCH, Request

if TYPE_CHECKING:
    from kernels.models.formats.checkpoints import LanguageModel


class _Read(NamedTuple):
    """What the encoder made of rows, and which of their tokens are no padding, [B, T]."""

    outputs: Any
    mask_BT: Any


def _padded(rows: Sequence[Sequence[int]], fill: int, device: str) -> tuple[Any, Any]:
    """Return rows padded at their ends, and a mask of what is no padding."""
    import torch

    tokens = torch.full((len(rows), max(map(len, rows))), fill, dtype=torch.long)
    mask = torch.zeros_like(tokens)
    for index, row in enumerate(rows):
        tokens[index, : len(row)] = torch.tensor(row)
        mask[index, : len(row)] = 1
    return tokens.to(device), mask.to(device)


def _read(lm: "LanguageModel", rows: Sequence[Sequence[int]]) -> _Read:
    tokens_BT, mask_BT = _padded(rows, lm.model.config.pad_token_id, lm.device)
    return _Read(lm.model.get_encoder()(input_ids=tokens_BT, attention_mask=mask_BT), mask_BT)


def log_likelihoods(lm: "LanguageModel", requests: Sequence[Request]) -> list[float]:
    """Return the summed log-probability (nats, float32 softmax) of each request's continuation where the encoder reads its context.

    A float32 model computes its matrix products in bfloat16. Of a context longer than the model's the end is read.
    """
    limit = lm.model.config.max_position_embeddings
    cut = [request._replace(context=request.context[-limit:]) for request in requests]
    results = [0.0] * len(cut)
    for batch in _batches(cut):
        for index, total in zip(batch, _score_batch(lm, [cut[index] for index in batch]), strict=True):
            results[index] = total
    return results


def _batches(requests: Sequence[Request]) -> Iterator[list[int]]:
    """Yield indices of requests, those with the longest context first and with the same one together."""
    batch: list[int] = []
    width = 0
    for index in sorted(range(len(requests)), key=lambda index: (-len(requests[index].context), requests[index].context)):
        longest = max(len(requests[index].context), len(requests[index].continuation))
        wider = max(width, longest)
        if batch and (len(batch) + 1) * wider > TOKENS_PER_BATCH:
            yield batch
            batch, wider = [], longest
        batch.append(index)
        width = wider
    if batch:
        yield batch


def _score_batch(lm: "LanguageModel", requests: Sequence[Request]) -> list[float]:
    """Return the log-likelihoods of some requests; each context is read once."""
    import torch

    contexts = sorted({request.context for request in requests})
    place = {context: index for index, context in enumerate(contexts)}
    row_of_request = torch.tensor([place[request.context] for request in requests], device=lm.device)
    start = lm.model.config.decoder_start_token_id
    tokens_BU, _ = _padded([(start, *request.continuation[:-1]) for request in requests], lm.model.config.pad_token_id, lm.device)
    targets_BU, asked_BU = _padded([request.continuation for request in requests], 0, lm.device)
    with torch.inference_mode(), torch.autocast(torch.device(lm.device).type, dtype=torch.bfloat16):
        read = _read(lm, contexts)
        output = lm.model(
            encoder_outputs=(read.outputs.last_hidden_state[row_of_request],),
            attention_mask=read.mask_BT[row_of_request],
            decoder_input_ids=tokens_BU,
            use_cache=False,
        )
    chosen = [logits.float().log_softmax(-1).gather(-1, targets[:, None])[:, 0] for logits, targets in zip(output.logits, targets_BU, strict=True)]
    return (torch.stack(chosen).double() * asked_BU).sum(1).tolist()
