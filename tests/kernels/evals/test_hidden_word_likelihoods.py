"""What each family of models is asked of a passage with a blank, token by token."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedConfig

from kernels.evals import hidden_word_likelihoods
from kernels.evals.hidden_word_likelihoods import TokenPassage, fitted, likelihoods_of_options, token_passages
from kernels.evals.hidden_words import Passage
from kernels.inference.likelihoods.masked import Hidden
from kernels.inference.likelihoods.requests import Request
from kernels.models.formats.chats import text_encoder
from tests.byte_tokenizers import byte_tokenizer

MASK, BLANK, END = 256, 257, 258
SPECIAL = ("<|mask|>", "<|sentinel_0|>", "<|sentinel_1|>")
PASSAGE = Passage("doc/1", "tales", "The", ", and", ("cart", "cast"), 1)


class Bytes:
    """One token a byte; 0 ends a text."""

    bos_token_id, eos_token_id, mask_token = None, 0, None

    def __init__(self, *special: str) -> None:
        self.backend_tokenizer = byte_tokenizer()
        self.backend_tokenizer.add_special_tokens(list(special))


def asked(
    monkeypatch: pytest.MonkeyPatch, attention: str, function: str, limit: int | None = 100, special: Sequence[str] = SPECIAL, begins: str = ""
) -> list[Any]:
    """Return what a model of a kind is asked of the passage."""
    kept: list[Any] = []
    tokenizer = Bytes(*special)
    if begins:
        token = tokenizer.backend_tokenizer.token_to_id(begins)
        tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single=f"{begins} $A", special_tokens=[(begins, token)])

    def answer(model: Any, requests: Sequence[Any], *others: Any) -> list[float]:
        kept.extend([*requests, *others])
        return [-2.0, -1.0]

    monkeypatch.setattr(hidden_word_likelihoods, function, answer)
    model: Any = SimpleNamespace(
        attention=attention,
        tokenizer=tokenizer,
        model=SimpleNamespace(config=cast(Any, PreTrainedConfig)(**({} if limit is None else {"max_position_embeddings": limit}))),
    )
    (found,) = likelihoods_of_options(model, [PASSAGE])
    assert found.log_likelihoods == (-2.0, -1.0)
    return kept


@pytest.mark.parametrize("attention", ["causal", "prefix"])
def test_a_decoder_is_asked_the_word_and_what_stands_behind_it_after_what_stands_before(monkeypatch: pytest.MonkeyPatch, attention: str) -> None:
    assert asked(monkeypatch, attention, "log_likelihoods") == [
        Request((0, *b"The"), tuple(b" cart, and")),
        Request((0, *b"The"), tuple(b" cast, and")),
    ]


def test_an_encoder_decoder_reads_a_sentinel_for_the_word_and_writes_the_word_between_two(monkeypatch: pytest.MonkeyPatch) -> None:
    context = (*b"The", BLANK, *b", and")
    assert asked(monkeypatch, "encoder_decoder", "log_likelihoods") == [
        Request(context, (BLANK, *b" cart", END)),
        Request(context, (BLANK, *b" cast", END)),
    ]


def test_an_encoder_is_asked_the_word_between_both_sides_with_its_mask_token(monkeypatch: pytest.MonkeyPatch) -> None:
    before, behind = tuple(b"The"), tuple(b", and")
    found = asked(monkeypatch, "bidirectional", "pseudo_log_likelihoods")
    assert found == [Hidden(before, tuple(b" cart"), behind), Hidden(before, tuple(b" cast"), behind), MASK]


@pytest.mark.parametrize("limit", [16, 100])
def test_what_the_tokenizer_puts_before_texts_stands_before_the_passage_whoever_reads_it(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    told: dict[str, Any] = {"limit": limit, "special": (*SPECIAL, "<s>"), "begins": "<s>"}
    start = 259
    assert asked(monkeypatch, "causal", "log_likelihoods", **told)[0].context == (start, *b"The")
    assert asked(monkeypatch, "encoder_decoder", "log_likelihoods", **told)[0].context == (start, *b"The", BLANK, *b", and")
    assert asked(monkeypatch, "bidirectional", "pseudo_log_likelihoods", **told)[0].before == (start, *b"The")


def test_a_model_that_reads_texts_of_any_length_is_asked_all(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(asked(monkeypatch, "causal", "log_likelihoods", limit=None)[0].continuation) == len(" cart, and")


@pytest.mark.parametrize(("attention", "lacks"), [("bidirectional", "no mask token"), ("encoder_decoder", "0 sentinels, and a blank needs 2")])
def test_a_tokenizer_without_what_marks_a_blank_is_told(attention: str, lacks: str) -> None:
    config = cast(Any, PreTrainedConfig)(max_position_embeddings=100)
    model: Any = SimpleNamespace(attention=attention, tokenizer=Bytes(), model=SimpleNamespace(config=config))
    with pytest.raises(ValueError, match=lacks):
        likelihoods_of_options(model, [PASSAGE])


def test_tokens_before_an_option_and_behind_are_those_of_the_whole_text_and_the_same_of_every_option() -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    vocabulary = {
        token: index for index, token in enumerate(["T", "h", "e", "Ġ", "c", "a", "r", "t", "s", ".", "Ġc", "Ġca", "t.", "Th", "The", "TheĠ"])
    }
    merges = [("Ġ", "c"), ("Ġc", "a"), ("t", "."), ("T", "h"), ("Th", "e")]
    tokenizer: Any = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)  # merges may cross every border
    passage = Passage("doc/1", "tales", "The", ".", ("cart", "cast", "carta"), 0)
    encoder = text_encoder(SimpleNamespaceTokenizer(tokenizer))
    (found,) = token_passages(encoder, [passage])
    assert [[*found.before, *option, *found.behind] for option in found.options] == encoder.contents(passage.texts)
    assert found.before == (vocabulary["The"],) and found.behind == ()
    assert [option[-1] for option in found.options] == [vocabulary["t."], vocabulary["t."], vocabulary["."]]


class SimpleNamespaceTokenizer:
    def __init__(self, tokenizer: Any) -> None:
        self.backend_tokenizer = tokenizer


def test_a_passage_too_long_loses_tokens_at_both_ends_and_counts_them() -> None:
    passage = TokenPassage(tuple(range(10)), ((50,), (51, 52)), tuple(range(20, 30)), 0)
    assert fitted(passage, 8) == TokenPassage((7, 8, 9), passage.options, (20, 21, 22), 14)
    assert fitted(passage, 22) == passage
    short = TokenPassage((1,), ((50,), (51, 52)), tuple(range(20, 30)), 0)
    assert fitted(short, 8) == TokenPassage((1,), short.options, (20, 21, 22, 23, 24), 5)
