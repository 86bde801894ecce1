"""A mixture of denoisers: each in both forms, how often each is drawn, and what is refused."""

from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

from kernels.specs.objectives import IGNORED, Example, Row
from kernels.training.objectives.ul2 import SPEC, Ul2Config
from tests.token_rows import BEGINS, CONTROL, END, PAD, SENTINELS, begun, by_document, chance, drawn_documents, row_of

A, B, C, D = SENTINELS
SHORT_SPANS = {"span_denoisers": [{"noise_density": 0.5, "mean_span_length": 2}], "sequential_weight": 0, "spans_anywhere": False}
ENDS = {"span_denoisers": []}


def config_of(form: str, **fields: Any) -> Ul2Config:
    return Ul2Config.model_validate({"form": form, **fields})


def denoised(row: Row, seed: int, config: Ul2Config) -> Example:
    return SPEC.prepare(row, chance(seed), CONTROL, config, SPEC.lengths(config, len(row.tokens), int(row.segments.max()) + 1))


def test_spans_are_written_by_a_decoder_or_stand_behind_a_prefix() -> None:
    row = row_of([20, 21, 22, 23, 24, 25, 26, END], [40, 41, END], [60], length=14)
    two, one = (denoised(row, 0, config_of(form, **SHORT_SPANS)) for form in ("encoder_decoder", "decoder"))
    assert two.decoder is not None and two.prefix is None and one.decoder is None and one.prefix is not None
    given, written = by_document(*two.inputs), by_document(two.targets, two.decoder.segments)
    assert (given[1], written[1]) == ([40, A, END], [A, 41, B])
    assert by_document(*one.inputs) == {number: given[number] + written.get(number, []) for number in given}
    assert by_document(*two.decoder) == {number: [PAD, *tokens[:-1]] for number, tokens in written.items()}
    second = one.inputs.segments == 1
    assert one.prefix[second].tolist() == [True] * 3 + [False] * 3
    assert one.targets[second].tolist() == [IGNORED, IGNORED, A, 41, B, IGNORED]


def test_the_sequential_denoiser_leaves_an_end_that_no_sentinel_stands_for() -> None:
    row = row_of([20, 21, 22, 23, 24, 25, 26, END], [60], length=10)
    two, one = (denoised(row, 3, config_of(form, **ENDS)) for form in ("encoder_decoder", "decoder"))
    assert two.decoder is not None and one.prefix is not None
    given, written = by_document(*two.inputs), by_document(two.targets, two.decoder.segments)
    assert given[0] + written[0] == row.tokens[:8].tolist() and 4 <= len(given[0]) <= 7 and given[1] == [60] and set(written) == {0}
    assert one.inputs.tokens.tolist() == row.tokens.tolist() and one.prefix[:8].sum() == len(given[0])
    assert one.targets[one.targets != IGNORED].tolist() == written[0]


def test_denoisers_are_drawn_by_weight_and_the_default_ones_alike() -> None:
    row = row_of(list(range(100, 300)))
    kinds: Counter[tuple[int, int]] = Counter()
    control = CONTROL._replace(sentinels=tuple(range(1000, 1100)))
    config = config_of("encoder_decoder")
    for seed in range(1400):
        example = SPEC.prepare(row, chance(seed), control, config, SPEC.lengths(config, 200, 1))
        written = example.targets[example.targets != IGNORED]
        num_sentinels = int((written >= 1000).sum())
        kinds[(len(written) - num_sentinels if num_sentinels else 0, num_sentinels)] += 1
    expected = {(30, 11), (30, 5), (100, 34), (100, 13), (30, 2), (100, 3), (0, 0)}  # 200 tokens at .15 or .5, spans of 3, 8 and 64
    assert set(kinds) == expected and all(abs(count - 200) < 4 * (1400 / 7 * 6 / 7) ** 0.5 for count in kinds.values())
    heavy = config_of("decoder", span_denoisers=[{"noise_density": 0.2, "mean_span_length": 3, "weight": 3}], sequential_weight=1)
    spans = sum(A in denoised(row_of(list(range(20, 40))), seed, heavy).inputs.tokens for seed in range(800))
    assert abs(spans - 600) < 4 * (800 * 0.75 * 0.25) ** 0.5


@pytest.mark.parametrize("form", ["encoder_decoder", "decoder"])
def test_lengths_hold_whatever_is_drawn_and_each_token_is_of_its_own_document(form: str) -> None:
    for seed in range(200):
        documents = drawn_documents(seed, 80)
        example = denoised(row_of(*documents, length=80), seed, config_of(form))
        target = example.inputs if example.decoder is None else example.decoder
        for row in (example.inputs, type(target)(example.targets, target.segments)):
            for number, tokens in by_document(*row).items():
                assert {*tokens} <= {*documents[number], *SENTINELS, END, IGNORED}


@pytest.mark.parametrize("form", ["encoder_decoder", "decoder"])
def test_what_stands_before_a_text_stays_first_and_is_given_whatever_is_drawn(form: str) -> None:
    config = config_of(form)
    for seed in range(200):
        documents = begun(drawn_documents(seed, 80))
        row = row_of(*documents, length=80 + len(documents))
        example = SPEC.prepare(row, chance(seed), BEGINS, config, SPEC.lengths(config, len(row.tokens), len(documents)))
        given = by_document(*example.inputs)
        assert all(given[number][0] == END for number, document in enumerate(documents) if document[0] == END)
        assert example.prefix is None or all(example.prefix[(example.inputs.segments == number).argmax()] for number in given)


def test_what_an_architecture_must_do_is_told_by_the_form() -> None:
    assert [SPEC.attention(config_of(form)) for form in ("encoder_decoder", "decoder")] == ["encoder_decoder", "prefix"]


def test_sentinels_are_needed_for_spans_alone() -> None:
    bare = CONTROL._replace(sentinels=())
    assert "ask for sentinels" in str(SPEC.lacks(config_of("decoder"), bare))
    assert SPEC.lacks(config_of("decoder", **ENDS), bare) is None


def test_a_mixture_of_nothing_and_a_form_that_is_none_are_refused_by_their_keys() -> None:
    with pytest.raises(ValidationError) as error:
        config_of("decoder", span_denoisers=[], sequential_weight=0)
    assert error.value.errors()[0]["ctx"]["key"] == "sequential_weight"
    for fields, key in (({"form": "encoder"}, ("form",)), ({"span_denoisers": [{"noise_density": 2, "mean_span_length": 3}]}, ("span_denoisers", 0))):
        with pytest.raises(ValidationError) as error:
            Ul2Config.model_validate({"form": "decoder", **fields})
        assert error.value.errors()[0]["loc"][: len(key)] == key
