"""Hashes of normalised texts."""

import polars as pl

from kernels.curation.deduplication.exact import exact_hashes


def test_case_space_and_punctuation_do_not_matter_and_words_do() -> None:
    hashes = exact_hashes(pl.Series(["Hello, World!", "hello  world", "hello worlds", "helloworld"])).tolist()
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3


def test_texts_of_symbols_alone_differ() -> None:
    hashes = exact_hashes(pl.Series(["***", "###", "* * *"])).tolist()
    assert hashes[0] == hashes[2] != hashes[1]


def test_formulas_and_programs_of_other_signs_differ() -> None:
    texts = ["a + b", "a * b", "a - b", "a / b", "3 < 5", "3 > 5", "x = 1", "x = -1", "f(x)", "f[x]", "1.5", "1,5", "$5", "5%"]
    assert len(set(exact_hashes(pl.Series(texts)).tolist())) == len(texts)


def test_a_hash_stays_what_it_is_in_stored_tables() -> None:
    assert exact_hashes(pl.Series(["Hello, World!"])).tolist() == [5020219685658847592]
