"""How often groups of people are mentioned."""

import polars as pl
import pytest

from kernels.curation.group_mentions import TERMS, compare_mentions, count_mentions


def test_a_mention_is_a_whole_word_in_either_case_and_counts_once_a_text() -> None:
    counts = count_mentions(pl.Series(["Women and women", "a Jewish museum", "jewelry", "the MANY", "black people", "black cat"]))
    assert {group: count for group, count in counts.items() if count} == {"women": 1, "jews": 1, "black people": 1}


def test_counts_of_batches_add_up() -> None:
    texts = pl.Series(["women", "muslims and christians", "nobody", "muslim women"])
    whole, parts = count_mentions(texts), [count_mentions(texts[:2]), count_mentions(texts[2:])]
    assert whole == {group: sum(part[group] for part in parts) for group in TERMS}


def test_a_group_that_goes_more_than_others_stands_out() -> None:
    table = compare_mentions({"women": 100, "muslims": 10}, {"women": 50, "muslims": 1}, num_before=1000, num_after=500)
    rows = {row["group"]: row for row in table.iter_rows(named=True)}
    assert (rows["women"]["kept_share"], rows["women"]["relative"]) == (0.5, 1.0)
    assert rows["muslims"]["relative"] == pytest.approx(0.2)
    assert rows["jews"]["relative"] is None


def test_terms_are_lower_case_and_of_one_group() -> None:
    terms = [term for group in TERMS.values() for term in group]
    assert len(terms) == len(set(terms)) and all(term == term.lower() for term in terms)
