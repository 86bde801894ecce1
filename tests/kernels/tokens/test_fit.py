"""How well a tokenizer fits texts."""

from typing import Any

import pytest

from kernels.tokens.content import TextEncoder
from kernels.tokens.fit import Sample, measure
from tests.byte_tokenizers import byte_tokenizer


def encoder(normalizer: Any = None) -> TextEncoder:
    tokenizer = byte_tokenizer()
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    return TextEncoder(tokenizer.to_str())


def test_tokens_are_counted_by_the_byte_and_the_word_of_each_source_and_language() -> None:
    samples = [Sample("ab cd", "a", "en"), Sample("é", "b", "fr"), Sample("ef", "a", None)]
    rows = {(row["by"], row["name"]): row for row in measure(encoder(), samples).to_pylist()}
    assert list(rows) == [("source", "a"), ("source", "b"), ("language", "en"), ("language", "fr"), ("language", "not identified")]
    of_a = rows["source", "a"]
    assert (of_a["num_texts"], of_a["num_bytes"], of_a["num_words"], of_a["num_tokens"]) == (2, 7, 3, 7)
    assert (of_a["tokens_per_byte"], of_a["tokens_per_word"]) == (1, pytest.approx(7 / 3))
    assert rows["language", "fr"]["tokens_per_word"] == 2
    assert {(row["num_changed"], row["round_trips"], row["example"]) for row in rows.values()} == {(0, 1, None)}


def test_a_text_that_does_not_come_back_is_shown_where_it_begins_to_differ() -> None:
    from tokenizers.normalizers import Lowercase

    (row, _) = measure(encoder(Lowercase()), [Sample("x" * 40 + "New York", "a", None), Sample("small", "a", None)]).to_pylist()
    assert (row["num_changed"], row["round_trips"]) == (1, 0.5)
    assert (row["example"], row["example_decoded"]) == ("x" * 30 + "New York", "x" * 30 + "new york")


def test_texts_without_words_or_bytes_have_no_rate() -> None:
    (row, _) = measure(encoder(), [Sample("", "a", None)]).to_pylist()
    assert (row["tokens_per_byte"], row["tokens_per_word"], row["round_trips"]) == (None, None, 1)
