"""Texts as vectors by an encoder: the mean of what its last layer says of their tokens. Shape letters: B rows, T tokens, D width."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kernels.inference.likelihoods.whole_rows import batches

if TYPE_CHECKING:
    from kernels.models.formats.checkpoints import LanguageModel


def mean_pooled(lm: "LanguageModel", texts: Sequence[Sequence[int]]) -> list[list[float]]:
    """Return the vector of each text, given as token ids: the mean over tokens of the last hidden states (float32).

    Raises:
        ValueError: the model is no encoder, a text has no token, or more than the model reads (names both numbers).
    """
    import torch

    if lm.attention != "bidirectional":
        raise ValueError(f"{type(lm.model).__name__} is no encoder, and has no vectors of texts; ask an encoder")
    limit = lm.model.config.max_position_embeddings
    for text in texts:
        if not 0 < len(text) <= limit:
            raise ValueError(f"a text has {len(text)} tokens, and the model reads from 1 to {limit}; shorten it: nothing is cut")
    found: list[list[float]] = [[] for _ in texts]
    rows = [tuple(text) for text in texts]
    for batch in batches(rows):
        tokens_BT = torch.full((len(batch), max(len(rows[row]) for row in batch)), lm.tokenizer.pad_token_id, dtype=torch.long)
        mask_BT = torch.zeros_like(tokens_BT)
        for place, row in enumerate(batch):
            tokens_BT[place, : len(rows[row])] = torch.tensor(rows[row])
            mask_BT[place, : len(rows[row])] = 1
        with torch.inference_mode():
            asked = {"input_ids": tokens_BT.to(lm.device), "attention_mask": mask_BT.to(lm.device)}
            hidden_BTD = lm.model.base_model(**asked).last_hidden_state.float().cpu()
        weights_BT1 = mask_BT.unsqueeze(-1).float()
        means_BD = (hidden_BTD * weights_BT1).sum(1) / weights_BT1.sum(1)
        for place, row in enumerate(batch):
            found[row] = means_BD[place].tolist()
    return found
