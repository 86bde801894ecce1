"""The word splitter, normalisation, and n-gram hashes over flat arrays."""

import polars as pl

from kernels.filters.words import batches, flat_bytes, ngrams, normalise, split_texts, split_words


def test_punctuation_stands_apart_and_what_belongs_together_stays() -> None:
    words = split_words("Mr. Lee didn't pay $3.50, well-known in the U.S. (see https://a.org/b?c=1).")
    assert " | ".join(words) == (
        "Mr. | Lee | did | n't | pay | $ | 3.50 | , | well | - | known | in | the | U.S. | ( | see | https://a.org/b?c=1 | ) | ."
    )


def test_letters_with_marks_of_other_scripts_are_words() -> None:
    assert split_words("tiếng Việt हिन्दी") == ["tiếng", "Việt", "हिन्दी"]


def test_words_of_each_text_lie_between_its_offsets() -> None:
    words = split_texts(pl.Series(["a b", "", "c"]))
    assert words.word.to_list() == ["a", "b", "c"]
    assert words.offsets.tolist() == [0, 2, 2, 3]


def test_normalisation_ignores_case_space_and_punctuation_but_not_symbols_alone() -> None:
    assert normalise(pl.Series(["Hello,\n World! ", "* *", "#", ""])).to_list() == ["hello world", "**", "#", ""]


def test_ngrams_stay_within_a_text_and_hash_alike_wherever_they_stand() -> None:
    data, offsets = flat_bytes(pl.Series(["a b c", "", "x", "b c"]))
    grams = ngrams(data, offsets, 2, whole=False)
    spans = [data[start:end].tobytes().decode() for start, end in zip(grams.starts, grams.ends, strict=True)]
    assert spans == ["a b", "b c", "b c"]
    assert grams.offsets.tolist() == [0, 2, 2, 2, 3]
    assert grams.hashes[1] == grams.hashes[2] != grams.hashes[0]


def test_a_short_text_counts_whole_where_asked() -> None:
    data, offsets = flat_bytes(pl.Series(["a b c", "", "x"]))
    assert ngrams(data, offsets, 3, whole=True).offsets.tolist() == [0, 1, 1, 2]
    assert ngrams(data, offsets, 3, whole=False).offsets.tolist() == [0, 1, 1, 1]


def test_batches_cover_every_row_once_and_a_large_row_stands_alone() -> None:
    assert list(batches(pl.Series(["aa", "b", "cccccccc", "d"]), max_bytes=4)) == [(0, 2), (2, 3), (3, 4)]
    assert list(batches(pl.Series([], dtype=pl.String))) == []
