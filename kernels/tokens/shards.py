"""Token shards: the token ids of many documents in one array that memory-maps.

``tokens.npy`` holds all ids one behind the other, ``offsets.npy`` where each document starts (one more entry than documents),
``documents.parquet`` ids and lengths. Each document ends with the end-of-text token, and has it nowhere else.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from kernels.documents.conversations import turns_of
from kernels.tokens.chats import ChatEncoder, own_template
from kernels.tokens.content import END_OF_TEXT, TextEncoder

BATCH_TEXTS = 1000
"""Texts whose tokens are Python numbers at one time."""
TOKEN_DOCUMENTS = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("num_tokens", pa.int64(), nullable=False)])


class Shard(NamedTuple):
    """Token ids of D documents."""

    tokens: NDArray[np.uint16] | NDArray[np.uint32]
    """[N] uint16, or uint32 where the vocabulary is larger."""
    offsets: NDArray[np.int64]
    """[D + 1]: document d is ``tokens[offsets[d]:offsets[d + 1]]``."""
    ids: list[str]
    """[D]."""


def encode_documents(documents: pa.Table, tokenizer_json: str) -> Shard:
    """Return the tokens of a table of documents, in order.

    A text is content, and what spells a control token in it stays plain characters. A conversation is rendered by the template of the
    tokenizers made here, control tokens between the contents of its turns, without the answers that people liked less.

    Raises:
        ValueError: the tokenizer has no end-of-text token.
    """
    encoder = TextEncoder(tokenizer_json)
    end = encoder.control.get(END_OF_TEXT)
    if end is None:
        raise ValueError(f"the tokenizer has no {END_OF_TEXT} token; train it with modelmill, or add the token")
    chats = ChatEncoder(encoder, own_template)
    dtype: Any = np.uint16 if encoder.vocabulary_size <= 1 << 16 else np.uint32
    texts = cast(list[str], documents["text"].to_pylist())
    found = turns_of(documents["turns"])
    plain = _contents(encoder, [text for text, turns in zip(texts, found, strict=True) if turns is None])
    pieces = [np.array([*(next(plain) if turns is None else chats.conversation(turns)), end], dtype) for turns in found]
    offsets = np.concatenate([[0], np.cumsum([len(piece) for piece in pieces])]).astype(np.int64)
    return Shard(np.concatenate(pieces) if pieces else np.zeros(0, dtype), offsets, cast(list[str], documents["id"].to_pylist()))


def _contents(encoder: TextEncoder, texts: list[str]) -> Iterator[list[int]]:
    for start in range(0, len(texts), BATCH_TEXTS):
        yield from encoder.contents(texts[start : start + BATCH_TEXTS])


def write_shard(shard: Shard, folder: Path) -> None:
    """Write a shard's three files."""
    np.save(folder / "tokens.npy", shard.tokens, allow_pickle=False)
    np.save(folder / "offsets.npy", shard.offsets, allow_pickle=False)
    table = pa.table([pa.array(shard.ids, pa.string()), pa.array(np.diff(shard.offsets))], schema=TOKEN_DOCUMENTS)
    pq.write_table(table, folder / "documents.parquet", compression="zstd")  # pyright: ignore[reportUnknownMemberType]


def open_shard(folder: Path) -> Shard:
    """Return a shard whose arrays are mapped, not read."""
    return Shard(
        np.load(folder / "tokens.npy", mmap_mode="r", allow_pickle=False),
        np.load(folder / "offsets.npy", mmap_mode="r", allow_pickle=False),
        cast(list[str], pq.read_table(folder / "documents.parquet", partitioning=None, columns=["id"])["id"].to_pylist()),  # pyright: ignore[reportUnknownMemberType]
    )
