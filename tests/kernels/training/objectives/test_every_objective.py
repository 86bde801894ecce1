"""What holds of every objective: it is declared as its family asks, pure, keeps documents apart and takes rows of any documents."""

from typing import Any

import numpy as np
import pytest

from kernels.specs.families import load
from kernels.specs.objectives import IGNORED, NO_SEGMENT, Example, Objective, Row
from tests.token_rows import CONTROL, by_document, chance, drawn_documents, row_of

SPECS: dict[str, Objective] = load("objectives").specs
CASES = [(name, {"form": form} if form else {}) for name in SPECS for form in (("encoder_decoder", "decoder") if name == "ul2" else (None,))]


def example_of(name: str, fields: dict[str, Any], row: Row, seed: int) -> Example:
    config = SPECS[name].config(**fields)
    lengths = SPECS[name].lengths(config, len(row.tokens), int(row.segments.max()) + 1)
    return SPECS[name].prepare(row, chance(seed), CONTROL, config, lengths)


def test_objectives_are_found_by_their_module() -> None:
    family = load("objectives")
    assert not family.broken
    assert list(family.specs) == ["fill_in_the_middle", "masked", "next_token", "prefix_lm", "prefix_to_target", "span_corruption", "ul2"]


@pytest.mark.parametrize(("name", "fields"), CASES)
def test_shapes_are_as_lengths_and_attention_say_even_of_a_row_of_nothing(name: str, fields: dict[str, Any]) -> None:
    spec, config = SPECS[name], SPECS[name].config(**fields)
    attention = spec.attention(config)
    for row in (row_of(*drawn_documents(1, 64), length=64), row_of(length=64), row_of(*[[20]] * 64)):
        most = int(row.segments.max()) + 1
        length, decoder_length = spec.lengths(config, 64, most)
        example = spec.prepare(row, chance(), CONTROL, config, (length, decoder_length))
        assert example.inputs.tokens.shape == example.inputs.segments.shape == (length,)
        assert (example.decoder is not None) == (attention == "encoder_decoder") and (example.prefix is not None) == (attention == "prefix")
        read = example.inputs if example.decoder is None else example.decoder
        assert read.tokens.shape == read.segments.shape == example.targets.shape == (decoder_length or length,)
        assert {array.dtype for array in (*example.inputs, *read, example.targets)} == {np.dtype(np.int64)}
        for part in (example.inputs, read):
            assert (part.tokens[part.segments == NO_SEGMENT] == CONTROL.padding).all()
        assert (example.targets[read.segments == NO_SEGMENT] == IGNORED).all()
        if most == 0:
            assert (example.targets == IGNORED).all() and (example.inputs.segments == NO_SEGMENT).all()


@pytest.mark.parametrize(("name", "fields"), [*CASES, ("masked", {"rate": 0.3}), ("prefix_lm", {"min_prefix_share": 0.5, "max_prefix_share": 0.7})])
def test_no_more_positions_predict_than_is_told_and_of_masks_and_prefixes_as_many(name: str, fields: dict[str, Any]) -> None:
    row = row_of(list(range(20, 20 + 500)), length=500)
    found = float(np.mean([example_of(name, fields, row, seed).targets != IGNORED for seed in range(400)]))
    told = SPECS[name].predicted_share(SPECS[name].config(**fields))
    assert found <= told + 0.03
    assert name not in ("masked", "prefix_lm") or found == pytest.approx(told, abs=0.03)


@pytest.mark.parametrize(("name", "fields"), CASES)
def test_a_row_is_left_as_it_was_and_the_same_chance_gives_the_same(name: str, fields: dict[str, Any]) -> None:
    row = row_of(list(range(20, 60)), [60, 61, 62, 63], length=50)
    before = (row.tokens.copy(), row.segments.copy())
    examples = [example_of(name, fields, row, seed) for seed in (7, 7, 8)]
    assert (row.tokens == before[0]).all() and (row.segments == before[1]).all()
    first, same, other = (np.concatenate((example.inputs.tokens, example.targets)).tolist() for example in examples)
    assert first == same and (first != other or name == "next_token")


@pytest.mark.parametrize(("name", "fields"), CASES)
def test_nothing_of_one_document_is_read_or_predicted_in_another(name: str, fields: dict[str, Any]) -> None:
    control = {token for token in range(10)} | {IGNORED}
    for seed in range(60):
        documents = drawn_documents(seed, 64)
        example = example_of(name, fields, row_of(*documents, length=64), seed)
        read = example.inputs if example.decoder is None else example.decoder
        parts = [Row(example.targets, read.segments), read] if name != "masked" else [Row(example.targets, read.segments)]
        for part in [*parts, *([example.inputs] if example.decoder else [])]:
            for number, tokens in by_document(*part).items():
                assert {*tokens} - control <= {*documents[number]} - control
