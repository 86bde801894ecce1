import math
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from kernels.evals.tasks.documents.perplexity import PerplexityConfig, rolling_windows, run
from kernels.inference.likelihoods.likelihood import Request, log_likelihoods
from kernels.models.formats.checkpoints import LanguageModel
from tests.byte_tokenizers import byte_tokenizer


class Bytes:
    bos_token_id: int | None = None
    eos_token_id: int | None = 0

    def __init__(self) -> None:
        self.backend_tokenizer = byte_tokenizer()

    def encode(self, text: str, add_special_tokens: bool) -> list[int]:
        return list(text.encode())


@pytest.fixture(scope="module")
def tiny() -> LanguageModel:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    return LanguageModel(LlamaForCausalLM(LlamaConfig(vocab_size=256, max_position_embeddings=16, **sizes)).eval(), Bytes(), "cpu")


def heldout(path: Path, texts: dict[str, str]) -> Path:
    rows = [{"id": f"{source}/{index}", "source": source, "text": text} for index, (text, source) in enumerate(texts.items())]
    pl.DataFrame(rows).write_parquet(path)
    return path


def config(**fields: int) -> PerplexityConfig:
    return PerplexityConfig.model_validate({"num_items": 10, "seed": 0, "max_bytes": 1000, "num_bootstrap": 50, **fields})


def scores_of(model: LanguageModel, path: Path, **fields: int) -> dict[str, Any]:
    return {score.metric: score for score in run(model, path, config(**fields)).scores}  # pyright: ignore[reportArgumentType]


def test_a_uniform_model_over_bytes_gives_eight_bits_and_perplexity_256(tiny: LanguageModel, tmp_path: Path):
    import copy

    import torch

    uniform = copy.deepcopy(tiny.model)
    torch.nn.init.zeros_(uniform.lm_head.weight)
    path = heldout(tmp_path / "heldout.parquet", {"abc": "a", "a text of more than one window": "b"})
    scores = scores_of(tiny._replace(model=uniform), path)
    assert scores["bits_per_byte"][1:5] == pytest.approx((8, 8, 8, 8), abs=1e-5)
    assert scores["token_perplexity"].value == scores["byte_perplexity"].value == pytest.approx(256, rel=1e-5)


def test_overall_is_weighted_by_bytes_and_every_source_has_its_score(tiny: LanguageModel, tmp_path: Path):
    path = heldout(tmp_path / "heldout.parquet", {"one": "a", "a second text, rather longer": "b"})
    scores, items, _ = run(tiny, path, config())  # pyright: ignore[reportArgumentType]
    assert [score.metric for score in scores] == [
        "bits_per_byte", "byte_perplexity", "word_perplexity", "token_perplexity", "bits_per_byte/a", "bits_per_byte/b",
    ]  # fmt: skip
    assert scores[0].value == pytest.approx(items["nats"].sum() / math.log(2) / (3 + 28))
    assert scores[4].value == pytest.approx(items["nats"][0] / math.log(2) / 3)
    assert not any(score.higher_is_better for score in scores)


def test_perplexities_are_of_bytes_of_words_between_white_space_and_of_tokens(tiny: LanguageModel, tmp_path: Path):
    path = heldout(tmp_path / "heldout.parquet", {"d\u00e9j\u00e0  vu\n": "a"})
    scores, items, _ = run(tiny, path, config())  # pyright: ignore[reportArgumentType]
    nats = items["nats"][0]
    assert items.select("num_bytes", "num_words", "num_tokens").row(0) == (11, 3, 11), "the empty end behind the line break counts, as in the harness"
    found = {score.metric: score.value for score in scores}
    assert found["word_perplexity"] == pytest.approx(math.exp(nats / 3))
    assert found["byte_perplexity"] == pytest.approx(math.exp(nats / 11)) == pytest.approx(2 ** found["bits_per_byte"])


def test_a_word_too_long_for_its_perplexity_to_be_a_number_has_an_infinite_one(tiny: LanguageModel, tmp_path: Path):
    path = heldout(tmp_path / "heldout.parquet", {"\u6211\u4eec" * 200: "a"})
    scores = scores_of(tiny, path, max_bytes=2000)
    assert scores["word_perplexity"].value == math.inf
    assert 0 < scores["bits_per_byte"].value < 20


