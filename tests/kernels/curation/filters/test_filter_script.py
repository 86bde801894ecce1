"""Texts told apart by the script of their letters."""

import json

import polars as pl
import pytest

from kernels.curation.filtering.batch import TextBatch
from kernels.curation.filters import script
from kernels.curation.filters.script import Script, ScriptConfig
from tests.locations import SHARED_DATA

XQUAD = SHARED_DATA / "xquad"
SCRIPTS: dict[str, tuple[Script, ...]] = {"en": ("Latin",), "vi": ("Latin",), "es": ("Latin",), "zh": ("Han",)}


def test_a_text_is_kept_by_the_share_of_its_letters() -> None:
    texts = pl.Series(["plain text 123", "Привет, мир", "half мира", "漢字かな", "42 %", ""])
    outcome = script.apply(TextBatch(texts), ScriptConfig(scripts=("Latin",), min_share=0.5))
    assert outcome.reason.to_list() == [None, "script", None, "script", "script", "script"]
    assert outcome.value.to_list() == [None, 0, None, 0, 0, 0]


def test_scripts_count_together() -> None:
    texts = pl.Series(["漢字かなカナ"])
    assert script.apply(TextBatch(texts), ScriptConfig(scripts=("Han",), min_share=0.5)).value.to_list() == [pytest.approx(1 / 3)]
    assert script.apply(TextBatch(texts), ScriptConfig(scripts=("Han", "Hiragana", "Katakana"), min_share=1)).reason.to_list() == [None]


def test_an_unknown_script_is_an_error() -> None:
    with pytest.raises(ValueError, match="scripts"):
        ScriptConfig.model_validate({"scripts": ["Klingon"], "min_share": 0.5})


@pytest.mark.parametrize("language", SCRIPTS)
def test_passages_are_kept_by_their_own_script(language: str) -> None:
    path = XQUAD / f"xquad.{language}.json"
    if not path.is_file():
        pytest.skip(f"no real data at {path}")
    passages = [paragraph["context"] for article in json.loads(path.read_text())["data"] for paragraph in article["paragraphs"]]
    own = script.apply(TextBatch(pl.Series(passages)), ScriptConfig(scripts=SCRIPTS[language], min_share=0.3))
    other = script.apply(TextBatch(pl.Series(passages)), ScriptConfig(scripts=("Arabic", "Cyrillic"), min_share=0.3))
    assert own.reason.null_count() == len(passages) > 200
    assert other.reason.null_count() == 0
