"""Every tokenizer that is trained here gives back any text, has the control tokens that it is asked for, and is the same each time."""

import functools
import json
import os
import random
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from kernels.specs.families import specs
from kernels.specs.tokenizers import TokenizerMethod
from kernels.tokens.content import TextEncoder
from kernels.tokens.special_tokens import SPECIAL_TOKENS
from kernels.tokens.tokenizers.wordpiece import CONTINUES, MAX_WORD_BYTES
from tests.locations import PROJECT, SHARED_DATA
from tests.real_documents import texts_by_kind

TRAINED = [name for name, spec in specs("tokenizers").items() if isinstance(spec, TokenizerMethod)]
TEXTS = ["the quick brown fox jumps over the lazy dog", "the dog sleeps in 1984 and the fox runs", "¡Qué día! Il naïve café, no?"] * 20
SIZE = 700
HARD = [
    "", " ", "  a  b  ", "\n\n\t\r\n ", "\u0000\u001f\u007f control", "naïve café", "日本語のテキスト", "🙂🏽‍🦱 emoji", "e\u0301 ＡＢＣ ﬁ İ ß",
    "## and ##ing ###", "‿ and ‿a", "<|endoftext|> <|im_start|> [UNK]", "\ufffd\ufeff\u200b", "ไทยไม่มีช่องว่าง" * 40, "x" * 5000, "1" * 300 + "a1b2",
]  # fmt: skip


def train(name: str, texts: list[str] = TEXTS, **settings: Any) -> str:
    spec = specs("tokenizers")[name]
    return spec.train(iter(texts), spec.config(**{"vocab_size": SIZE, **settings}))


TOKENIZERS = {name: train(name) for name in TRAINED}


def changed(tokenizer_json: str, texts: list[str]) -> list[str]:
    """Return the texts that do not come back, as content and as the library decodes by itself."""
    from tokenizers import Tokenizer

    library, encoder = Tokenizer.from_str(tokenizer_json), TextEncoder(tokenizer_json)
    ids = encoder.contents(texts)
    assert not {token for found in ids for token in found} & set(encoder.control.values())
    assert max(max(found, default=0) for found in ids) < encoder.vocabulary_size
    return [text for text, found in zip(texts, ids, strict=True) if library.decode(found, skip_special_tokens=False) != text]


def test_three_methods_are_trained() -> None:
    assert {"byte_bpe", "unigram", "wordpiece"} <= set(TRAINED)


@pytest.mark.parametrize("name", TRAINED)
def test_any_text_comes_back_as_it_was(name: str) -> None:
    assert changed(TOKENIZERS[name], HARD) == []


@pytest.mark.parametrize("name", TRAINED)
def test_texts_of_any_characters_come_back(name: str) -> None:
    chance = random.Random(1)
    ranges = [(0, 0x80), (0x80, 0x800), (0x800, 0xD800), (0xE000, 0x110000)]
    texts = ["".join(chr(chance.randrange(*chance.choice(ranges))) for _ in range(chance.randrange(1, 40))) for _ in range(1500)]
    assert changed(TOKENIZERS[name], texts) == []


@pytest.mark.parametrize("name", TRAINED)
def test_every_character_of_the_basic_plane_comes_back(name: str) -> None:
    texts = ["".join(map(chr, range(start, start + 256))) for start in range(0, 0x10000, 256) if not 0xD800 <= start < 0xE000]
    assert changed(TOKENIZERS[name], texts) == []


LANGUAGES = ("xquad .en", "xquad .es", "xquad .vi", "xquad .zh", "xcopa .id", "xcopa .th", "xcopa .vi", "xcopa .zh", "vietnamese-uud .txt")
OTHERS = ("article-extraction-benchmark .html", "warc-commoncrawl-whirlwind .warc.wet", "warc-resiliparse .warc", "wiki-dump-en .xml", "mbpp .jsonl")
OTHERS += ("humaneval .jsonl.gz", "mmlu .tar.gz", "spam-mail-sample .tar.gz", "books-sotu-moby .txt", "tinyshakespeare .txt", "crows-pairs .csv")


