"""The word splitter, and hashes of runs of words over flat arrays."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from kernels.curation.text.shingles import WORD_WEIGHT, runs, text_weights
from kernels.curation.text.string_buffers import batches, flat_bytes, strings
from kernels.curation.text.words import split_texts, split_words
from tests.locations import PROJECT
from tests.real_documents import real_documents


def test_punctuation_stands_apart_and_what_belongs_together_stays() -> None:
    words = split_words("Mr. Lee didn't pay $3.50, well-known in the U.S. (see https://a.org/b?c=1).")
    assert " | ".join(words) == (
        "Mr. | Lee | did | n't | pay | $ | 3.50 | , | well | - | known | in | the | U.S. | ( | see | https://a.org/b?c=1 | ) | ."
    )


AWKWARD = [
    "I'm sure he'd've gone; they're done (aren't they?).",
    "e.g. at 8a.m. or 10p.m., 5km/h, 30%, 12cm³ and US$5 or €3.",
    "look:) :-) x:) (:) <3 o.O ...and…so--on a--b c---d",
    "visit www.example.com/a-b?c=d, mail me@x.org. http://10.0.0.1:80/x",
    "C++ and/or w/o 3+4-5*6^2 a.b.c Ph.D. U.K. U.S.A. lower.Upper Mr.,",
    "“Quoted” ‘text’ «here» 'em 'tis O'Neil's rock'n'roll dogs' tails ''x'' ``y''",
    "tiếng Việt हिन्दी 中文，和日本語。 العربية، русский ёж",
    "(((nested))) [[x]] {y} ###### a,b,c,d 1,000.50 -5 +5 +x §3 °C. 20°C.",
    "\u00a0no-break\u2003em\u2028line\x85next\x1fend\t\t tab",
    "emoji 👍🏽👨‍👩‍👧 text👍text ™x® ==> <- -> >>> </p> key=value a:b",
]


@pytest.mark.parametrize("text", AWKWARD)
def test_words_are_those_of_spacy_to_the_last(text: str) -> None:
    import spacy

    theirs = [token.text.strip() for token in spacy.blank("en").tokenizer(text)]
    assert split_words(text) == [word for word in theirs if word]


def test_words_of_real_documents_are_those_of_spacy(shared_data: Path) -> None:
    import spacy

    tokenizer = spacy.blank("en").tokenizer
    texts = [text for _, text in real_documents(shared_data)[:400]]
    words = split_texts(pl.Series(texts))
    assert len(texts) == 400
    for row, text in enumerate(texts):
        assert words.text(row) == [word for token in tokenizer(text) if (word := token.text.strip())]


def test_what_is_remembered_of_a_run_gives_the_same_words_again() -> None:
    first, again = split_texts(pl.Series(AWKWARD)), split_texts(pl.Series(AWKWARD))
    assert len(first.start) > len(AWKWARD)
    for one, other in zip(first, again, strict=True):
        assert one.tolist() == other.tolist()


def test_a_run_longer_than_any_word_is_split_by_the_rules_in_time_that_grows_with_it() -> None:
    words = split_texts(pl.Series(["(" * 300_000 + "a" * 300_000 + "." * 300_000]))
    assert len(words.start) == 300_002
    assert words.chars[-1] == 300_000


def test_the_memory_of_runs_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from kernels.curation.text import words as module

    monkeypatch.setattr(module, "_MAX_SLOTS", 1 << 10)
    vocabulary = module._Vocabulary()
    for start in range(0, 5000, 500):
        data, offsets = flat_bytes(pl.Series([" ".join(f"word{number}" for number in range(start, start + 500))]))
        assert len(vocabulary.words(data, offsets).start) == 500
    assert vocabulary._num_slots <= 1500


def test_words_of_each_text_lie_between_its_offsets() -> None:
    words = split_texts(pl.Series(["a b", "", "c"]))
    assert [words.text(row) for row in range(3)] == [["a", "b"], [], ["c"]]
    assert words.offsets.tolist() == [0, 2, 2, 3]


def test_runs_stay_within_a_text_and_hash_alike_wherever_they_stand() -> None:
    data, offsets = flat_bytes(pl.Series(["a b c", "", "x", "b c"]))
    found = runs(data, offsets, 2 * WORD_WEIGHT)
    spans = [data[start:end].tobytes().decode() for start, end in zip(found.starts, found.ends, strict=True)]
    assert spans == ["a b", "b c", "b c"]
    assert found.offsets.tolist() == [0, 2, 2, 2, 3]
    assert found.hashes[1] == found.hashes[2] != found.hashes[0]


def test_two_characters_of_han_or_four_of_thai_weigh_as_a_word() -> None:
    data, offsets = flat_bytes(pl.Series(["我 们 ab", "ก ข ค ง", "", "é", "𠀀 x"]))
    assert text_weights(data, offsets).tolist() == [2 * WORD_WEIGHT, WORD_WEIGHT, 0, WORD_WEIGHT, WORD_WEIGHT // 2 + WORD_WEIGHT]
    found = runs(data, offsets, WORD_WEIGHT)
    spans = [data[start:end].tobytes().decode() for start, end in zip(found.starts, found.ends, strict=True)]
    assert spans == ["我 们", "们 ab", "ab", "ก ข ค ง", "é", "𠀀 x", "x"]


def test_batches_cover_every_row_once_and_a_large_row_stands_alone() -> None:
    assert list(batches(pl.Series(["aa", "b", "cccccccc", "d"]), max_bytes=4)) == [(0, 2), (2, 3), (3, 4)]
    assert list(batches(pl.Series([], dtype=pl.String))) == []


def test_strings_come_back_from_flat_bytes() -> None:
    texts = pl.Series(["a", "", "ñ漢"])
    assert strings(*flat_bytes(texts)).to_list() == texts.to_list()


def test_splitting_words_does_not_import_torch_and_leaves_it_to_be_imported() -> None:
    code = "import sys; from kernels.curation.text.words import split_words; split_words('a b'); assert 'torch' not in sys.modules; import torch"
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True)
