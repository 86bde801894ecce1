"""BERTScore: texts compared by the vectors that an encoder gives their tokens (Zhang et al. 2020, arXiv 1904.09675, section 3).

Each token is matched with the most similar one of the other text. Tokens that the tokenizer puts around a text are left out on both sides. Scores
are cosines as they come, not rescaled against a baseline: they compare answers under one encoder and one layer, and say nothing across these.

Shape letters: A and R tokens of answer and reference, D width.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_BATCH_TEXTS = 32
_MAX_CHARS_PER_TOKEN = 64  # a longer text is cut before it is split into tokens, so that a huge one costs no more


class BertScore(NamedTuple):
    """Of one answer, each -1..1; all 0 where a text has no token."""

    precision: float
    """Mean similarity of the answer's tokens to what is nearest in the reference."""
    recall: float
    """That of the reference's tokens to what is nearest in the answer."""
    f1: float


class TokenVectors(NamedTuple):
    """A text as an encoder gives it."""

    ids: tuple[int, ...]
    vectors: F32
    """Of length 1, [tokens, D]."""


def bert_scores(
    answers: Sequence[str], references: Sequence[Sequence[str]], model: Path, *, layer: int | None = None, idf: bool = False, max_tokens: int = 512
) -> list[BertScore]:
    """Return the scores of N answers, each against that of its references which gives the best F1.

    Args:
        answers: one an item.
        references: of each item, one or more.
        model: folder of an encoder in Transformers form.
        layer: whose hidden states are compared, counted as Transformers does, 0 for what enters the first; None for the last.
        idf: whether a token counts by how rare it is in all references of all items.
        max_tokens: of a text that are read; the rest is cut off.

    Raises:
        ValueError: the folder has no encoder, it has no such layer, the lists are not equally long, or an item has no reference.
    """
    if len(answers) != len(references) or not all(references):
        raise ValueError(f"{len(answers)} answers and {len(references)} items of references; give each answer one reference at least")
    encoder = _Encoder(model, layer, max_tokens)
    weights = idf_weights([encoder.ids(text) for group in references for text in group]) if idf else None
    order = sorted(range(len(answers)), key=lambda row: max(map(len, (answers[row], *references[row]))))
    scores: dict[int, BertScore] = {}
    for start in range(0, len(order), _BATCH_TEXTS):
        rows = order[start : start + _BATCH_TEXTS]
        vectors = encoder.vectors({text for row in rows for text in (answers[row], *references[row])})
        for row in rows:
            pairs = [match(vectors[answers[row]], vectors[text], weights) for text in references[row]]
            scores[row] = max(pairs, key=lambda score: score.f1)
    return [scores[row] for row in range(len(answers))]


class IdfWeights(NamedTuple):
    """How much a token counts, by its id."""

    known: Mapping[int, float]
    unknown: float
    """Of what no reference holds."""

    def of(self, ids: Sequence[int]) -> F64:
        """Return the weights of a text's tokens."""
        return np.array([self.known.get(token, self.unknown) for token in ids])


def idf_weights(references: Sequence[Sequence[int]]) -> IdfWeights:
    """Return minus the logarithm of the share of M references that hold a token, one added to both counts (section 3, importance weighting)."""
    num_holding = Counter(token for ids in references for token in set(ids))
    total = len(references) + 1
    return IdfWeights({token: math.log(total / (count + 1)) for token, count in num_holding.items()}, math.log(total))


def match(answer: TokenVectors, reference: TokenVectors, weights: IdfWeights | None = None) -> BertScore:
    """Return the score of one answer against one reference; without weights all tokens count alike, and where all weigh 0 the score is 0."""
    if not answer.ids or not reference.ids:
        return BertScore(0.0, 0.0, 0.0)
    cosines_AR = (answer.vectors @ reference.vectors.T).astype(np.float64)
    precision = _mean(cosines_AR.max(1), None if weights is None else weights.of(answer.ids))
    recall = _mean(cosines_AR.max(0), None if weights is None else weights.of(reference.ids))
    total = precision + recall
    return BertScore(precision, recall, 2 * precision * recall / total if precision > 0 and recall > 0 else 0.0)


def _mean(values: F64, weights: F64 | None) -> float:
    if weights is None:
        return float(values.mean())
    return float(values @ weights / weights.sum()) if weights.sum() > 0 else 0.0


class _Encoder:
    """A tokenizer and the encoder behind it."""

    def __init__(self, model: Path, layer: int | None, max_tokens: int) -> None:
        if not (model / "config.json").is_file() or not (model / "tokenizer.json").is_file():
            raise ValueError(f"{model}: no config.json and tokenizer.json there; name the folder of an encoder in Transformers form")
        import torch
        from tokenizers import Tokenizer
        from transformers import AutoModel

        self._tokenizer: Any = Tokenizer.from_file(str(model / "tokenizer.json"))
        self._tokenizer.encode_special_tokens = True  # a text that spells a control token, such as [SEP], says it and is not parted by it
        self._tokenizer.enable_truncation(max_tokens)
        self._tokenizer.enable_padding()
        self._max_chars = max_tokens * _MAX_CHARS_PER_TOKEN
        self._module: Any = cast(Any, AutoModel).from_pretrained(model, local_files_only=True, dtype=torch.float32).eval()
        num_layers = self._module.config.num_hidden_layers
        if layer is not None and not 0 <= layer <= num_layers:
            raise ValueError(f"{model}: no layer {layer}; give one of 0 to {num_layers}")
        self._layer = num_layers if layer is None else layer

    def ids(self, text: str) -> list[int]:
        """Return the ids of a text's own tokens."""
        return self._own(self._tokenizer.encode(text[: self._max_chars]))[0]

    def vectors(self, texts: set[str]) -> dict[str, TokenVectors]:
        """Return the vectors of each text, encoded with others about as long."""
        return {text: vectors for batch in _batches_by_length(texts) for text, vectors in zip(batch, self._encode(batch), strict=True)}

    def _encode(self, texts: list[str]) -> Iterator[TokenVectors]:
        import torch

        encoded = self._tokenizer.encode_batch([text[: self._max_chars] for text in texts])
        with torch.inference_mode():
            ids, mask = (torch.tensor([getattr(entry, name) for entry in encoded]) for name in ("ids", "attention_mask"))
            hidden = self._module(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states[self._layer]
            hidden = torch.nn.functional.normalize(hidden, dim=-1).numpy()
        for row, entry in enumerate(encoded):
            own, positions = self._own(entry)
            yield TokenVectors(tuple(own), hidden[row, positions])

    def _own(self, entry: Any) -> tuple[list[int], list[int]]:
        """Return ids and positions of the tokens that are the text's, not padding and not put around it."""
        positions = [position for position, is_special in enumerate(entry.special_tokens_mask) if not is_special]
        return [entry.ids[position] for position in positions], positions


def _batches_by_length(texts: set[str]) -> Iterator[list[str]]:
    """Yield texts about as long as each other, so that little is padded."""
    order = sorted(texts, key=lambda text: (len(text), text))
    for start in range(0, len(order), _BATCH_TEXTS):
        yield order[start : start + _BATCH_TEXTS]
