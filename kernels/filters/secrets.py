"""Keys, tokens and passwords: documents that hold any are dropped, or each secret is masked by a placeholder such as <GITHUB_TOKEN>.

What counts as a secret is told in `kernels.secret_rules`. Every document that holds secrets is tagged with their number.
"""

from typing import Literal

from pydantic import field_validator

from kernels.filters.batch import TextBatch
from kernels.secret_rules import KINDS
from kernels.secrets import find_in_texts, mask
from kernels.specs import Config, Filter, Outcome


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

    found = find_in_texts(batch.text, config.kinds or KINDS)
    counts: list[int | None] = [None] * len(batch.text)
    for number, secrets in found.items():
        counts[number] = len(secrets)
    num_secrets = pl.Series("num_secrets", counts, dtype=pl.Int64)
    if config.action == "drop":
        reason = num_secrets.is_not_null().replace_strict({True: "secret", False: None}, return_dtype=pl.String)
        return Outcome(batch.text, reason, num_secrets.cast(pl.Float64), {"num_secrets": num_secrets})
    text = batch.text
    if found:
        rows = pl.Series(list(found), dtype=pl.UInt32)
        masked = [mask(text, secrets) for text, secrets in zip(text.gather(rows), found.values(), strict=True)]
        text = text.clone().scatter(rows, pl.Series(masked, dtype=pl.String))
    nothing = [None] * len(text)
    return Outcome(text, pl.Series(nothing, dtype=pl.String), pl.Series(nothing, dtype=pl.Float64), {"num_secrets": num_secrets})


SPEC = Filter(name="secrets", version=1, config=SecretsConfig, apply=apply)
