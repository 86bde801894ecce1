"""Span corruption: which runs are taken out, how sentinels stand for them, and that nothing is lost."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from kernels.specs.objectives import IGNORED, NO_SEGMENT, ControlTokens, Example, Row
from kernels.training.objectives.span_corruption import SPEC, SpanCorruptionConfig
from tests.token_rows import BEGINS, CONTROL, END, PAD, SENTINELS, begun, by_document, chance, drawn_documents, row_of, text_of

A, B, C, D = SENTINELS


def corrupted(row: Row, seed: int, control: ControlTokens = CONTROL, **fields: Any) -> Example:
    config = SpanCorruptionConfig(**fields)
    lengths = SPEC.lengths(config, len(row.tokens), int(row.segments.max()) + 1)
    return SPEC.prepare(row, chance(seed), control, config, lengths)


def spans_of(written: list[int]) -> list[list[int]]:
    """What each sentinel of a decoder's text stands for; the last one stands for nothing and is left out."""
    spans: list[list[int]] = []
    for token in written:
        if token in SENTINELS:
            assert token == SENTINELS[len(spans)]
            spans.append([])
        else:
            spans[-1].append(token)
    assert spans[-1] == []
    return spans[:-1]


def test_a_gap_is_a_sentinel_and_the_decoder_writes_what_stood_in_it() -> None:
    row = row_of([20, 21, 22, 23, 24, 25, 26, END], [40, 41, 42, END], [60], length=16)
    example = corrupted(row, 0, noise_density=0.5, mean_span_length=2)
    assert example.inputs.tokens[:10].tolist() == [20, A, 24, 25, B, END, 40, A, END, 60]
    assert example.inputs.segments.tolist() == [0] * 6 + [1] * 3 + [2] + [-1] * 6
    assert example.targets[:11].tolist() == [A, 21, 22, 23, B, 26, C, A, 41, 42, B] and set(example.targets[11:].tolist()) == {IGNORED}
    assert example.decoder is not None
    assert example.decoder.tokens[:11].tolist() == [PAD, A, 21, 22, 23, B, 26, PAD, A, 41, 42]
    assert example.decoder.segments[:11].tolist() == [0] * 7 + [1] * 4 and set(example.decoder.segments[11:].tolist()) == {NO_SEGMENT}


def test_of_two_tokens_the_second_is_taken_out_and_one_alone_stays() -> None:
    example = corrupted(row_of([20], [30, 31], [40, END], [50, 51, END]), 5)
    assert by_document(*example.inputs) == {0: [20], 1: [30, A], 2: [40, END], 3: [50, A, END]}
    assert example.decoder is not None
    assert by_document(example.targets, example.decoder.segments) == {1: [A, 31, B], 3: [A, 51, B]}


def test_what_stands_before_a_text_is_in_no_gap_and_does_not_count() -> None:
    row = row_of([END, 20, 21, 22, 23, 24, 25, 26, END], [END, 40, 41, 42, END], [END, 60], [END, END], length=20)
    example = corrupted(row, 0, BEGINS, noise_density=0.5, mean_span_length=2)
    given = by_document(*example.inputs)
    assert given == {0: [END, 20, A, 24, 25, B, END], 1: [END, 40, A, END], 2: [END, 60], 3: [END, END]}
    assert example.targets[:11].tolist() == [A, 21, 22, 23, B, 26, C, A, 41, 42, B]  # as without


@pytest.mark.parametrize(("density", "mean"), [(0.15, 3), (0.5, 3), (0.15, 64), (0.9, 1), (0.99, 2), (0.01, 1), (0.3, 1.5)])
@pytest.mark.parametrize("anywhere", [False, True])
@pytest.mark.parametrize("begins", [False, True])
def test_every_document_can_be_rebuilt_and_has_as_many_gaps_as_its_length_asks(density: float, mean: float, anywhere: bool, begins: bool) -> None:
    control = BEGINS if begins else CONTROL
    for seed in range(150):
        documents = begun(drawn_documents(seed, 96)) if begins else drawn_documents(seed, 96)
        row = row_of(*documents, length=96)
        example = corrupted(row, seed, control, noise_density=density, mean_span_length=mean, spans_anywhere=anywhere)
        assert example.decoder is not None
        given, written = by_document(*example.inputs), by_document(example.targets, example.decoder.segments)
        assert list(given) == list(range(len(documents)))
        for number, document in enumerate(documents):
            text = text_of(document, begins=begins)
            if len(text) < 2:
                assert given[number] == document and number not in written
                continue
            spans = spans_of(written[number])
            rebuilt = [token for kept in given[number] for token in (spans[SENTINELS.index(kept)] if kept in SENTINELS else [kept])]
            assert rebuilt == document
            noise = min(max(round(len(text) * density), 1), len(text) - 1)
            assert sum(map(len, spans)) == noise and all(spans)
            assert len(spans) == max(1, min(round(noise / mean), noise, len(text) - noise + anywhere, len(SENTINELS) - 1))
            around = len(document) - len(text), document[-1] == END  # before and behind
            assert anywhere or (given[number][around[0] - around[1]] == text[0] and given[number][-1 - around[1]] in SENTINELS)
            assert not any({*pair} <= {*SENTINELS} for pair in zip(given[number], given[number][1:], strict=False))
            assert by_document(*example.decoder)[number] == [PAD, *written[number][:-1]]


