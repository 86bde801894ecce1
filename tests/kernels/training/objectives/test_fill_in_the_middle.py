"""Fill in the middle: both orders, what stays, and what is cut where a row has no room."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from kernels.specs.objectives import IGNORED, ControlTokens, Example, Row
from kernels.training.objectives.fill_in_the_middle import SPEC, FillInTheMiddleConfig
from tests.token_rows import BEGINS, CONTROL, END, MIDDLE, PAD, PREFIX, SUFFIX, begun, by_document, chance, drawn_documents, row_of


def moved(row: Row, seed: int, room: int | None = None, control: ControlTokens = CONTROL, **fields: Any) -> Example:
    return SPEC.prepare(row, chance(seed), control, FillInTheMiddleConfig(**fields), (room or len(row.tokens), 0))


def rebuilt(document: list[int]) -> list[int]:
    """A document as it was before its middle was moved, in whichever order."""
    if PREFIX not in document:
        return document
    if document[0] == END:
        return [END, *rebuilt(document[1:])]
    end = [END] if document[-1] == END else []
    text = document[1 : len(document) - len(end)]
    suffix, middle = text.index(SUFFIX), text.index(MIDDLE)
    return text[:suffix] + text[middle + 1 :] + text[suffix + 1 : middle] + end


def test_a_middle_stands_behind_its_end_and_before_the_token_that_ends_the_text() -> None:
    example = moved(row_of([20, 21, 22, 23, 24, 25, END], length=12), 2, rate=1, spm_rate=0)
    assert example.inputs.tokens.tolist() == [PREFIX, 20, 21, SUFFIX, 25, MIDDLE, 22, 23, 24, END, PAD, PAD]
    assert example.inputs.segments.tolist() == [0] * 10 + [-1] * 2
    assert example.targets.tolist() == [20, 21, SUFFIX, 25, MIDDLE, 22, 23, 24, END, IGNORED, IGNORED, IGNORED]
    assert example.num_cut == 0


def test_in_the_other_order_the_end_comes_first_and_beginning_and_middle_follow() -> None:
    example = moved(row_of([20, 21, 22, 23, 24, 25, END], length=12), 2, rate=1, spm_rate=1)
    assert example.inputs.tokens.tolist() == [PREFIX, SUFFIX, 25, MIDDLE, 20, 21, 22, 23, 24, END, PAD, PAD]
    assert example.targets.tolist() == [SUFFIX, 25, MIDDLE, 20, 21, 22, 23, 24, END, IGNORED, IGNORED, IGNORED]


@pytest.mark.parametrize(
    ("spm_rate", "expected"),
    [(0, [END, PREFIX, 20, 21, SUFFIX, 25, MIDDLE, 22, 23, 24, END]), (1, [END, PREFIX, SUFFIX, 25, MIDDLE, 20, 21, 22, 23, 24, END])],
)
def test_what_stands_before_a_text_stays_before_all_of_it(spm_rate: float, expected: list[int]) -> None:
    example = moved(row_of([END, 20, 21, 22, 23, 24, 25, END], length=11), 2, control=BEGINS, rate=1, spm_rate=spm_rate)
    assert example.inputs.tokens.tolist() == expected and example.targets.tolist() == [*expected[1:], IGNORED]
    short = row_of([END, 20, 21, END], [END, 30], [END], [END, END])
    assert moved(short, 1, control=BEGINS, rate=1).inputs.tokens.tolist() == short.tokens.tolist()


def test_documents_beside_a_moved_one_stay_as_they_are_and_short_ones_too() -> None:
    row = row_of([20, 21, END], [30, 31, 32], [40], [END], length=16)
    example = moved(row, 1, rate=1, spm_rate=0)
    documents = by_document(*example.inputs)
    assert (documents[0], documents[2], documents[3]) == ([20, 21, END], [40], [END])
    assert sorted(documents[1]) == [PREFIX, SUFFIX, MIDDLE, 30, 31, 32]
    assert (moved(row, 1, rate=0).inputs.tokens == row.tokens).all()


@pytest.mark.parametrize("spm_rate", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("begins", [False, True])
def test_every_document_can_be_rebuilt_and_each_token_is_predicted_from_its_own(spm_rate: float, begins: bool) -> None:
    for seed in range(200):
        documents = begun(drawn_documents(seed, 80)) if begins else drawn_documents(seed, 80)
        room, control = 80 + 4 * len(documents), BEGINS if begins else CONTROL
        example = moved(row_of(*documents, length=80), seed, room=room, control=control, rate=0.7, spm_rate=spm_rate)
        found = by_document(*example.inputs)
        assert [rebuilt(found[number]) for number in found] == documents and example.num_cut == 0
        for number, document in found.items():
            assert example.targets[example.inputs.segments == number].tolist() == [*document[1:], IGNORED]


def test_what_finds_no_room_at_the_end_is_cut_and_counted() -> None:
    for seed in range(200):
        documents = drawn_documents(seed, 80)
        row = row_of(*documents, length=80)
        example, whole = moved(row, seed, rate=1), moved(row, seed, room=400, rate=1)
        assert (example.inputs.tokens == whole.inputs.tokens[:80]).all() and (example.inputs.segments == whole.inputs.segments[:80]).all()
        kept = int(((example.inputs.segments >= 0) & ~np.isin(example.inputs.tokens, [PREFIX, SUFFIX, MIDDLE])).sum())
        assert example.num_cut == sum(map(len, documents)) - kept
    full = moved(row_of([20, 21, 22, 23, 24, END]), 2, rate=1)
    assert full.num_cut == 3 and END not in full.inputs.tokens and full.targets[-1] == IGNORED


def test_documents_are_moved_and_ordered_as_often_as_the_rates_say() -> None:
    row = row_of(*[list(range(20, 30))] * 10)
    begun = [document[:2] for seed in range(300) for document in by_document(*moved(row, seed, room=200, rate=0.5, spm_rate=0.25).inputs).values()]
    cut = [start for start in begun if start[0] == PREFIX]
    assert abs(len(cut) - 1500) < 4 * (3000 * 0.25) ** 0.5
    share = 0.25 + 0.75 * (1 - (10 / 11) ** 2)  # an empty beginning lets the suffix follow in either order
    assert abs(sum(start[1] == SUFFIX for start in cut) - share * len(cut)) < 4 * (len(cut) * share * (1 - share)) ** 0.5


def test_every_pair_of_points_is_as_likely() -> None:
    row = row_of([20, 21, 22])
    pairs: Counter[tuple[int, int]] = Counter()
    for seed in range(3200):
        tokens = moved(row, seed, room=6, rate=1, spm_rate=0).inputs.tokens.tolist()
        first = tokens.index(SUFFIX) - 1
        pairs[(first, first + 5 - tokens.index(MIDDLE))] += 1
    assert len(pairs) == 10  # of 0 to 3 in order; two different points come in two ways
    assert all(abs(count - 200 * (1 + (low != high))) < 4 * 20 for (low, high), count in pairs.items())


def test_what_the_vocabulary_lacks_is_told_and_refused() -> None:
    assert SPEC.lacks(FillInTheMiddleConfig(), CONTROL) is None
    bare = CONTROL._replace(fim_suffix=None, fim_middle=None)
    message = "no token that marks the suffix, middle of a text with a gap; ask for the three that fill in the middle in the special tokens"
    assert message in str(SPEC.lacks(FillInTheMiddleConfig(), bare))
    with pytest.raises(ValueError, match=message):
        SPEC.prepare(row_of([20, 21, 22]), chance(), bare, FillInTheMiddleConfig(), (3, 0))


@pytest.mark.parametrize("key", ["rate", "spm_rate"])
def test_a_share_over_one_is_refused_by_its_key(key: str) -> None:
    with pytest.raises(ValidationError) as error:
        FillInTheMiddleConfig.model_validate({key: 1.01})
    assert [fault["loc"] for fault in error.value.errors()] == [(key,)]
