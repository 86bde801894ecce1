"""Prefix language modelling by one stack and by two: where documents are split, and what is predicted of them."""

from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

from kernels.specs.objectives import IGNORED, NO_SEGMENT, Example, Row
from kernels.training.objectives import prefix_lm, prefix_to_target
from tests.token_rows import CONTROL, END, PAD, by_document, chance, drawn_documents, row_of


def by_one_stack(row: Row, seed: int, **fields: Any) -> Example:
    return prefix_lm.SPEC.prepare(row, chance(seed), CONTROL, prefix_lm.PrefixLmConfig(**fields), (len(row.tokens), 0))


def by_two_stacks(row: Row, seed: int, **fields: Any) -> Example:
    config = prefix_to_target.PrefixToTargetConfig(**fields)
    lengths = prefix_to_target.SPEC.lengths(config, len(row.tokens), int(row.segments.max()) + 1)
    return prefix_to_target.SPEC.prepare(row, chance(seed), CONTROL, config, lengths)


def test_the_last_token_of_a_prefix_predicts_the_first_behind_it() -> None:
    row = row_of([20, 21, 22, 23, 24, 25, 26, END], [40, 41, 42, END], [60], length=16)
    example = by_one_stack(row, 0)
    assert example.inputs.tokens.tolist() == row.tokens.tolist() and example.inputs.segments.tolist() == row.segments.tolist()
    assert example.prefix is not None
    assert example.prefix.astype(int).tolist() == [1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0, 0]
    assert example.targets.tolist() == [*[IGNORED] * 5, 26, END, IGNORED, IGNORED, 42, END, *[IGNORED] * 5]


def test_a_decoder_goes_on_from_what_an_encoder_read() -> None:
    example = by_two_stacks(row_of([20, 21, 22, 23, 24, 25, 26, END], [40, 41, 42, END], [60], length=16), 0)
    assert by_document(*example.inputs) == {0: [20, 21, 22, 23, 24, 25], 1: [40, 41], 2: [60]}
    assert example.decoder is not None
    assert by_document(*example.decoder) == {0: [PAD, 26], 1: [PAD, 42]}
    assert by_document(example.targets, example.decoder.segments) == {0: [26, END], 1: [42, END]}
    assert (example.inputs.segments == NO_SEGMENT).sum() == 7 and set(example.targets[4:].tolist()) == {IGNORED}


def test_both_forms_split_alike_and_lose_nothing() -> None:
    for seed in range(200):
        documents = drawn_documents(seed, 80)
        row = row_of(*documents, length=80)
        one, two = by_one_stack(row, seed), by_two_stacks(row, seed)
        assert one.prefix is not None and two.decoder is not None
        given, rest = by_document(*two.inputs), by_document(two.targets, two.decoder.segments)
        for number, document in enumerate(documents):
            assert given[number] + rest.get(number, []) == document and given[number] and (number in rest) == (len(document) > 1)
            here = row.segments == number
            assert one.prefix[here].sum() == len(given[number])
            assert one.targets[here].tolist() == [IGNORED] * (len(given[number]) - 1) + rest.get(number, []) + [IGNORED]


def test_the_token_before_a_text_is_given_and_may_be_all_that_is() -> None:
    row = row_of([END, 20, 21, END])
    given = {tuple(by_document(*by_two_stacks(row, seed).inputs)[0]) for seed in range(50)}
    assert given == {(END,), (END, 20), (END, 20, 21)}


def test_every_point_between_two_tokens_is_as_likely() -> None:
    row = row_of([20] * 6, [30] * 6)
    points: Counter[int] = Counter()
    for seed in range(2000):
        prefix = by_one_stack(row, seed).prefix
        assert prefix is not None
        points.update([int(prefix[:6].sum()), int(prefix[6:].sum())])
    assert set(points) == {1, 2, 3, 4, 5} and max(abs(count - 800) for count in points.values()) < 4 * (800 * 0.8) ** 0.5


@pytest.mark.parametrize(
    ("size", "low", "high", "expected"),
    [
        (10, 0.3, 0.5, {3, 4, 5}),
        (25, 0.28, 0.28, {7}),  # 0.28 * 25 is more than 7 in binary fractions
        (10, 0.0, 0.0, {1}),
        (10, 1.0, 1.0, {9}),
        (4, 0.3, 0.4, {2}),
        (2, 0.9, 1.0, {1}),
    ],
)
def test_shares_bound_the_point(size: int, low: float, high: float, expected: set[int]) -> None:
    row = row_of([20] * size)
    lengths = {len(by_document(*by_two_stacks(row, seed, min_prefix_share=low, max_prefix_share=high).inputs)[0]) for seed in range(60)}
    assert lengths == expected


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.25), (0.5, 0.6), (0.9, 1.0), (1.0, 1.0), (0.0, 0.0)])
def test_lengths_hold_whatever_documents_a_row_is_made_of(low: float, high: float) -> None:
    for seed in range(200):
        example = by_two_stacks(row_of(*drawn_documents(seed, 80), length=80), seed, min_prefix_share=low, max_prefix_share=high)
        assert example.decoder is not None  # it would have been refused had it not fitted


def test_less_to_draw_makes_shorter_rows() -> None:
    config = prefix_to_target.PrefixToTargetConfig(min_prefix_share=0.75, max_prefix_share=0.75)
    assert prefix_to_target.SPEC.lengths(config, 1000, 5) == (755, 255)


@pytest.mark.parametrize(("fields", "key"), [({"min_prefix_share": 1.2}, "min_prefix_share"), ({"max_prefix_share": -1}, "max_prefix_share")])
@pytest.mark.parametrize("config", [prefix_lm.PrefixLmConfig, prefix_to_target.PrefixToTargetConfig])
def test_a_share_that_is_none_is_refused_by_its_key(config: Any, fields: dict[str, float], key: str) -> None:
    with pytest.raises(ValidationError) as error:
        config.model_validate(fields)
    assert [fault["loc"] for fault in error.value.errors()] == [(key,)]


def test_shares_between_which_nothing_is_name_a_key() -> None:
    with pytest.raises(ValidationError) as error:
        prefix_lm.PrefixLmConfig(min_prefix_share=0.6, max_prefix_share=0.4)
    assert error.value.errors()[0]["ctx"]["key"] == "min_prefix_share"
