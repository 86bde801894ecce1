r"""Texts normalised for matching, as flat UTF-8: what makes two of them the same.

Case, white space and the punctuation of prose say nothing; words, figures and signs do. A word is a run of letters, marks and digits; a
character of a script that puts no spaces between words (Han, kana, Thai, Lao, Khmer, Myanmar, Tibetan ...) is one of its own. Signs are
symbols (``+ < = $``), the operators and brackets of code (``* / % & # @ \ [ ] { }``), and marks that stand as in code or mathematics and
not as in prose: joined on both sides (``1.5``, ``f(x)``), before a word alone (``-1``, ``!x``, ``.5``), a minus in any form before a figure
(``–1``, ``温度-5度``), a hyphen between blanks, a mark between two figures (``3 : 5``). Signs that touch each other are one word. A text without
any word keeps all but its white space.

Two tables say of each code point what it is in lower case and what it counts as. Texts that these cannot tell (the few letters whose
lower case depends on their neighbours or is more than one character) are put in lower case by Polars first.
"""

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.curation.text.string_buffers import batches, flat_bytes, strings

if TYPE_CHECKING:
    import polars as pl

U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]

_MAX_BATCH_BYTES = 8 << 20
_SIGMA = 0x3A3  # becomes one of two letters, by what follows
_TIGHT = ".,;:!?()-_'\""
_SIGNS = "*/%&#@\\[]{}" + "＊／％＆＃＠＼［］｛｝" + "٪‰‱٫٬§" + "′″‴‵‶‷" + "⌈⌉⌊⌋⟦⟧⟨⟩"  # punctuation to Unicode, operators and units to readers
_SPACELESS = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x0F00, 0x0FFF),  # Tibetan, whose marks part syllables
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x1950, 0x19DF),  # Tai Le, New Tai Lue
    (0x1A20, 0x1AAF),  # Tai Tham
    (0x1B00, 0x1B7F),  # Balinese
    (0x2E80, 0x2FDF),  # radicals
    (0x3005, 0x3007),
    (0x3021, 0x3029),
    (0x3038, 0x312F),  # kana, bopomofo
    (0x31A0, 0x31FF),
    (0x3400, 0xA4CF),  # Han, Yi
    (0xA980, 0xA9DF),  # Javanese
    (0xA9E0, 0xA9FF),
    (0xAA60, 0xAADF),  # Myanmar, Tai Viet
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9F),  # kana of half width
    (0x11700, 0x1174F),  # Ahom
    (0x16FE0, 0x18CFF),  # Tangut, Khitan
    (0x1AFF0, 0x1B2FF),  # kana, Nushu
    (0x20000, 0x3FFFF),  # Han
)
"""Scripts of Unicode's line breaking classes ID and SA (UAX 14): those whose words no space parts. Korean has spaces."""


class NormalisedBatch(NamedTuple):
    """Some rows of the texts: row numbers (R), their normalised bytes end to end, and the R + 1 byte offsets."""

    rows: NDArray[np.int64]
    data: U8
    offsets: NDArray[np.int64]


def normalise(texts: "pl.Series", form: Literal["signs", "words"]) -> "pl.Series":
    """Return N texts normalised, their words and signs, or their words alone, joined by one space."""
    import polars as pl

    parts: list[pl.DataFrame] = [pl.DataFrame(schema={"row": pl.Int64, "text": pl.String})]
    for batch in normalised_batches(texts, form):
        parts.append(pl.DataFrame({"row": batch.rows, "text": strings(batch.data, batch.offsets)}))
    return pl.concat(parts).sort("row")["text"].alias(texts.name)


def count_words(texts: "pl.Expr") -> "pl.Expr":
    """Return how many words texts have: runs without white space, and each character of a script without spaces."""
    spaceless = "".join(f"\\x{{{first:X}}}-\\x{{{last:X}}}" for first, last in _SPACELESS)
    return texts.str.count_matches(rf"[{spaceless}&&[\p{{L}}\p{{M}}\p{{N}}]]|[^\s{spaceless}]+")


def normalised_batches(texts: "pl.Series", form: Literal["signs", "words"] = "signs") -> Iterator[NormalisedBatch]:
    """Yield all rows of the texts, normalised, in batches of a few MB; rows within a batch ascend."""
    from kernels.curation.text.normalise_bytes import normalise_all

    lower, kinds = lower_case_table(), (kind_table() if form == "signs" else _kinds_of_words())
    for start, end in batches(texts, _MAX_BATCH_BYTES):
        data, offsets = flat_bytes(texts[start:end])
        plain, bounds, asks = normalise_all(data, offsets, (lower, kinds))
        rows = np.arange(start, end)
        # A text to ask about takes no bytes here, so that dropping its row leaves the others end to end.
        yield NormalisedBatch(rows[~asks], plain, np.concatenate([bounds[:1], bounds[1:][~asks]]))
        if asks.any():
            asked = rows[asks]
            plain, bounds, _ = normalise_all(*flat_bytes(texts[asked].str.to_lowercase()), (_lowered_table(), kinds))
            yield NormalisedBatch(asked, plain, bounds)


@cache
def lower_case_table() -> U32:
    """Return the lower case of each code point, `ASK` where it depends on others or is no single one: [0x110000] uint32."""
    from kernels.curation.text.normalise_bytes import ASK

    table = np.arange(0x110000, dtype=np.uint32)
    codes, chars = _characters(0, 0x20000)  # no letter above has a case
    lower = chars.str.to_lowercase()
    table[codes] = [ord(char) if len(char) == 1 else ASK for char in lower]
    table[_SIGMA] = ASK
    return table


def _characters(first: int, end: int) -> "tuple[NDArray[np.int64], pl.Series]":
    """Return a range of code points less the surrogates, and the characters."""
    import polars as pl

    codes = np.array([code for code in range(first, end) if not 0xD800 <= code < 0xE000])
    return codes, pl.Series([chr(code) for code in codes.tolist()])


@cache
def _lowered_table() -> U32:
    """Return `lower_case_table` for texts in lower case: each character is itself."""
    return np.arange(0x110000, dtype=np.uint32)


@cache
def kind_table() -> U8:
    """Return what each code point counts as (the kinds of `kernels.curation.text.normalise_bytes`): [0x110000] uint8."""
    from kernels.curation.text.normalise_bytes import ALONE, MARK, SIGN, SPACE, TIGHT, WORD

    table = np.full(0x110000, MARK, np.uint8)
    for first, end in ((0, 0x34000), (0xE0000, 0xE1000)):  # Unicode has assigned no others but for private use
        codes, chars = _characters(first, end)
        for kind, pattern in ((WORD, r"[\p{L}\p{M}\p{N}]"), (SIGN, r"\p{S}"), (SPACE, r"\s")):
            table[codes[chars.str.contains(f"^{pattern}$").to_numpy()]] = kind
    for first, last in _SPACELESS:
        span = table[first : last + 1]
        span[span == WORD] = ALONE
    for kind, chars_of_kind in ((TIGHT, _TIGHT), (SIGN, _SIGNS)):
        table[[ord(char) for char in chars_of_kind]] = kind
    return table


@cache
def _kinds_of_words() -> U8:
    """Return `kind_table` with every sign a mark that says nothing."""
    from kernels.curation.text.normalise_bytes import MARK, WORD

    kinds = kind_table()
    return np.where(kinds < WORD, np.minimum(kinds, MARK), kinds).astype(np.uint8)
