"""The hidden word: scored the same way for every kind of model, on the same items."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch

from kernels.evals.hidden_word_likelihoods import Found
from kernels.evals.hidden_words import Passage
from kernels.evals.tasks.documents import hidden_word
from kernels.evals.tasks.documents.hidden_word import HiddenWordConfig, run
from kernels.models.formats.checkpoints import LanguageModel
from kernels.specs.families import specs
from tests.byte_tokenizers import byte_tokenizer

TEXTS = {
    "tale/1": "The river runs past the mill, and the miller counts every sack that leaves the yard.",
    "tale/2": "A letter came from the north; nobody could read what stood on its second page.",
    "news/1": "When the market opened, farmers brought barley and honey, apples and winter wool.",
    "news/2": "Under the bridge a heron waits, patient as stone, until some careless fish swims past.",
    "news/3": "Nothing.",
}
CONFIG = HiddenWordConfig(num_items=10, num_options=4, max_bytes=60, seed=1, num_bootstrap=50)
SIZES = {"hidden_size": 32, "num_layers": 2, "num_heads": 2, "intermediate_size": 48, "max_position_embeddings": 192, "tie_embeddings": True}
FAMILIES = {"llama": {"num_kv_heads": 1}, "prefix_decoder": {"num_kv_heads": 1}, "modernbert": {}, "t5": {}}
Answer = Callable[[Passage], tuple[float, ...]]


@pytest.fixture
def heldout(tmp_path: Path) -> Path:
    path = tmp_path / "heldout.parquet"
    pl.DataFrame([{"id": key, "source": key.split("/")[0], "text": text} for key, text in TEXTS.items()]).write_parquet(path)
    return path


class Bytes:
    """One token a byte, and what marks blanks."""

    bos_token_id, eos_token_id, pad_token_id, mask_token = None, 0, 0, "<|mask|>"

    def __init__(self) -> None:
        self.backend_tokenizer = byte_tokenizer()
        self.backend_tokenizer.add_special_tokens(["<|mask|>", "<|sentinel_0|>", "<|sentinel_1|>"])


def small(family: str) -> LanguageModel:
    from kernels.models.formats import own
    from kernels.models.formats.auto_classes import auto_class

    own.classes()
    spec = specs("architectures")[family]
    shape = spec.build(spec.config.model_validate({"kind": family, **SIZES, **FAMILIES[family]}), vocab_size=259, eos_token_id=0, pad_token_id=0)
    torch.manual_seed(0)
    model = auto_class(shape).from_config(shape)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return LanguageModel(model.eval(), Bytes(), "cpu")


def answering(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> Any:
    def likelihoods(model: Any, passages: Sequence[Passage]) -> list[Found]:
        return [Found(answer(passage), 0) for passage in passages]

    monkeypatch.setattr(hidden_word, "likelihoods_of_options", likelihoods)
    return None


def right(passage: Passage) -> tuple[float, ...]:
    return tuple(-1.0 if number == passage.expected else -2.0 for number in range(len(passage.options)))


def test_every_family_is_asked_the_same_items_and_answers_each_by_a_finite_likelihood(heldout: Path) -> None:
    found = {family: run(small(family), heldout, CONFIG).items for family in FAMILIES}
    for items in found.values():
        assert items.select("item", "left", "right", "options", "expected").equals(
            found["llama"].select("item", "left", "right", "options", "expected")
        )
        asked = items.filter(pl.col("rejected").is_null())
        assert asked.height == 4 and asked["num_tokens_cut"].sum() == 0
        likelihoods = asked["log_likelihoods"].explode().to_list()
        assert len(set(likelihoods)) == 16 and all(-1000 < value < 0 for value in likelihoods)
    assert len({str(items["log_likelihoods"].to_list()) for items in found.values()}) == len(FAMILIES)


def test_a_model_that_knows_all_has_an_accuracy_of_one_overall_and_by_source(monkeypatch: pytest.MonkeyPatch, heldout: Path) -> None:
    scores = run(answering(monkeypatch, right), heldout, CONFIG).scores
    assert [(score.metric, score.value, score.low, score.high, score.chance, score.num_items) for score in scores] == [
        ("accuracy", 1.0, pytest.approx(0.025 ** (1 / 4)), 1.0, 0.25, 4),
        ("accuracy/news", 1.0, pytest.approx(0.025 ** (1 / 2)), 1.0, 0.25, 2),
        ("accuracy/tale", 1.0, pytest.approx(0.025 ** (1 / 2)), 1.0, 0.25, 2),
    ]


def test_one_wrong_answer_of_four_is_three_quarters_and_the_items_tell_which(monkeypatch: pytest.MonkeyPatch, heldout: Path) -> None:
    def but_one(passage: Passage) -> tuple[float, ...]:
        return tuple(-value for value in right(passage)) if passage.key == "tale/2" else right(passage)

    scores, items, _ = run(answering(monkeypatch, but_one), heldout, CONFIG)
    assert scores[0].value == 0.75 and scores[0].low < 0.75 < scores[0].high
    assert items.filter(~pl.col("correct"))["item"].to_list() == ["tale/2"]
    assert items.filter(pl.col("correct")).select((pl.col("answer") == pl.col("expected")).all()).item()


def test_a_document_without_a_word_to_hide_stands_at_the_end_with_its_reason(monkeypatch: pytest.MonkeyPatch, heldout: Path) -> None:
    items = run(answering(monkeypatch, right), heldout, CONFIG).items
    assert items.tail(1).select("item", "rejected").row(0) == ("news/3", "no_word_to_hide")
    assert items["rejected"].null_count() == 4


def test_no_more_documents_are_asked_than_the_recipe_says(monkeypatch: pytest.MonkeyPatch, heldout: Path) -> None:
    assert run(answering(monkeypatch, right), heldout, CONFIG.model_copy(update={"num_items": 3})).scores[0].num_items == 3


def test_a_likelihood_that_is_no_number_is_an_error_and_no_wrong_answer(monkeypatch: pytest.MonkeyPatch, heldout: Path) -> None:
    def broken(passage: Passage) -> tuple[float, ...]:
        return (math.nan, *right(passage)[1:])

    with pytest.raises(ValueError, match="a likelihood is not finite"):
        run(answering(monkeypatch, broken), heldout, CONFIG)


def test_documents_of_which_none_has_a_word_to_hide_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "heldout.parquet"
    pl.DataFrame([{"id": "a", "source": "a", "text": "Nothing."}]).write_parquet(path)
    with pytest.raises(ValueError, match="no held-out document has a word to hide"):
        run(None, path, CONFIG)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("family", ["llama", "prefix_decoder"])
def test_a_decoder_orders_words_as_the_likelihood_of_the_whole_passage_does(family: str, heldout: Path) -> None:
    model = small(family)
    item = run(model, heldout, CONFIG).items.row(0, named=True)
    for option, found in zip(item["options"], item["log_likelihoods"], strict=True):
        left, rest = item["left"].encode(), f" {option}{item['right']}".encode()
        tokens = torch.tensor([[0, *left, *rest]])
        told = {"prefix_mask": torch.arange(tokens.shape[1])[None] <= len(left)} if family == "prefix_decoder" else {}
        with torch.inference_mode():
            logs = model.model(input_ids=tokens, **told).logits[0].log_softmax(-1)
        expected = sum(float(logs[len(left) + number, byte]) for number, byte in enumerate(rest))
        assert found == pytest.approx(expected, rel=0.005)
