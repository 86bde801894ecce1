"""A tokenizer that somebody else made is taken as it is, or refused with what to do."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from kernels.tokens.tokenizer_files import read_tokenizer, write_tokenizer
from kernels.tokens.tokenizers.byte_bpe import ByteBpeConfig, train
from kernels.tokens.tokenizers.of_file import SPEC


@pytest.fixture
def given(tmp_path: Path) -> Path:
    write_tokenizer(train(iter(["one two"]), ByteBpeConfig(vocab_size=264)), tmp_path / "given")
    return tmp_path / "given"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def test_a_folder_is_taken_with_its_template_and_nothing_else(given: Path, out: Path) -> None:
    (given / "notes.txt").write_text("x")
    SPEC.take(given, "there", out)
    assert sorted(path.name for path in out.iterdir()) == ["chat_template.jinja", "tokenizer.json", "tokenizer_config.json"]
    assert all((out / path.name).read_bytes() == path.read_bytes() for path in given.iterdir() if path.name != "notes.txt")


@pytest.mark.parametrize("name", ["tokenizer.json", "my_words.json"])
def test_a_tokenizer_json_alone_opens_in_transformers(name: str, given: Path, out: Path) -> None:
    alone = given.parent / "alone"
    alone.mkdir()
    shutil.copyfile(given / "tokenizer.json", alone / name)
    SPEC.take(alone, "there", out)
    found = read_tokenizer(out)
    assert (found.end_of_text, found.padding_id, found.template) == ("<|endoftext|>", 3, None)

    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(out, local_files_only=True)
    assert tokenizer.decode(tokenizer.encode("one  two")) == "<|endoftext|>one  two"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"tokenizer.model": "\x0a"}, "tokenizer.model is a SentencePiece model.*save_pretrained"),
        ({"spiece.model": "\x0a", "tokenizer_config.json": "{}"}, "spiece.model is a SentencePiece model"),
        ({"vocab.txt": "[PAD]\n[UNK]\n"}, "vocab.txt is a vocabulary without the rest"),
        ({"vocab.json": '{"a": 0, "model": 1}', "merges.txt": "a b"}, "vocab.json is not the whole of a tokenizer"),
        ({"vocab.json": '{"a": 0, "model": 1}'}, "vocab.json is not the whole of a tokenizer"),
        ({"tokenizer.pkl": "x"}, "is a pickle, and reading one may run code"),
        ({"qwen.tiktoken": "IQ== 0"}, "a list of ranks"),
        ({}, "nor anything else of a tokenizer"),
        ({"tokenizer.json": "{"}, "is not JSON.*fetch it again"),
        ({"tokenizer.json": '{"model": {"type": "Unheard"}}'}, "does not read tokenizer.json"),
    ],
)
def test_what_is_no_fast_tokenizer_is_refused_with_the_remedy(files: dict[str, str], told: str, out: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    with pytest.raises(ValueError, match=f"^there: .*{told}"):
        SPEC.take(folder, "there", out)


def test_code_of_its_own_and_a_tokenizer_that_ends_no_text_are_refused(given: Path, out: Path) -> None:
    settings = json.loads((given / "tokenizer_config.json").read_text())
    (given / "tokenizer_config.json").write_text(json.dumps({**settings, "auto_map": {"AutoTokenizer": "x.Y"}}))
    with pytest.raises(ValueError, match=r"there: .*code of its own"):
        SPEC.take(given, "there", out)
    (given / "tokenizer_config.json").write_text("{}")
    text = (given / "tokenizer.json").read_text().replace("<|endoftext|>", "<|start|>")
    (given / "tokenizer.json").write_text(text)
    with pytest.raises(ValueError, match=r"there: no token is known to end a text"):
        SPEC.take(given, "there", out)
