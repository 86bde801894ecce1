"""Batches: a row is the same in whatever batch it stands, and what does not go together is refused."""

from typing import Any

import numpy as np
import pytest

from kernels.specs.families import specs
from kernels.tokens.mixtures.packing import PADDING_SEGMENT
from kernels.training.feeding.batches import Transform, prepare_rows
from tests.small_mixtures import most_documents
from tests.token_rows import CONTROL, PAD, drawn_documents, row_of

LENGTH = 64
CASES = ["fill_in_the_middle", "masked", "next_token", "prefix_lm", "prefix_to_target", "span_corruption", "ul2"]


def packed(count: int) -> tuple[Any, Any]:
    """Rows as a mixture has them."""
    rows = [row_of(*drawn_documents(seed, LENGTH), length=LENGTH) for seed in range(count)]
    segments = np.stack([row.segments for row in rows])
    return np.stack([row.tokens for row in rows]).astype(np.uint16), np.where(segments < 0, PADDING_SEGMENT, segments).astype(np.uint16)


def transform_of(name: str, segments: Any) -> Transform:
    config = specs("objectives")[name].config(**({"form": "encoder_decoder"} if name == "ul2" else {}))
    return Transform(specs("objectives")[name], config, CONTROL, specs("objectives")[name].lengths(config, LENGTH, most_documents(segments)))


@pytest.mark.parametrize("name", CASES)
def test_a_row_is_the_same_in_whatever_batch_it_stands(name: str) -> None:
    tokens, segments = packed(12)
    transform = transform_of(name, segments)
    whole = prepare_rows(tokens, segments, range(100, 112), 5, transform)
    order = [7, 2, 11, 0]
    some = prepare_rows(tokens[order], segments[order], [100 + index for index in order], 5, transform)
    for field, mine in zip(whole[:6], some[:6], strict=True):
        assert (field is None) == (mine is None)
        assert field is None or mine is None or (field[order] == mine).all()
    alone = [prepare_rows(tokens[[index]], segments[[index]], [100 + index], 5, transform) for index in range(12)]
    assert sum(one.num_cut for one in alone) == whole.num_cut and (np.concatenate([one.targets for one in alone]) == whole.targets).all()


def test_another_position_or_seed_is_another_chance() -> None:
    tokens, segments = packed(1)
    transform = transform_of("masked", segments)
    places = [(1, 0), (1, 1), (2, 0), (0, 1), (1 << 62, 3), (3, 1 << 62)]
    chosen = {prepare_rows(tokens, segments, [position], seed, transform).targets.tobytes() for seed, position in places}
    assert len(chosen) == len(places)


def test_arrays_are_stacked_with_padding_that_is_no_document() -> None:
    tokens = np.array([[20, 21, 22, 23], [30, 31, PAD, PAD]], np.uint16)
    segments = np.array([[0, 0, 1, 1], [0, 0, PADDING_SEGMENT, PADDING_SEGMENT]], np.uint16)
    examples = prepare_rows(tokens, segments, [0, 1], 0, transform_of("next_token", segments))
    assert examples.inputs_BT.tolist() == tokens.tolist() and examples.inputs_BT.dtype == np.int64
    assert examples.segments_BT.tolist() == [[0, 0, 1, 1], [0, 0, -1, -1]] and examples.segments_BT.dtype == np.int32
    assert examples.targets.tolist() == [[21, -100, 23, -100], [31, -100, -100, -100]]
    assert examples[3:] == (None, None, None, 0, None, None)


def test_what_is_for_a_decoder_or_a_prefix_is_stacked_too_and_cuts_are_summed() -> None:
    tokens, segments = packed(6)
    decoder = prepare_rows(tokens, segments, range(6), 0, transform_of("span_corruption", segments))
    length = transform_of("span_corruption", segments).lengths[1]
    assert decoder.decoder_inputs_BU is not None and decoder.decoder_segments_BU is not None and decoder.prefix_BT is None
    assert decoder.decoder_inputs_BU.shape == decoder.decoder_segments_BU.shape == decoder.targets.shape == (6, length)
    prefix = prepare_rows(tokens, segments, range(6), 0, transform_of("prefix_lm", segments)).prefix_BT
    assert prefix is not None and prefix.shape == (6, LENGTH) and prefix.dtype == np.bool_
    moved = prepare_rows(tokens, segments, range(6), 0, transform_of("fill_in_the_middle", segments))
    kept = ((moved.segments_BT >= 0) & ~np.isin(moved.inputs_BT, [3, 4, 5])).sum()
    assert moved.num_cut == (segments != PADDING_SEGMENT).sum() - kept > 0


def test_rows_that_do_not_go_together_are_refused() -> None:
    tokens, segments = packed(3)
    transform = transform_of("next_token", segments)
    for wrong in ((tokens[:2], segments, [0, 1, 2]), (tokens, segments, [0, 1]), (tokens[:, :-1], segments, [0, 1, 2])):
        with pytest.raises(ValueError, match="are not of the same rows"):
            prepare_rows(*wrong, 0, transform)
    segments[1, :3] = [1, 0, 1]
    with pytest.raises(ValueError, match="the documents of row 41 of the training are not in order"):
        prepare_rows(tokens, segments, [40, 41, 42], 0, transform)
