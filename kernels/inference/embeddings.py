"""Texts as vectors of 8-bit integers, by a sentence encoder in a folder (Transformers files; mean pooling, as all-MiniLM-L6-v2 was trained).

A vector is scaled so that its largest component is 127 and rounded. Sums of products of such integers are exact in 32-bit floats, so that
everything computed from stored vectors is equal on every machine and in every order; the encoder itself is equal on one machine.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

I8 = NDArray[np.int8]

_BATCH_TEXTS = 32
_MAX_CHARS_PER_TOKEN = 64  # a longer text is cut before it is split into tokens, so that a huge one costs no more


def embed(texts: list[str], model: Path, max_tokens: int) -> I8:
    """Return the vectors of N texts, of which the first ``max_tokens`` tokens count: [N, D] int8.

    Raises:
        ValueError: the folder has no encoder.
    """
    if not (model / "config.json").is_file() or not (model / "tokenizer.json").is_file():
        raise ValueError(f"{model}: no config.json and tokenizer.json there; name the folder of a sentence encoder in Transformers form")
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModel

    tokenizer: Any = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.encode_special_tokens = True  # a text that spells a control token, such as [SEP], says it and is not parted by it
    tokenizer.enable_truncation(max_tokens)
    tokenizer.enable_padding()
    encoder: Any = cast(Any, AutoModel).from_pretrained(model, local_files_only=True, dtype=torch.float32).eval()
    vectors = np.zeros((len(texts), encoder.config.hidden_size), np.int8)
    with torch.inference_mode():
        for rows in _batches_by_length(texts):
            encoded = tokenizer.encode_batch([texts[row][: max_tokens * _MAX_CHARS_PER_TOKEN] for row in rows])
            ids = torch.tensor([entry.ids for entry in encoded])
            mask = torch.tensor([entry.attention_mask for entry in encoded])
            hidden = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
            weights = mask.unsqueeze(-1).float()
            vectors[rows] = _quantised(((hidden * weights).sum(1) / weights.sum(1).clamp(min=1)).numpy())
    return vectors


def _batches_by_length(texts: list[str]) -> Iterator[list[int]]:
    """Yield rows of about equally long texts, so that little is padded."""
    order = sorted(range(len(texts)), key=lambda row: (len(texts[row]), row))
    for start in range(0, len(order), _BATCH_TEXTS):
        yield order[start : start + _BATCH_TEXTS]


def _quantised(values: NDArray[np.float32]) -> I8:
    """Return vectors scaled to a largest component of 127 and rounded."""
    largest = np.maximum(np.abs(values).max(axis=1, keepdims=True), np.float32(1e-12))
    return np.rint(values / largest * 127).astype(np.int8)
