"""Pseudo-log-likelihoods of words under an encoder that predicts masked tokens (Salazar et al. 2020, arXiv 1910.14659), from left to right.

Of a word of several tokens each is predicted with itself and those of the word behind it masked, and those before it shown (PLL-word-l2r of Kauf
and Ivanova 2023, arXiv 2305.10588). Masked one by one, a word's other tokens would give each away, so that words of many tokens came out too
likely; masked all at once, they would be predicted as if each were drawn without the others. What is returned is the chain of a word's probability,
given both sides of it and how many tokens it has.

Shape letters: B rows, T tokens, V vocabulary.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from kernels.inference.likelihoods.whole_rows import batches

if TYPE_CHECKING:
    from kernels.models.formats.checkpoints import LanguageModel


class Hidden(NamedTuple):
    """Token ids of a word, and those on either side of it."""

    before: tuple[int, ...]
    word: tuple[int, ...]
    behind: tuple[int, ...]


class _Asked(NamedTuple):
    """A token that is asked: of which request, and where in its row it is masked."""

    request: int
    place: int
    token: int


def pseudo_log_likelihoods(lm: "LanguageModel", requests: Sequence[Hidden], mask: int) -> list[float]:
    """Return the pseudo-log-likelihood (nats, float32 softmax) of each word, given the id of the mask token.

    Words of as many tokens in one place begin with the same row, which is read once. A float32 model computes its matrix products in bfloat16.

    Raises:
        ValueError: a text is longer than the model's context.
    """
    limit = lm.model.config.max_position_embeddings
    asked: dict[tuple[int, ...], list[_Asked]] = {}
    for index, request in enumerate(requests):
        length = sum(map(len, request))
        if length > limit:
            raise ValueError(f"{length} tokens, and the model reads {limit} at most; cut the text on either side of the word")
        for number, token in enumerate(request.word):
            shown, masked = request.word[:number], (mask,) * (len(request.word) - number)
            place = len(request.before) + number
            asked.setdefault((*request.before, *shown, *masked, *request.behind), []).append(_Asked(index, place, token))
    rows = list(asked)
    results = [0.0] * len(requests)
    for batch in batches(rows):
        for index, log_probability in _score_batch(lm, [rows[row] for row in batch], [asked[rows[row]] for row in batch]):
            results[index] += log_probability
    return results


def _score_batch(lm: "LanguageModel", rows: Sequence[tuple[int, ...]], asked: Sequence[Sequence[_Asked]]) -> Iterator[tuple[int, float]]:
    """Yield (request, log-probability) for each token that is asked of some rows."""
    import torch

    tokens_BT = torch.full((len(rows), max(map(len, rows))), lm.tokenizer.pad_token_id, dtype=torch.long)
    mask_BT = torch.zeros_like(tokens_BT)
    for row, tokens in enumerate(rows):
        tokens_BT[row, : len(tokens)] = torch.tensor(tokens)
        mask_BT[row, : len(tokens)] = 1
    with torch.inference_mode(), torch.autocast(torch.device(lm.device).type, dtype=torch.bfloat16):
        logits_BTV = lm.model(input_ids=tokens_BT.to(lm.device), attention_mask=mask_BT.to(lm.device)).logits
    for row, tokens in enumerate(asked):
        places = sorted({each.place for each in tokens})
        log_probabilities = dict(zip(places, logits_BTV[row, places].float().log_softmax(-1), strict=True))
        for each in tokens:
            yield each.request, float(log_probabilities[each.place][each.token])