@functools.cache
def real_texts() -> dict[str, list[str]]:
    """Texts of every language and kind, chosen evenly from all of each."""
    return {kind: [texts[len(texts) * number // 40] for number in range(40)] for kind, texts in texts_by_kind(SHARED_DATA).items()}


@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason=f"no real data at {SHARED_DATA}")
def test_texts_of_every_folder_are_looked_at_and_every_language_is_among_them() -> None:
    assert {kind.split()[0] for kind in real_texts()} == {path.name for path in SHARED_DATA.iterdir() if path.is_dir()}
    assert [kind for kind in (*LANGUAGES, *OTHERS) if not any(found.startswith(kind) for found in real_texts())] == []
    letters = {character for texts in real_texts().values() for text in texts for character in text if character.isalpha()}
    assert {unicodedata.name(letter).split()[0] for letter in letters} >= {"LATIN", "CYRILLIC", "CJK", "THAI"}


@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason=f"no real data at {SHARED_DATA}")
@pytest.mark.parametrize("name", TRAINED)
def test_texts_of_every_language_and_kind_come_back_by_a_vocabulary_that_was_trained_on_a_little_of_another(name: str) -> None:
    assert {kind: lost for kind, texts in real_texts().items() if (lost := changed(TOKENIZERS[name], texts))} == {}


@pytest.mark.parametrize("name", TRAINED)
def test_digits_stand_alone(name: str) -> None:
    assert len(TextEncoder(train(name, ["1984 1984 1984 in 1984"] * 9)).content("1984")) == 4


@pytest.mark.parametrize("name", TRAINED)
def test_special_tokens_are_the_first_ids_in_the_order_of_their_keys(name: str) -> None:
    special = {"mask": True, "fill_in_the_middle": True, "num_sentinels": 2, "more": ("<|tool|>", "[INST]")}
    encoder = TextEncoder(train(name, special_tokens=special))
    expected = [
        *SPECIAL_TOKENS,
        "<|mask|>",
        "<|fim_prefix|>",
        "<|fim_suffix|>",
        "<|fim_middle|>",
        "<|sentinel_0|>",
        "<|sentinel_1|>",
        "<|tool|>",
        "[INST]",
    ]
    assert encoder.control == {token: number for number, token in enumerate(expected)}
    assert encoder.vocabulary_size <= SIZE
    text = " ".join(expected) + "".join(expected)
    assert not set(encoder.content(text)) & set(encoder.control.values()) and encoder.decoded([encoder.content(text)]) == [text]


@pytest.mark.parametrize("name", TRAINED)
def test_a_vocabulary_without_more_special_tokens_has_the_four_alone(name: str) -> None:
    assert TextEncoder(TOKENIZERS[name]).control == {token: number for number, token in enumerate(SPECIAL_TOKENS)}


@pytest.mark.parametrize("name", TRAINED)
def test_a_vocabulary_that_cannot_hold_bytes_and_special_tokens_is_refused(name: str) -> None:
    spec = specs("tokenizers")[name]
    with pytest.raises(ValueError, match=r"give at least (360|616)"):
        spec.config(vocab_size=520 if name == "wordpiece" else 264, special_tokens={"num_sentinels": 100})


@pytest.mark.parametrize("token", ["tool", "<|a b|>", "||", "<1>", "", "<|pad|>", "<|mask|>", "<|sentinel_7|>", "<é>"])
def test_tokens_that_could_be_taken_for_text_or_are_there_already_are_refused(token: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be told from text|is there already"):
        specs("tokenizers")["byte_bpe"].config(vocab_size=300, special_tokens={"more": [token]})
    with pytest.raises(ValueError, match="is there already"):
        specs("tokenizers")["byte_bpe"].config(vocab_size=300, special_tokens={"more": ["<a>", "<a>"]})


def test_a_chat_template_that_cannot_be_read_is_refused_with_the_recipe() -> None:
    config = specs("tokenizers")["byte_bpe"].config
    assert config(vocab_size=300, chat_template="{% for m in messages %}{{ m.content }}{% endfor %}").chat_template
    with pytest.raises(ValueError, match=r"chat template cannot be read.*leave the key out"):
        config(vocab_size=300, chat_template="{% for %}")


def test_the_vocabulary_has_the_size_that_was_asked_for_where_the_texts_have_as_many_pieces() -> None:
    texts = ["".join(random.Random(number).choices("abcdefgh ", k=400)) for number in range(60)]
    sizes = {name: TextEncoder(train(name, texts)).vocabulary_size for name in TRAINED}
    assert sizes == dict.fromkeys(TRAINED, SIZE)


SCRIPT = """
import hashlib, sys
from kernels.specs.families import specs
texts = [line for line in open(sys.argv[2], encoding="utf-8")]
spec = specs("tokenizers")[sys.argv[1]]
print(hashlib.sha256(spec.train(iter(texts), spec.config(vocab_size=1200)).encode()).hexdigest())
"""


@pytest.mark.parametrize("name", TRAINED)
def test_the_same_texts_give_the_same_tokenizer_in_any_process_with_any_threads(name: str, tmp_path: Path) -> None:
    chance = random.Random(3)
    syllables = [a + b for a in "bdfgklmnprst" for b in "aeiou"]
    lines = [" ".join("".join(chance.choices(syllables, k=chance.randrange(1, 4))) for _ in range(40)) for _ in range(300)]
    (tmp_path / "texts").write_text("\n".join(lines), encoding="utf-8")
    found: set[str] = set()
    for threads in ("1", "3"):
        environment = {**os.environ, "RAYON_NUM_THREADS": threads, "PYTHONPATH": str(PROJECT), "PYTHONHASHSEED": threads}
        command = [sys.executable, "-c", SCRIPT, name, str(tmp_path / "texts")]
        found.add(subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True).stdout)
    assert len(found) == 1


def test_a_long_word_is_cut_instead_of_unknown() -> None:
    encoder = TextEncoder(TOKENIZERS["wordpiece"])
    settings = json.loads(TOKENIZERS["wordpiece"])["model"]
    assert settings["max_input_chars_per_word"] == MAX_WORD_BYTES
    beginnings = [token for token in encoder.content("q" * (2 * MAX_WORD_BYTES + 1)) if token == settings["vocab"]["q"]]
    assert len(beginnings) == 3


def test_a_word_that_begins_like_a_continuation_of_berts_is_none() -> None:
    vocabulary = json.loads(TOKENIZERS["wordpiece"])["model"]["vocab"]
    assert all(character in vocabulary and CONTINUES + character in vocabulary for character in "#aĀ")
    assert sum(len(token.removeprefix(CONTINUES)) == 1 for token in vocabulary) == 512
