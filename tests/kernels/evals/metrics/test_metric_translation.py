"""BLEU and chrF from sums over items, against sacrebleu on whole corpora."""

import numpy as np
import pytest
import sacrebleu

from kernels.evals.metrics.translation import Tokenize, bleu_of, bleu_statistics, chrf_of, chrf_statistics, sentence_bleu

ANSWERS = ["The cat sat on the mat, didn't it?", "A dog", "", "We have no time to lose today (really).", "猫坐在垫子上 OK", "nothing alike whatever"]
REFERENCES = [
    ["The cat sat on a mat, did it not?", "There is a cat on the mat, isn't there?"],
    ["A dog barked", "One dog barked"],
    ["Silence", "Nothing"],
    ["We have no time to lose now (really).", "There is no time to lose today."],
    ["那只猫坐在垫子上 OK", "猫在垫子上"],
    ["quite different words here", "other"],
]
STREAMS = [list(stream) for stream in zip(*REFERENCES, strict=True)]


@pytest.mark.parametrize("tokenize", ["13a", "zh", "char"])
def test_bleu_of_summed_counts_is_that_of_the_corpus(tokenize: Tokenize) -> None:
    rows = np.array([bleu_statistics(answer, given, tokenize) for answer, given in zip(ANSWERS, REFERENCES, strict=True)])
    expected = sacrebleu.corpus_bleu(ANSWERS, STREAMS, tokenize=tokenize).score
    assert 20 < expected < 90
    assert bleu_of(rows.sum(0)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("word_order", [0, 2])
def test_chrf_of_summed_counts_is_that_of_the_corpus(word_order: int) -> None:
    rows = np.array([chrf_statistics(answer, given, word_order) for answer, given in zip(ANSWERS, REFERENCES, strict=True)])
    expected = sacrebleu.corpus_chrf(ANSWERS, STREAMS, word_order=word_order).score
    assert 20 < expected < 90
    assert chrf_of(rows.sum(0)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_resampled_sums_at_once_are_the_corpora_they_stand_for(seed: int) -> None:
    draws = np.random.default_rng(seed).integers(0, len(ANSWERS), (20, 3))
    bleu = np.array([bleu_statistics(answer, given) for answer, given in zip(ANSWERS, REFERENCES, strict=True)])
    chrf = np.array([chrf_statistics(answer, given, 2) for answer, given in zip(ANSWERS, REFERENCES, strict=True)])
    corpora = [([ANSWERS[row] for row in draw], [[stream[row] for row in draw] for stream in STREAMS]) for draw in draws]
    np.testing.assert_allclose(bleu_of(bleu[draws].sum(1)), [sacrebleu.corpus_bleu(*corpus).score for corpus in corpora], atol=1e-9)
    np.testing.assert_allclose(chrf_of(chrf[draws].sum(1)), [sacrebleu.corpus_chrf(*corpus, word_order=2).score for corpus in corpora], atol=1e-9)


def test_counts_of_a_short_answer_are_those_counted_by_hand() -> None:
    # the cat the | the cat sat: 2 of 3 words, 1 of 2 pairs, 0 of 1 triple
    assert bleu_statistics("the cat the", ["the cat sat"]) == [3, 3, 2, 1, 0, 0, 3, 2, 1, 0]


def test_an_order_without_ngrams_makes_bleu_zero_but_not_that_of_the_sentence() -> None:
    assert bleu_of(np.array(bleu_statistics("the cat sat", ["the cat sat"]))) == 0
    assert sentence_bleu("the cat sat", ["the cat sat"]) == pytest.approx(100)


def test_a_sentence_has_sacrebleus_score() -> None:
    assert sentence_bleu(ANSWERS[0], REFERENCES[0]) == pytest.approx(sacrebleu.sentence_bleu(ANSWERS[0], REFERENCES[0]).score)


def test_nothing_answered_gives_zero() -> None:
    assert bleu_of(np.array(bleu_statistics("", ["word"]))) == 0
    assert chrf_of(np.array(chrf_statistics("", ["word"]))) == 0


def test_a_translation_without_references_is_refused() -> None:
    with pytest.raises(ValueError, match="without references"):
        bleu_statistics("word", [])