@pytest.mark.parametrize(
    ("num_tokens", "windows"),
    [
        (3, [((99,), (0, 1, 2))]),
        (4, [((99,), (0, 1, 2, 3))]),
        (8, [((99,), (0, 1, 2, 3)), ((3,), (4, 5, 6, 7))]),
        (10, [((99,), (0, 1, 2, 3)), ((3,), (4, 5, 6, 7)), ((5, 6, 7), (8, 9))]),
        (0, []),
    ],
)
def test_each_window_follows_as_many_of_the_tokens_before_it_as_fit_and_one_at_least(num_tokens: int, windows: list[tuple[tuple[int, ...], ...]]):
    assert rolling_windows(range(num_tokens), [99], 4) == [Request(*window) for window in windows]


def test_all_that_stands_before_a_text_stands_before_its_first_window():
    assert rolling_windows(range(7), [98, 99], 4) == [Request((98, 99), (0, 1, 2)), Request((2,), (3, 4, 5, 6))]


def test_what_a_tokenizer_does_not_know_is_told_byte_by_byte_and_does_not_come_free(tmp_path: Path):
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({"<s>": 0, "<unk>": 1, "sea": 2}, unk_token="<unk>"))  # pyright: ignore[reportCallIssue]
    words.pre_tokenizer = pre_tokenizers.Whitespace()  # pyright: ignore[reportAttributeAccessIssue]
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>", bos_token="<s>", eos_token="<s>")
    model = LlamaForCausalLM(LlamaConfig(vocab_size=3, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1)).eval()
    torch.nn.init.zeros_(model.lm_head.weight)
    path = heldout(tmp_path / "heldout.parquet", {"bi\u1ec3n sea": "vi", "sea sea": "en"})
    items = run(LanguageModel(model, tokenizer, "cpu"), path, config()).items
    assert items["num_unknown_bytes"].to_list() == [6, 0]
    assert (items["nats"] / math.log(2)).to_list() == pytest.approx([2 * math.log2(3) + 6 * 8, 2 * math.log2(3)], abs=0.02)


def test_a_long_text_is_the_sum_of_its_rolling_windows(tiny: LanguageModel, tmp_path: Path):
    text = b"abcdefghijklmnopABCDEFGHIJ"
    expected = log_likelihoods(tiny, [Request((0,), tuple(text[:16])), Request(tuple(text[9:16]), tuple(text[16:]))])  # pyright: ignore[reportArgumentType]
    _, items, _ = run(tiny, heldout(tmp_path / "heldout.parquet", {text.decode(): "a"}), config())  # pyright: ignore[reportArgumentType]
    assert items["nats"][0] == pytest.approx(-sum(expected), rel=1e-6)


def test_a_text_is_cut_between_characters(tiny: LanguageModel, tmp_path: Path):
    path = heldout(tmp_path / "heldout.parquet", {"a\u00e9\u00e9": "a"})
    _, items, _ = run(tiny, path, config(max_bytes=4))  # pyright: ignore[reportArgumentType]
    assert items["num_bytes"].to_list() == [3]


def test_no_more_documents_are_scored_than_asked(tiny: LanguageModel, tmp_path: Path):
    path = heldout(tmp_path / "heldout.parquet", {f"text {index}": "a" for index in range(6)})
    assert scores_of(tiny, path, num_items=4)["token_perplexity"].num_items == 4


def test_a_file_without_a_needed_column_is_refused_by_name(tiny: LanguageModel, tmp_path: Path):
    pl.DataFrame({"id": ["1"], "text": ["x"]}).write_parquet(tmp_path / "heldout.parquet")
    with pytest.raises(ValueError, match=r"heldout.parquet: no column \['source'\]"):
        run(tiny, tmp_path / "heldout.parquet", config())  # pyright: ignore[reportArgumentType]


def test_a_file_without_text_is_refused(tiny: LanguageModel, tmp_path: Path):
    with pytest.raises(ValueError, match="no document with text"):
        run(tiny, heldout(tmp_path / "heldout.parquet", {"": "a"}), config())  # pyright: ignore[reportArgumentType]
