"""Normalising by a table of code points is normalising by Polars."""

import polars as pl
import pytest

from kernels.curation.deduplication.normalised import normalised_batches
from kernels.curation.text.shingles import normalise

TEXTS = [
    "Hello,  World! 3.14",
    "",
    "***  ###",
    "\u039f\u0394\u039f\u03a3 \u03a3\u0391",  # a sigma that ends a word is another letter
    "\u0130stanbul \u023a\u1e9e \u212a",  # lower cases of other lengths
    "\u6211\u4eec\u3002\u4eca\u5929",
    "smile \U0001f600\U0001f600 now \U00010400",
    "rare \U00020000 plane \U000e0101",
    "nai\u0308ve\tcafe\u0301\x00end\x7f",
    " leading and trailing ",
]


def _by_table(texts: list[str]) -> list[str]:
    found = [""] * len(texts)
    for batch in normalised_batches(pl.Series(texts, dtype=pl.String)):
        data = batch.data.tobytes()
        for number, row in enumerate(batch.rows.tolist()):
            found[row] = data[batch.offsets[number] : batch.offsets[number + 1]].decode()
    return found


def test_tricky_texts_are_normalised_alike_together_and_apart() -> None:
    expected = normalise(pl.Series(TEXTS)).to_list()
    assert _by_table(TEXTS) == expected
    assert [_by_table([text])[0] for text in TEXTS] == expected


@pytest.mark.parametrize("begin", range(0x80, 0x30000, 0x8000))
def test_every_character_is_normalised_alike(begin: int) -> None:
    texts = [f"A{chr(code)}B {chr(code)}" for code in range(begin, begin + 0x8000) if not 0xD800 <= code < 0xE000]
    assert _by_table(texts) == normalise(pl.Series(texts)).to_list()


def test_no_texts_are_no_batches() -> None:
    assert _by_table([]) == []
