import math
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest

from kernels.evals.tasks.perplexity import PerplexityConfig, run
from tests.byte_tokenizers import byte_tokenizer


class Bytes:
    bos_token_id: int | None = None
    eos_token_id: int | None = 0

    def __init__(self) -> None:
        self.backend_tokenizer = byte_tokenizer()

    def encode(self, text: str, add_special_tokens: bool) -> list[int]:
        return list(text.encode())


class Model(NamedTuple):
    model: Any
    tokenizer: Bytes
    device: str = "cpu"


@pytest.fixture(scope="module")
def tiny() -> Model:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    return Model(LlamaForCausalLM(LlamaConfig(vocab_size=256, max_position_embeddings=16, **sizes)).eval(), Bytes())


def heldout(path: Path, texts: dict[str, str]) -> Path:
    rows = [{"id": f"{source}/{index}", "source": source, "text": text} for index, (text, source) in enumerate(texts.items())]
    pl.DataFrame(rows).write_parquet(path)
    return path


def config(**fields: int) -> PerplexityConfig:
    return PerplexityConfig.model_validate({"num_items": 10, "seed": 0, "max_bytes": 1000, "num_bootstrap": 50, **fields})


def scores_of(model: Model, path: Path, **fields: int) -> dict[str, Any]:
    return {score.metric: score for score in run(model, path, config(**fields)).scores}  # pyright: ignore[reportArgumentType]


def test_a_uniform_model_over_bytes_gives_eight_bits_and_perplexity_256(tiny: Model, tmp_path: Path):
    import copy

    import torch

    uniform = copy.deepcopy(tiny.model)
    torch.nn.init.zeros_(uniform.lm_head.weight)
    path = heldout(tmp_path / "heldout.parquet", {"abc": "a", "a text of more than one window": "b"})
    scores = scores_of(tiny._replace(model=uniform), path)
    assert scores["bits_per_byte"][1:5] == pytest.approx((8, 8, 8, 8), abs=1e-5)
    assert scores["perplexity"].value == pytest.approx(256, rel=1e-5)


def test_overall_is_weighted_by_bytes_and_every_source_has_its_score(tiny: Model, tmp_path: Path):
    path = heldout(tmp_path / "heldout.parquet", {"one": "a", "a second text, rather longer": "b"})
    scores, items = run(tiny, path, config())  # pyright: ignore[reportArgumentType]
    assert [score.metric for score in scores] == ["bits_per_byte", "perplexity", "bits_per_byte/a", "bits_per_byte/b"]
    assert scores[0].value == pytest.approx(items["nats"].sum() / math.log(2) / (3 + 28))
    assert scores[2].value == pytest.approx(items["nats"][0] / math.log(2) / 3)
    assert not any(score.higher_is_better for score in scores)


def test_windows_of_a_long_text_are_scored_each_on_its_own(tiny: Model, tmp_path: Path):
    whole, parts = "abcdefghijklmnopABCDEFGHIJ", {"abcdefghijklmnop": "a", "ABCDEFGHIJ": "a"}
    one = scores_of(tiny, heldout(tmp_path / "one.parquet", {whole: "a"}))
    two = scores_of(tiny, heldout(tmp_path / "two.parquet", parts))
    assert one["bits_per_byte"].value == pytest.approx(two["bits_per_byte"].value, rel=1e-6)


def test_a_text_is_cut_between_characters(tiny: Model, tmp_path: Path):
    path = heldout(tmp_path / "heldout.parquet", {"a\u00e9\u00e9": "a"})
    _, items = run(tiny, path, config(max_bytes=4))  # pyright: ignore[reportArgumentType]
    assert items["num_bytes"].to_list() == [3]


def test_no_more_documents_are_scored_than_asked(tiny: Model, tmp_path: Path):
    path = heldout(tmp_path / "heldout.parquet", {f"text {index}": "a" for index in range(6)})
    assert scores_of(tiny, path, num_items=4)["perplexity"].num_items == 4


def test_a_file_without_a_needed_column_is_refused_by_name(tiny: Model, tmp_path: Path):
    pl.DataFrame({"id": ["1"], "text": ["x"]}).write_parquet(tmp_path / "heldout.parquet")
    with pytest.raises(ValueError, match=r"heldout.parquet: no column \['source'\]"):
        run(tiny, tmp_path / "heldout.parquet", config())  # pyright: ignore[reportArgumentType]


def test_a_file_without_text_is_refused(tiny: Model, tmp_path: Path):
    with pytest.raises(ValueError, match="no document with text"):
        run(tiny, heldout(tmp_path / "heldout.parquet", {"": "a"}), config())  # pyright: ignore[reportArgumentType]
