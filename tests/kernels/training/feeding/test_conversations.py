"""Conversations as rows: each stands whole and apart, only answers are predicted, and few positions are empty."""

import numpy as np
import pytest

from kernels.specs.objectives import IGNORED, NO_SEGMENT
from kernels.tokens.chats import Compared, Learned
from kernels.training.feeding.conversations import RowShape, Text, packed, pair_of, row_length, rows_of, rows_of_pairs, text_of

PAD = 3
A = text_of(Learned([10, 11, 12, 13, 14], [0, 0, 1, 1, 0]))
B = text_of(Learned([20, 21, 22], [0, 1, 1]))
C = text_of(Learned([30, 31, 32, 33], [0, 0, 0, 1]))


def text(length: int, seed: int) -> Text:
    return Text(np.random.default_rng(seed).integers(4, 99, length).astype(np.int32), np.arange(length) >= length // 2)


def test_what_is_read_and_predicted_of_packed_conversations_is_this() -> None:
    rows = rows_of([A, B, C], np.array([0, 1, 2]), RowShape(8, PAD))
    assert rows.inputs_BT.tolist() == [[10, 11, 12, 13, 30, 31, 32, PAD], [20, 21, PAD, PAD, PAD, PAD, PAD, PAD]]
    assert rows.segments_BT.tolist() == [[0, 0, 0, 0, 1, 1, 1, -1], [0, 0, -1, -1, -1, -1, -1, -1]]
    nothing = [IGNORED] * 6
    assert rows.targets.tolist() == [[IGNORED, 12, 13, IGNORED, IGNORED, IGNORED, 33, IGNORED], [21, 22, *nothing]]
    assert rows.prefix_BT is None and rows.pairs is None


def test_what_stands_before_the_first_answer_is_the_prefix_of_a_model_of_prefixes() -> None:
    rows = rows_of([A, B, C], np.array([0, 2]), RowShape(8, PAD, is_prefix=True))
    assert rows.prefix_BT is not None and rows.prefix_BT.tolist() == [[True, True, False, False, True, True, True, False]]


@pytest.mark.parametrize("seed", range(5))
def test_every_conversation_stands_whole_once_and_rows_are_as_few_as_best_fit_makes_them(seed: int) -> None:
    lengths = np.random.default_rng(seed).integers(2, 66, 60)
    texts = [text(int(length), number) for number, length in enumerate(lengths)]
    shape = RowShape(row_length(texts), PAD)
    rows = packed(texts, shape)
    assert rows.examples.inputs_BT.shape[1] == shape.length == -(-(lengths.max() - 1) // 8) * 8
    for number, each in enumerate(texts):
        row, places = np.nonzero(rows.texts_BT == number)
        assert len(set(row.tolist())) == 1 and np.array_equal(places, np.arange(places[0], places[0] + each.num_read))
        assert np.array_equal(rows.examples.inputs_BT[row, places], each.ids_n[:-1])
        assert np.array_equal(rows.examples.targets[row, places], np.where(each.is_learned_n[1:], each.ids_n[1:], IGNORED))
        segments = rows.examples.segments_BT[row, places]
        assert (segments == segments[0]).all() and (rows.examples.segments_BT[row[0]] == segments[0]).sum() == len(places)
    is_empty = rows.texts_BT == NO_SEGMENT
    assert (rows.examples.segments_BT[is_empty] == NO_SEGMENT).all() and (rows.examples.targets[is_empty] == IGNORED).all()
    assert len(is_empty) <= 11 / 9 * -(-(lengths - 1).sum() // shape.length) + 1


def test_rows_with_nothing_in_them_fill_up_what_is_to_be_of_one_size() -> None:
    rows = rows_of([A], np.array([0]), RowShape(8, PAD, least_rows=3))
    assert rows.inputs_BT.shape == (3, 8) and (rows.segments_BT[1:] == NO_SEGMENT).all() and (rows.targets[1:] == IGNORED).all()


def test_the_answers_of_a_pair_stand_apart_behind_one_prompt_each() -> None:
    pairs = [pair_of(Compared([7, 8], [9], [10, 11])), pair_of(Compared([5], [6, 6], [4]))]
    references = np.array([[-1, -2], [-3, -4]], np.float32)
    rows = rows_of_pairs(pairs, references, np.array([1, 0]), RowShape(8, PAD))
    assert rows.pairs is not None and rows.pairs.numbers_P.tolist() == [1, 0] and rows.pairs.reference_P2.tolist() == [[-3, -4], [-1, -2]]
    answers = [rows.targets[(rows.pairs.texts_BT == number) & (rows.targets != IGNORED)].tolist() for number in range(4)]
    assert answers == [[6, 6], [4], [9], [10, 11]]
    prompts = [rows.inputs_BT[rows.pairs.texts_BT == number].tolist() for number in range(4)]
    assert prompts == [[5, 6], [5], [7, 8], [7, 8, 10]]


def test_the_prompt_is_all_before_the_first_answer() -> None:
    assert A.prompt == np.array([10, 11], np.int32).tobytes()
