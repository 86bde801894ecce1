"""Checks on tokenizers, and the Great Expectations suite on token shards."""

from collections.abc import Mapping

from assets.corpus.documents import SourceLimits
from assets.corpus.suites import IDS, corpus_suite
from assets.graph.build import Judging
from assets.graph.checks import CheckFinding, CheckSuite, single_check
from assets.tokens.names import tokenizer_asset
from assets.tokens.tokenizer import FIT_TABLE, NOT_MEASURED
from resources.quality.expectations import Expectation
from resources.storage.manifest import Cell

TOKENS_ARE_PRESENT = Expectation(
    name="every_document_has_tokens",
    description="Documents have a token beside control tokens, but for the share that the source's limits allow.",
    type="expect_column_values_to_be_between",
    kwargs={"column": "num_text_tokens", "min_value": 1},
)


def shards_suite(asset: str, limits: Mapping[str, SourceLimits]) -> CheckSuite:
    """Return the suite on the shards of one tokenizer."""
    return corpus_suite(f"{asset.rpartition('/')[2]}_suite", asset, ("id", "num_text_tokens"), (*IDS, TOKENS_ARE_PRESENT), (), limits)


def round_trip_suite(tokenizer: str | None, *, is_ours: bool) -> CheckSuite:
    """Return the check that texts come back from a tokenizer's tokens: blocking for those made here, none of which loses anything."""

    def judge(judging: Judging, cell: Cell) -> CheckFinding:
        rows = [row for row in judging.table(cell, FIT_TABLE).to_pylist() if row["by"] == "source"]
        changed, texts = (sum(row[name] for row in rows) for name in ("num_changed", "num_texts"))
        numbers = {"num_texts": texts, "num_changed": changed}
        if not changed:
            return CheckFinding(True, f"{texts} texts come back as they were" if texts else f"nothing was measured: {NOT_MEASURED}", numbers)
        bad = next(row for row in rows if row["num_changed"])
        told = (
            f"{changed} of {texts} texts do not come back, such as one of {bad['name']}: {bad['example']!r} comes back as {bad['example_decoded']!r}"
        )
        return CheckFinding(False, told, numbers)

    description = "Texts come back as they were from the tokens that they are made into."
    return single_check("texts_round_trip", description, tokenizer_asset(tokenizer), blocking=is_ours, version=1, judge=judge)
