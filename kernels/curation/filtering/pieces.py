"""The pieces of a batch of texts: cut apart to be rewritten, and put together again. Documents that are no conversations cost nothing."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.documents.pieces import pieces_of, text_of, with_pieces
from kernels.specs.turns import Turn

if TYPE_CHECKING:
    import polars as pl


class Pieces(NamedTuple):
    """The P pieces of N texts, in order."""

    text: "pl.Series"
    """str, P."""
    rows: NDArray[np.int64]
    """P: which text each is of, ascending."""
    may_be_cut: NDArray[np.bool_]
    """P: whether lines and passages may be taken out; values may be masked in all of them."""

    def cut(self, texts: "pl.Series") -> "pl.Series":
        """Return P texts from which something was taken out, those that may not be cut as they were."""
        import polars as pl

        return texts if self.may_be_cut.all() else texts.zip_with(pl.Series(self.may_be_cut), self.text)

    def sums(self, values: NDArray[np.int64], num_texts: int) -> NDArray[np.int64]:
        """Return by text the sum of what was counted in each piece: [num_texts]."""
        return np.bincount(self.rows, values, num_texts).astype(np.int64)


def split(texts: "pl.Series", conversations: Mapping[int, Sequence[Turn]]) -> Pieces:
    """Return the pieces of texts; ``conversations`` holds the turns of some, by number of text."""
    import polars as pl

    if not conversations:
        return Pieces(texts, np.arange(len(texts)), np.ones(len(texts), bool))
    found = [
        (number, piece.text, piece.may_be_cut)
        for number, text in enumerate(texts.to_list())
        for piece in (pieces_of(conversations[number]) if number in conversations else [_Whole(text, may_be_cut=True)])
    ]
    rows, words, may_be_cut = zip(*found, strict=True)
    return Pieces(pl.Series(words, dtype=pl.String), np.array(rows, np.int64), np.array(may_be_cut, bool))


class _Whole(NamedTuple):
    text: str
    may_be_cut: bool


def put_back(
    texts: "pl.Series", conversations: Mapping[int, Sequence[Turn]], pieces: Pieces, rewritten: "pl.Series"
) -> "tuple[pl.Series, Mapping[int, Sequence[Turn]]]":
    """Return the texts, and the turns of conversations, that rewritten pieces make; what no rewriting touched is what it was."""
    if not conversations:
        return rewritten, conversations
    whole: list[str] = texts.to_list()
    words: list[str] = rewritten.to_list()
    changed = np.unique(pieces.rows[(rewritten != pieces.text).to_numpy()])
    turns = dict(conversations)
    for row in changed.tolist():
        own = words[slice(*np.searchsorted(pieces.rows, [row, row + 1]).tolist())]
        if row in turns:
            turns[row] = with_pieces(turns[row], own)
            whole[row] = text_of(turns[row])
        else:
            whole[row] = own[0]
    return type(texts)(whole, dtype=texts.dtype), turns


def emptied(pieces: Pieces, rewritten: "pl.Series") -> NDArray[np.int64]:
    """Return the numbers of the texts of which rewriting left some piece without anything but white space."""
    blank = (rewritten.str.strip_chars() == "") & (pieces.text.str.strip_chars() != "")
    return np.unique(pieces.rows[blank.to_numpy()])
