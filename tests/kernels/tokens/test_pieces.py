"""Texts encoded piece by piece have the tokens that the library gives them whole."""

import json
import random
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from kernels.specs.families import specs
from kernels.tokens import content
from kernels.tokens.content import TextEncoder
from kernels.tokens.pieces import encoding
from kernels.tokens.pieces.encoding import PieceEncoder, cut, texts_of
from kernels.tokens.pieces.recognition import LLAMA_3, QWEN_2, Cuts, cuts_of
from tests.locations import SHARED_DATA
from tests.real_documents import real_documents

WORDS = [
    "it's '90s 'tis can't (can't) a_b x=1;y=22 3.14 <|pad|> <|endoftext|>",
    "a  b\n\n\tc \r\n d\u00a0e f\u3000 g",
    "été, naïve \u0301, x\u0301 y",
    "今日は、世界 hello",
]
TEXTS = [*WORDS, "", " ", "\n", "'", "''s", " 's", "\n's", "don''t", ".\n\nnext", "a.\n b", "word\u2028 next\u0085 line", "\x1c \x7f x\x00 y"]


def byte_level(*steps: Any) -> TextEncoder:
    """Return an encoder by a vocabulary trained on the texts, whose pre-tokenizer is given."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer: Any = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(list(steps))
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(TEXTS * 3, trainers.BpeTrainer(vocab_size=600, initial_alphabet=alphabet, show_progress=False))
    tokenizer.add_special_tokens(["<|endoftext|>"])
    return TextEncoder(tokenizer.to_str())


def encoders() -> dict[str, TextEncoder]:
    from tokenizers import Regex, pre_tokenizers

    words, digits = pre_tokenizers.ByteLevel(add_prefix_space=False), pre_tokenizers.Digits(individual_digits=True)
    bare = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made = {"gpt2": byte_level(words), "smollm": byte_level(digits, words)}
    for name, pattern in (("llama", LLAMA_3), ("qwen", QWEN_2)):
        made[name] = byte_level(pre_tokenizers.Split(Regex(pattern), "isolated"), bare)
    for method, size in (("byte_bpe", 400), ("unigram", 400), ("wordpiece", 700)):
        spec = specs("tokenizers")[method]
        made[method] = TextEncoder(spec.train(iter(TEXTS * 3), spec.config(vocab_size=size)))
    return made


ENCODERS = encoders()


def by_library(encoder: TextEncoder, texts: list[str]) -> list[list[int]]:
    return encoder._by_library(texts)  # pyright: ignore[reportPrivateUsage]


def by_pieces(encoder: TextEncoder, texts: list[str]) -> list[list[int]]:
    pieces = encoder._pieces  # pyright: ignore[reportPrivateUsage]
    assert pieces is not None
    flat = pieces.encode(texts_of(pa.array(texts, pa.large_string())))
    assert flat is not None
    return [flat.ids[start:end].tolist() for start, end in pairwise(flat.offsets.tolist())]


def made_up(seed: int, count: int) -> list[str]:
    """Return texts of all that stands beside a cut: letters, marks, digits, signs, blanks of every kind."""
    chance = random.Random(seed)
    parts = [
        "a",
        "b",
        "It",
        "s",
        "'s",
        "'",
        "'ll",
        '"',
        "é",
        "e\u0301",
        "\u0301",
        "1",
        "²",
        "५",
        ".",
        ",",
        "(",
        "<|",
        "|>",
        "_",
        " ",
        "  ",
        "\n",
        "\r\n",
        "\t",
    ]
    parts += [
        "\u00a0",
        "\u0085",
        "\u1680",
        "\u180e",
        "\u2003",
        "\u2028",
        "\u205f",
        "\u3000",
        "\u200b",
        "\x1c",
        "\x00",
        "\x7f",
        "中",
        "。",
        "😀",
        "ẩ",
        "\U0010ffff",
    ]
    return ["".join(chance.choices(parts, k=chance.randrange(1, 30))) for _ in range(count)]


@pytest.mark.parametrize("name", ENCODERS)
def test_pieces_have_the_tokens_of_whole_texts(name: str) -> None:
    for texts in (TEXTS, made_up(1, 3000)):
        assert by_pieces(ENCODERS[name], texts) == by_library(ENCODERS[name], texts)


@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason=f"no real data at {SHARED_DATA}")
@pytest.mark.parametrize("name", ENCODERS)
def test_pieces_of_real_documents_have_the_tokens_of_the_whole(name: str) -> None:
    texts = [text for _, text in real_documents(SHARED_DATA)[:600]]
    assert by_pieces(ENCODERS[name], texts) == by_library(ENCODERS[name], texts)


def test_each_different_piece_is_encoded_once() -> None:
    pieces = cut(texts_of(pa.array(["to be or not to be", "not to be"])), Cuts(signs_stand_alone=True, digits_stand_alone=True))
    assert (len(pieces.codes), pieces.starts.tolist()) == (9, [0, 6, 9])
    assert len(pieces.begins) == 6  # "to", " be", " or", " not", " to", "not"


def test_a_sliced_column_and_one_of_several_chunks_give_the_texts_they_hold() -> None:
    column = pa.chunked_array([["ab", "c"], ["dé", ""]]).slice(1, 3)
    found = texts_of(column)
    assert found.strings(0, 3) == ["c", "dé", ""] and len(found) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"normalizer": {"type": "NFC"}},
        {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}},
        {"pre_tokenizer": {"type": "Whitespace"}},
        {"pre_tokenizer": None},
        {"added_tokens": [{"content": "think", "special": False}]},
        {"model": {"type": "BPE", "dropout": 0.1}},
        {"model": {"type": "BPE", "byte_fallback": True}},
        {"model": {"type": "WordLevel"}},
    ],
)
def test_a_tokenizer_that_may_cut_otherwise_is_given_whole_texts(change: dict[str, Any]) -> None:
    pre_tokenizer = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    known = {"model": {"type": "BPE"}, "pre_tokenizer": pre_tokenizer, "normalizer": None, "added_tokens": []}
    assert cuts_of(known, ()) == Cuts(signs_stand_alone=True, digits_stand_alone=False)
    assert cuts_of({**known, **change}, ()) is None


def test_tokens_that_do_not_spell_their_text_byte_by_byte_are_not_trusted() -> None:
    encoder = ENCODERS["byte_bpe"]
    lengths = [1] * encoder.vocabulary_size
    pieces = PieceEncoder(encoder._plain, Cuts(signs_stand_alone=True, digits_stand_alone=True), lengths)  # pyright: ignore[reportPrivateUsage]
    assert pieces.encode(texts_of(pa.array(["can't be"]))) is None


@pytest.mark.parametrize("few_bytes", [0, 1 << 30])
def test_control_tokens_stand_only_before_and_behind_texts(few_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "FEW_BYTES", few_bytes)
    for name in ("byte_bpe", "unigram", "wordpiece"):
        encoder = ENCODERS[name]
        flat = encoder.flat(pa.array(TEXTS), [1], [0, 2])
        assert flat.ids[flat.offsets[:-1]].tolist() == [1] * len(TEXTS)
        assert np.flatnonzero(flat.ids < 4).tolist() == sorted([*flat.offsets[:-1], *(flat.offsets[1:] - 2), *(flat.offsets[1:] - 1)])
        inner = [flat.ids[start + 1 : end - 2].tolist() for start, end in pairwise(flat.offsets.tolist())]
        assert encoder.decoded(inner) == TEXTS


def test_texts_taken_in_batches_have_the_same_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = ENCODERS["byte_bpe"]
    monkeypatch.setattr(content, "FEW_BYTES", 0)
    whole = encoder.flat(pa.array(TEXTS), [1], [0])
    monkeypatch.setattr(encoding, "BATCH_BYTES", 40)
    parts = encoder.flat(pa.array(TEXTS), [1], [0])
    assert parts.ids.tolist() == whole.ids.tolist() and parts.offsets.tolist() == whole.offsets.tolist()
    assert len(encoding.batches(texts_of(pa.array(TEXTS)))) > 3


def test_a_vocabulary_that_spells_a_control_token_in_one_word_is_outwitted_piece_by_piece_too(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = json.loads(specs("tokenizers")["byte_bpe"].train(iter(["end end end"]), specs("tokenizers")["byte_bpe"].config(vocab_size=270)))
    word = next(token for token in settings["model"]["vocab"] if token == "end")
    settings["added_tokens"].append({**settings["added_tokens"][0], "id": settings["model"]["vocab"][word], "content": word})
    encoder = TextEncoder(json.dumps(settings))
    monkeypatch.setattr(content, "FEW_BYTES", 0)
    texts = ["the end", "(end)", "no"]
    ids = encoder.contents(texts)
    assert encoder.control["end"] not in {token for found in ids for token in found} and encoder.decoded(ids) == texts
