"""Documents with keys and passwords, dropped or masked."""

import polars as pl
import pytest

from kernels.curation.filtering.batch import TextBatch
from kernels.curation.filters import secrets
from kernels.curation.filters.secrets import SecretsConfig

TOKEN = "glpat-" + "aZ3kQ9xW7bT5nR2mV8cY"
TEXTS = pl.Series(["plain", f"use {TOKEN} or {TOKEN[::-1]}", ""])


def test_documents_with_secrets_are_dropped_with_their_number() -> None:
    outcome = secrets.apply(TextBatch(TEXTS), SecretsConfig(action="drop"))
    assert outcome.reason.to_list() == [None, "secret", None]
    assert outcome.value.to_list() == [None, 1, None]


def test_secrets_are_masked_and_counted() -> None:
    outcome = secrets.apply(TextBatch(TEXTS), SecretsConfig(action="mask"))
    assert outcome.text.to_list() == ["plain", f"use <GITLAB_TOKEN> or {TOKEN[::-1]}", ""]
    assert outcome.reason.null_count() == 3
    assert outcome.tags["num_secrets"].to_list() == [None, 1, None]


def test_only_the_kinds_asked_for_are_looked_for() -> None:
    assert secrets.apply(TextBatch(TEXTS), SecretsConfig(action="mask", kinds=("password",))).text.to_list() == TEXTS.to_list()


@pytest.mark.parametrize("kinds", [[], ["nuclear_codes"]])
def test_unknown_or_no_kinds_are_an_error(kinds: list[str]) -> None:
    with pytest.raises(ValueError, match="secrets: "):
        SecretsConfig.model_validate({"action": "drop", "kinds": kinds})
