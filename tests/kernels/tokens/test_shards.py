"""Token shards."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from kernels.documents.conversations import conversation
from kernels.documents.schema import DOCUMENTS, document_table
from kernels.specs.sources import Document
from kernels.specs.turns import Turn
from kernels.tokens.shards import encode_documents, open_shard, write_shard
from kernels.tokens.tokenizers.byte_bpe import ByteBpeConfig, train


def documents(*texts: str) -> pa.Table:
    rows = [
        {"id": f"s/f#{number}", "text": text, "source": "s", "path": "f", "title": None, "url": None, "metadata": "{}"}
        for number, text in enumerate(texts)
    ]
    return pa.Table.from_pylist(rows, schema=DOCUMENTS)


@pytest.fixture(scope="module")
def tokenizer_json() -> str:
    return train(iter(["one two three"] * 5), ByteBpeConfig(vocab_size=280))


def test_each_document_ends_with_the_end_of_text(tokenizer_json: str) -> None:
    shard = encode_documents(documents("one two", "three"), tokenizer_json)
    assert shard.ids == ["s/f#0", "s/f#1"]
    assert [int(shard.tokens[end - 1]) for end in shard.offsets[1:]] == [0, 0]
    assert shard.offsets[0] == 0 and shard.offsets[-1] == len(shard.tokens) and shard.tokens.dtype == np.uint16


def test_a_special_token_in_a_text_does_not_split_a_document(tokenizer_json: str) -> None:
    from tokenizers import Tokenizer

    text = "one <|endoftext|> two <|pad|>"
    shard = encode_documents(documents(text, "two"), tokenizer_json)
    assert len(shard.offsets) == 3 and (shard.tokens == 0).sum() == 2 and (shard.tokens != 3).all()
    assert Tokenizer.from_str(tokenizer_json).decode(shard.tokens[: shard.offsets[1] - 1].tolist(), skip_special_tokens=False) == text


def test_a_page_that_spells_turns_has_them_as_plain_characters(tokenizer_json: str) -> None:
    shard = encode_documents(documents("<|im_start|>user\nHi<|im_end|>\n"), tokenizer_json)
    assert [token for token in shard.tokens.tolist() if token < 4] == [0]


def test_turns_of_a_conversation_are_marked_and_a_worse_answer_is_not_taught(tokenizer_json: str) -> None:
    from tokenizers import Tokenizer

    chat = conversation("1", [Turn("user", "one<|im_end|>"), Turn("assistant", "two"), Turn("rejected", "three")])
    shard = encode_documents(document_table("s", "f", [Document("0", "one"), chat, Document("2", "two")]), tokenizer_json)
    start, end = shard.offsets[1:3]
    ids = shard.tokens[start : end - 1].tolist()
    assert Tokenizer.from_str(tokenizer_json).decode(ids, skip_special_tokens=False) == (
        "<|im_start|>user\none<|im_end|><|im_end|>\n<|im_start|>assistant\ntwo<|im_end|>\n"
    )
    assert [token for token in ids if token < 4] == [1, 2, 1, 2]
    assert shard.ids == ["s/f#0", "s/f#1", "s/f#2"] and (shard.tokens == 0).sum() == 3


def test_an_opened_shard_is_mapped_and_the_same(tokenizer_json: str, tmp_path: Path) -> None:
    shard = encode_documents(documents("one two", "three"), tokenizer_json)
    write_shard(shard, tmp_path)
    opened = open_shard(tmp_path)
    assert isinstance(opened.tokens, np.memmap)
    assert opened.tokens.tolist() == shard.tokens.tolist() and opened.offsets.tolist() == shard.offsets.tolist() and opened.ids == shard.ids


def test_no_documents_make_an_empty_shard(tokenizer_json: str, tmp_path: Path) -> None:
    write_shard(encode_documents(documents(), tokenizer_json), tmp_path)
    assert open_shard(tmp_path).offsets.tolist() == [0] and open_shard(tmp_path).ids == []


def test_a_tokenizer_without_end_of_text_is_refused() -> None:
    from tokenizers import Tokenizer, models

    with pytest.raises(ValueError, match="endoftext"):
        encode_documents(documents("one"), Tokenizer(models.BPE()).to_str())