@pytest.mark.parametrize(
    ("noise", "mean", "anywhere", "num_ways"),
    [
        (4, 2, False, 6),  # 3 ways to cut four tokens in two, times 2 to cut the three that are kept
        (4, 2, True, 18),  # times 6 to have some of the three before, between and behind, but some between
        (2, 2, False, 1),
        (2, 2, True, 6),
    ],
)
def test_every_way_to_cut_noise_and_what_is_kept_is_as_likely(noise: int, mean: int, anywhere: bool, num_ways: int) -> None:
    row = row_of([20, 21, 22, 23, 24, 25, 26])
    fields = {"noise_density": noise / 7, "mean_span_length": mean, "spans_anywhere": anywhere}
    ways = Counter(tuple(corrupted(row, seed, **fields).inputs.tokens.tolist()) for seed in range(1800))
    share = 1 / num_ways
    assert len(ways) == num_ways
    assert max(abs(count - 1800 * share) for count in ways.values()) <= 4 * np.sqrt(1800 * share * (1 - share))


def test_too_few_sentinels_make_fewer_and_longer_gaps() -> None:
    row = row_of(list(range(100, 200)))
    many = CONTROL._replace(sentinels=tuple(range(1000, 1100)))
    for control, num_spans in ((many, 10), (CONTROL, 3), (CONTROL._replace(sentinels=(A, B)), 1)):
        example = corrupted(row, 3, control, noise_density=0.3, mean_span_length=3)
        assert np.isin(example.targets, control.sentinels).sum() == num_spans + 1
        assert (example.targets >= 100).sum() - np.isin(example.targets, many.sentinels).sum() == 30


def test_the_vocabulary_must_have_a_sentinel_for_a_gap_and_one_for_the_end() -> None:
    assert SPEC.lacks(SpanCorruptionConfig(), CONTROL) is None
    for sentinels in ((), (A,)):
        bare = CONTROL._replace(sentinels=sentinels)
        message = f"has {len(sentinels)} sentinels, and spans need at least 2; ask for sentinels"
        assert message in str(SPEC.lacks(SpanCorruptionConfig(), bare))
        with pytest.raises(ValueError, match=message):
            corrupted(row_of([20, 21, 22]), 0, bare)


def test_lengths_hold_whatever_documents_a_row_is_made_of_and_are_close() -> None:
    fullest = [0.0, 0.0]
    control = CONTROL._replace(sentinels=tuple(range(5000, 5200)))
    config = SpanCorruptionConfig(noise_density=0.15, mean_span_length=3)
    for seed in range(200):
        cuts = np.sort(chance(seed).choice(np.arange(1, 512), size=7, replace=False)).tolist()
        documents = [[50] * (end - start) for start, end in zip([0, *cuts], [*cuts, 512], strict=True)]
        example = SPEC.prepare(row_of(*documents), chance(seed), control, config, SPEC.lengths(config, 512, 8))
        assert example.decoder is not None
        fullest = [max(most, (row.segments >= 0).mean()) for most, row in zip(fullest, (example.inputs, example.decoder), strict=True)]
    assert min(fullest) > 0.8


@pytest.mark.parametrize(("density", "mean"), [(0.15, 3), (0.9, 64), (0.99, 8), (0.5, 1)])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8, 40])
def test_lengths_hold_where_every_text_is_as_short_and_has_a_token_before_and_behind_it(density: float, mean: float, size: int) -> None:
    documents = [[END, *range(20, 20 + size), END]] * (84 // (size + 2))
    for anywhere in (False, True):
        example = corrupted(row_of(*documents), 0, BEGINS, noise_density=density, mean_span_length=mean, spans_anywhere=anywhere)
        assert set(example.inputs.segments.tolist()) >= set(range(len(documents)))


def test_a_tokenizer_that_puts_more_before_texts_than_rows_have_room_for_is_refused_before_any_row_is_read() -> None:
    control = BEGINS._replace(before=(10, 11, END))
    config = SpanCorruptionConfig(noise_density=0.9, mean_span_length=8)
    assert "puts 3 tokens before each text, and spans leave room for 1" in str(SPEC.lacks(config, control))
    with pytest.raises(ValueError, match="puts 3 tokens before each text"):
        corrupted(row_of(*[[10, 11, END, 20, 21, END]] * 5), 0, control, noise_density=0.9, mean_span_length=8)


def test_an_example_that_does_not_fit_is_refused_and_not_cut() -> None:
    config = SpanCorruptionConfig()
    with pytest.raises(ValueError, match="comes to 15 positions where there is room for 10; give the lengths for the most documents"):
        SPEC.prepare(row_of(*[[20, 21]] * 5), chance(), CONTROL, config, (10, 10))


@pytest.mark.parametrize(("fields", "key"), [({"noise_density": 1}, "noise_density"), ({"mean_span_length": 0.5}, "mean_span_length")])
def test_numbers_that_leave_nothing_are_refused_by_their_key(fields: dict[str, float], key: str) -> None:
    with pytest.raises(ValidationError) as error:
        SpanCorruptionConfig.model_validate(fields)
    assert [fault["loc"] for fault in error.value.errors()] == [(key,)]
