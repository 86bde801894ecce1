"""Token shards: the token ids of many documents in one array that memory-maps.

``tokens.npy`` holds all ids one behind the other, ``offsets.npy`` where each document starts (one more entry than documents),
``documents.parquet`` ids and lengths. Each document ends with the end-of-text token, and has it nowhere else.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from kernels.documents.conversations import turns_of, without_rejected
from kernels.documents.pieces import text_of
from kernels.specs.turns import Turn
from kernels.tokens.chats import ChatEncoder, UnrenderedError, encoder_of, template
from kernels.tokens.content import TextEncoder
from kernels.tokens.tokenizer_files import TokenizerFiles

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


class Encoded(NamedTuple):
    """The tokens of a table of documents."""

    shard: Shard
    num_conversations_as_text: int
    """Conversations that the tokenizer's template cannot say, or for which it has none."""


def encode_documents(documents: pa.Table, tokenizer: TokenizerFiles) -> Encoded:
    """Return the tokens of a table of documents, in order.

    A text is content, and what spells a control token in it stays plain characters; before it stands what the tokenizer puts before texts, such as
    a beginning-of-text token. A conversation is rendered by the tokenizer's template, control tokens between the contents of its turns, without
    the answers that people liked less; where there is no template, or it refuses, what is said is a text like any other.
    """
    chats = _chats(tokenizer)
    encoder = TextEncoder(tokenizer.json_text, (tokenizer.end_of_text,)) if chats is None else chats.text
    end = encoder.control[tokenizer.end_of_text]
    start = encoder.before_a_text()
    dtype: Any = np.uint16 if encoder.vocabulary_size <= 1 << 16 else np.uint32
    found = turns_of(documents["turns"])
    rendered = [None if turns is None else _rendered(chats, turns) for turns in found]
    texts = [
        text if turns is None else text_of(without_rejected(turns))
        for text, turns, ids in zip(cast(list[str], documents["text"].to_pylist()), found, rendered, strict=True)
        if ids is None
    ]
    plain = _contents(encoder, texts)
    pieces = [np.array([*start, *next(plain), end] if ids is None else [*ids, end], dtype) for ids in rendered]
    offsets = np.concatenate([[0], np.cumsum([len(piece) for piece in pieces])]).astype(np.int64)
    shard = Shard(np.concatenate(pieces) if pieces else np.zeros(0, dtype), offsets, cast(list[str], documents["id"].to_pylist()))
    return Encoded(shard, sum(turns is not None and ids is None for turns, ids in zip(found, rendered, strict=True)))


def _chats(tokenizer: TokenizerFiles) -> ChatEncoder | None:
    """Return what encodes conversations, None where the tokenizer has no template that can be read."""
    if tokenizer.template is None:
        return None
    try:
        return encoder_of(tokenizer.json_text, template(tokenizer.template, tokenizer.names), (tokenizer.end_of_text,))
    except UnrenderedError:
        return None


def _rendered(chats: ChatEncoder | None, turns: Sequence[Turn]) -> list[int] | None:
    """Return the ids of a conversation, None where no template says it."""
    try:
        return None if chats is None else chats.conversation(turns)
    except UnrenderedError:
        return None


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
