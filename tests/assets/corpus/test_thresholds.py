"""Every threshold of a check stands in the recipe, by source, and another one asks that check again and no other."""

from collections.abc import Mapping

import pytest

from assets.corpus.documents import SourceLimits
from assets.corpus.suites import NOT_ALL_DROPPED, SHARES_OF_ROWS, TEXTS, THRESHOLDS, _allowed, corpus_suites
from assets.graph.checks import CheckSuite
from assets.tokens.checks import TOKENS_ARE_PRESENT, shards_suite


def versions(limits: Mapping[str, SourceLimits]) -> dict[str, str]:
    suites: list[CheckSuite] = [*corpus_suites(limits), shards_suite("tokens/shards", limits)]
    return {f"{suite.asset} {check.name}": check.version for suite in suites for check in suite.checks}


@pytest.mark.parametrize("field", ["max_mojibake_share", "max_empty_share", "max_fault_share", "max_tokenless_share", "min_documents"])
def test_another_threshold_asks_its_own_check_again(field: str) -> None:
    before, after = versions({"web": SourceLimits()}), versions({"web": SourceLimits.model_validate({field: 3 if field == "min_documents" else 0.5})})
    again = {name.split(" ")[1] for name in before if before[name] != after[name]}
    assert again == {name for name, limit in THRESHOLDS.items() if limit == field}


def test_a_source_that_asks_nothing_else_asks_nothing_again() -> None:
    assert versions({"web": SourceLimits()}) == versions({"web": SourceLimits(), "books": SourceLimits()})


def test_each_source_has_its_own_share() -> None:
    mojibake = next(expectation for expectation in TEXTS if expectation.name == "text_is_not_mojibake")
    assert (_allowed(SourceLimits(), mojibake), _allowed(SourceLimits(max_mojibake_share=0.5), mojibake)) == (0.05, 0.5)
    assert _allowed(SourceLimits(), TOKENS_ARE_PRESENT) == 0
    assert NOT_ALL_DROPPED.name not in SHARES_OF_ROWS


def test_a_range_that_holds_nothing_is_told() -> None:
    with pytest.raises(ValueError, match="so that nothing is between"):
        SourceLimits(keep_rate=(0.9, 0.1))
