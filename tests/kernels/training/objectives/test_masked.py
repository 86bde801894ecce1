"""Masked tokens: how many are chosen, what stands in their place, and that control tokens are left alone."""

import math
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from kernels.specs.objectives import IGNORED, ControlTokens, Example, Row
from kernels.training.objectives.masked import SPEC, MaskedConfig
from tests.token_rows import BEGINS, CONTROL, END, MASK, chance, row_of


def masked(row: Row, seed: int, control: ControlTokens = CONTROL, **fields: Any) -> Example:
    return SPEC.prepare(row, chance(seed), control, MaskedConfig(**fields), (len(row.tokens), 0))


def test_what_is_hidden_is_predicted_where_it_stood() -> None:
    row = row_of([20, 21, 22, 23, 24, 25, 26, END], [40, 41, 42, END], [60], length=16)
    example = masked(row, 0, rate=0.4)
    assert example.inputs.tokens.tolist() == [MASK, 21, 22, MASK, 24, 967, 26, END, 40, MASK, 42, END, 60, 1, 1, 1]
    assert example.targets.tolist() == [20, IGNORED, IGNORED, 23, IGNORED, 25, *[IGNORED] * 3, 41, *[IGNORED] * 6]
    assert example.inputs.segments.tolist() == row.segments.tolist()


@pytest.mark.parametrize("size", [1, 3, 7, 20, 50])
def test_so_many_of_a_document_are_chosen_as_the_rate_says_up_to_a_part_of_one(size: int) -> None:
    counts = [int((masked(row_of(list(range(20, 20 + size))), seed).targets != IGNORED).sum()) for seed in range(1000)]
    share, part = 0.15 * size, 0.15 * size % 1
    assert set(counts) == {math.floor(share), math.ceil(share)}
    assert np.mean(counts) == pytest.approx(share, abs=4 * math.sqrt(part * (1 - part) / 1000) + 1e-9)


def test_every_token_of_a_document_is_as_likely_to_be_chosen() -> None:
    row = row_of(list(range(20, 30)), list(range(30, 40)))
    chosen = np.mean([masked(row, seed, rate=0.3).targets != IGNORED for seed in range(3000)], axis=0)
    assert np.abs(chosen - 0.3).max() < 4 * math.sqrt(0.3 * 0.7 / 3000)


def test_of_the_chosen_eight_tenths_are_masked_one_is_random_and_one_is_left() -> None:
    row = row_of([20 + index % 7 for index in range(400)])
    masks = randoms = total = 0
    for seed in range(100):
        example = masked(row, seed)
        chosen = example.targets != IGNORED
        assert (example.targets[chosen] == row.tokens[chosen]).all() and (example.inputs.tokens[~chosen] == row.tokens[~chosen]).all()
        now = example.inputs.tokens[chosen]
        masks += int((now == MASK).sum())
        randoms += int(((now != MASK) & (now != row.tokens[chosen])).sum())
        total += int(chosen.sum())
    assert total == 100 * 60
    assert masks / total == pytest.approx(0.8, abs=4 * math.sqrt(0.8 * 0.2 / total))
    assert randoms / total == pytest.approx(0.1, abs=4 * math.sqrt(0.1 * 0.9 / total))


def test_the_shares_of_a_config_are_kept() -> None:
    row = row_of(list(range(20, 60)))
    assert (masked(row, 0, rate=0.5, mask_share=0, random_share=0).inputs.tokens == row.tokens).all()
    masks = masked(row, 0, rate=0.5, mask_share=1, random_share=0)
    assert ((masks.inputs.tokens == MASK) == (masks.targets != IGNORED)).all() and (masks.targets != IGNORED).sum() == 20


def test_control_tokens_are_neither_chosen_nor_drawn() -> None:
    control = ControlTokens(END, 1, MASK, vocabulary_size=14, special=frozenset({END, 9}))  # the others are named apart
    row = row_of([9, 5, 9, 6, END], [END], [7, 8, END])
    drawn: set[int] = set()
    for seed in range(300):
        example = masked(row, seed, control, rate=0.9, mask_share=0.0, random_share=1.0)
        is_control = np.isin(row.tokens, [END, 9])
        assert (example.inputs.tokens[is_control] == row.tokens[is_control]).all() and (example.targets[is_control] == IGNORED).all()
        drawn |= set(example.inputs.tokens[example.targets != IGNORED].tolist())
    assert drawn == {3, 4, 5, 6, 7, 8, 10, 11, 12, 13}


def test_what_stands_before_a_text_is_neither_chosen_nor_counted() -> None:
    row = row_of([END, 20, 21, 22, 23, END], [END, 30, 31, 32, 33, END])
    for seed in range(50):
        example = masked(row, seed, BEGINS, rate=0.5)
        assert (example.inputs.tokens[row.tokens == END] == END).all() and (example.targets[row.tokens == END] == IGNORED).all()
        assert (example.targets != IGNORED).sum() == 4


def test_what_the_vocabulary_lacks_is_told_and_refused() -> None:
    bare = CONTROL._replace(mask=None)
    assert SPEC.lacks(MaskedConfig(), CONTROL) is None
    assert "no mask token; ask for it in the special tokens of the tokenizer" in str(SPEC.lacks(MaskedConfig(), bare))
    assert "a larger vocabulary" in str(SPEC.lacks(MaskedConfig(), CONTROL._replace(vocabulary_size=10)))
    with pytest.raises(ValueError, match="no mask token"):
        masked(row_of([20, 21]), 0, bare)


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"rate": 0}, "rate"),
        ({"rate": 1.5}, "rate"),
        ({"mask_share": 1.1}, "mask_share"),
        ({"random_share": -0.1}, "random_share"),
        ({"rates": 0.2}, "rates"),
    ],
)
def test_a_share_that_is_none_is_refused_by_its_key(fields: dict[str, float], key: str) -> None:
    with pytest.raises(ValidationError) as error:
        MaskedConfig.model_validate(fields)
    assert [fault["loc"] for fault in error.value.errors()] == [(key,)]


def test_shares_of_more_than_all_name_a_key() -> None:
    with pytest.raises(ValidationError) as error:
        MaskedConfig(mask_share=0.8, random_share=0.3)
    assert error.value.errors()[0]["ctx"]["key"] == "random_share" and "more than all" in str(error.value)
