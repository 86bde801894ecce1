"""Documents into rows: no token is lost, nearly no position is empty, few documents are cut."""

import numpy as np
import pytest
from numpy.typing import NDArray

from kernels.tokens.mixtures.packing import MOST_EMPTY, Spans, pack

RANDOM = np.random.default_rng(0)


def packed(lengths: list[int] | NDArray[np.int64], row_length: int) -> Spans:
    """Return packed documents, once every token is found in exactly one place and no row is longer than it may be."""
    known = np.asarray(lengths, np.int64)
    spans = pack(known, row_length)
    order = np.lexsort((spans.first_token, spans.document))
    document, first, length = spans.document[order], spans.first_token[order], spans.length[order]
    begins = np.diff(document, prepend=-1) != 0
    assert np.array_equal(np.bincount(document, length, len(known)), known) and (spans.length > 0).all()
    assert not first[begins].any() and np.array_equal(first[1:][~begins[1:]], (first + length)[:-1][~begins[1:]])
    new_row = np.diff(spans.row, prepend=-1)
    assert set(new_row.tolist()) <= {0, 1}
    ends = spans.start + spans.length
    assert np.array_equal(spans.start, np.where(new_row == 1, 0, np.concatenate([[0], ends])[:-1])) and (ends <= row_length).all()
    assert np.array_equal(spans.segment == 0, new_row == 1) and (np.diff(spans.segment)[new_row[1:] == 0] == 1).all()
    return spans


def num_empty(spans: Spans, row_length: int) -> int:
    return spans.num_rows * row_length - int(spans.length.sum())


def num_cut(spans: Spans, lengths: NDArray[np.int64], row_length: int) -> int:
    """Return how many documents are in more pieces than they must be."""
    return int((np.bincount(spans.document, minlength=len(lengths)) > -(-lengths // row_length)).sum())


ADVERSARIAL = {
    "200 of 256": (np.full(3000, 200), 256),
    "just over half": (np.full(3000, 129), 256),
    "just over a third": (np.full(3000, 86), 256),
    "one short": (np.full(3000, 255), 256),
    "one over": (np.full(3000, 257), 256),
    "one short of a short row": (np.full(3000, 63), 64),
    "one over a short row": (np.full(3000, 65), 64),
    "two thirds or nearly all": (np.where(np.arange(3000) % 2, 171, 250), 256),
    "over half, of any length": (RANDOM.integers(129, 257, 3000), 256),
    "nearly a row": (RANDOM.integers(249, 256, 3000), 256),
    "of a page": (RANDOM.lognormal(6, 1, 3000).astype(np.int64) + 1, 256),
    "of a page in long rows": (RANDOM.lognormal(6, 1, 3000).astype(np.int64) + 1, 2048),
    "of one token": (np.ones(3000, np.int64), 256),
    "few and long": (np.array([100_000, 3, 70_001]), 4096),
    "rows as long as can be": (RANDOM.integers(1, 60000, 500), 65535),
}


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_of_all_positions_but_those_missing_to_one_row_995_in_1000_are_used_whatever_the_lengths(name: str) -> None:
    lengths, row_length = ADVERSARIAL[name]
    spans = packed(lengths, row_length)
    assert num_empty(spans, row_length) < MOST_EMPTY * lengths.sum() + row_length
    assert lengths.sum() / (lengths.sum() + MOST_EMPTY * lengths.sum()) > 0.995


def test_a_few_documents_of_any_lengths_in_rows_of_any_length_are_in_as_few_rows_as_hold_them() -> None:
    random = np.random.default_rng(1)
    for _ in range(1500):
        row_length = int(random.integers(2, 70))
        lengths = random.integers(1, int(random.integers(2, 3 * row_length)), int(random.integers(0, 60)))
        spans = packed(lengths, row_length)
        assert num_empty(spans, row_length) < MOST_EMPTY * lengths.sum() + row_length


def test_documents_that_fit_together_are_not_cut() -> None:
    spans = packed([10, 22, 32, 5, 27, 16, 16], 32)
    assert (spans.num_rows, len(spans.row)) == (4, 7)


def test_a_document_longer_than_a_row_is_cut_into_pieces_and_its_end_shares_a_row() -> None:
    spans = packed([80, 15], 32)
    assert spans.num_rows == 3 and sorted(spans.length[spans.document == 0].tolist()) == [16, 32, 32]


def test_only_documents_of_the_emptiest_rows_are_cut() -> None:
    lengths, row_length = ADVERSARIAL["200 of 256"]
    spans = packed(lengths, row_length)
    # Of 3000 rows with a gap of 56 each, 22% are taken apart.
    assert num_cut(spans, lengths, row_length) <= len(lengths) - lengths.sum() // row_length


def test_a_typical_source_has_hardly_a_document_cut_that_fits_into_a_row() -> None:
    lengths, row_length = ADVERSARIAL["of a page in long rows"]
    assert num_cut(packed(lengths, row_length), lengths, row_length) <= 3


@pytest.mark.parametrize("name", ["one short of a short row", "one over", "one over a short row", "over half, of any length", "nearly a row"])
def test_no_piece_of_one_token_is_cut_off(name: str) -> None:
    lengths, row_length = ADVERSARIAL[name]
    spans = packed(lengths, row_length)
    assert not (spans.length == 1).any()


def test_what_is_missing_to_full_rows_is_missing_at_the_end_and_less_than_a_row() -> None:
    missing = 256 - np.bincount((spans := packed(np.full(40, 200), 256)).row, spans.length)
    assert (np.diff(missing) >= 0).all() and missing.sum() == -40 * 200 % 256


def test_no_documents_make_no_rows() -> None:
    assert packed([], 32).num_rows == 0
