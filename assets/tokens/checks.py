"""Great Expectations suite on token shards."""

from collections.abc import Mapping

from assets.corpus.documents import SourceLimits
from assets.corpus.suites import IDS, corpus_suite
from assets.graph.checks import CheckSuite
from resources.quality.expectations import Expectation

TOKENS_ARE_PRESENT = Expectation(
    name="every_document_has_tokens",
    description="Documents have a token beside the end of text, but for the share that the source's limits allow.",
    type="expect_column_values_to_be_between",
    kwargs={"column": "num_tokens", "min_value": 2},
)


def shards_suite(asset: str, limits: Mapping[str, SourceLimits]) -> CheckSuite:
    """Return the suite on the shards of one tokenizer."""
    return corpus_suite(f"{asset.rpartition('/')[2]}_suite", asset, ("id", "num_tokens"), (*IDS, TOKENS_ARE_PRESENT), (), limits)
