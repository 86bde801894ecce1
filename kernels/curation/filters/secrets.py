"""Keys, tokens and passwords: documents that hold any are dropped, or each secret is masked by a placeholder such as <GITHUB_TOKEN>.

What counts as a secret is told in `kernels.curation.secrets.rules`. Every document that holds secrets is tagged with their number.
"""

from typing import Literal

import numpy as np
from pydantic import field_validator

from kernels.curation.filtering.batch import TextBatch, rewrite, verdicts
from kernels.curation.secrets.detection import find_in_texts, mask
from kernels.curation.secrets.rules import KINDS
from kernels.specs.config import Config
from kernels.specs.filters import Filter, Outcome


class SecretsConfig(Config):
    """What to look for, and what becomes of it."""

    action: Literal["drop", "mask"]
    """``drop`` leaves documents with secrets out; ``mask`` keeps them, with placeholders where the secrets stood."""
    kinds: tuple[str, ...] | None = None
    """Kinds of secrets, such as ``github_token``; None looks for all."""

    @field_validator("kinds")
    @classmethod
    def _are_known(cls, kinds: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if unknown := sorted(set(kinds or ()) - set(KINDS)):
            raise ValueError(f"secrets: no such kinds: {unknown}; known are {list(KINDS)}")
        if kinds == ():
            raise ValueError("secrets: kinds is empty; name some, or leave it out to look for all")
        return kinds


def apply(batch: TextBatch, config: SecretsConfig) -> Outcome:
    """Drop or mask. A dropped document's value is the number of its secrets; the tag ``num_secrets`` is null where there are none."""
    import polars as pl

    found = find_in_texts(batch.pieces.text, config.kinds or KINDS)
    in_pieces = np.array([len(found.get(number, ())) for number in range(len(batch.pieces.text))], np.int64)
    counts = [count or None for count in batch.pieces.sums(in_pieces, len(batch.text)).tolist()]
    drops = config.action == "drop"
    reasons = ["secret" if drops and count else None for count in counts]
    outcome = verdicts(batch, reasons, np.array([count or 0 for count in counts], np.float64))
    text = batch.text if drops else rewrite(batch.pieces.text, found, mask)
    return outcome._replace(text=text, tags={"num_secrets": pl.Series("num_secrets", counts, dtype=pl.Int64)})


SPEC = Filter(name="secrets", version=3, config=SecretsConfig, apply=apply)
