"""Token shards: the token ids of many documents in one array that memory-maps.

``tokens.npy`` holds all ids one behind the other, ``offsets.npy`` where each document starts (one more entry than documents),
``documents.parquet`` ids and lengths. Each document begins with what the tokenizer puts before texts and ends with the end-of-text token.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
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
from kernels.tokens.pieces.encoding import Flat
from kernels.tokens.tokenizer_files import TokenizerFiles

TOKEN_DOCUMENTS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("num_tokens", pa.int64(), nullable=False, metadata={"description": "of the document in all"}),
        pa.field("num_text_tokens", pa.int64(), nullable=False, metadata={"description": "those that are no control tokens"}),
    ]
)


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
    num_text_tokens: NDArray[np.int64]
    """[D], tokens of each document that are no control tokens."""
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
    dtype: Any = np.uint16 if encoder.vocabulary_size <= 1 << 16 else np.uint32
    turns = _turns(documents)
    rendered = _rendered(chats, list(turns.values()))
    conversations = {place: ids for place, ids in zip(turns, rendered, strict=True) if ids is not None}
    said = {place: text_of(without_rejected(turns[place])) for place in turns.keys() - conversations.keys()}
    before, control = encoder.before_a_text(), frozenset(encoder.control.values())
    texts = encoder.flat(_texts(documents, conversations.keys(), said), before, [end])
    flat = _merged(texts, {place: [*ids, end] for place, ids in conversations.items()}, len(documents))
    num_text_tokens = np.diff(flat.offsets) - len(before) - 1
    num_text_tokens[list(conversations)] = [sum(token not in control for token in ids) for ids in conversations.values()]
    return Encoded(Shard(flat.ids.astype(dtype), flat.offsets, cast(list[str], documents["id"].to_pylist())), num_text_tokens, len(said))


def _turns(documents: pa.Table) -> dict[int, tuple[Turn, ...]]:
    """Return the turns of the documents that are conversations, by place."""
    column = documents["turns"]
    if column.null_count == len(column):
        return {}
    return {place: tuple(turns) for place, turns in enumerate(turns_of(column)) if turns is not None}


def _texts(documents: pa.Table, left_out: Collection[int], instead: Mapping[int, str]) -> "pa.ChunkedArray[Any] | pa.Array[Any]":
    """Return the texts of documents in order, but for some that are left out, and others in place of some."""
    column = documents["text"]
    if not left_out and not instead:
        return column
    texts = cast(list[str], column.to_pylist())
    return pa.array([instead.get(place, text) for place, text in enumerate(texts) if place not in left_out], pa.large_string())


def _merged(texts: Flat, conversations: Mapping[int, list[int]], num_documents: int) -> Flat:
    """Return the ids of all documents in order: of conversations by place, and of texts at all other places."""
    if not conversations:
        return texts
    offsets: list[int] = texts.offsets.tolist()
    spans = pairwise(offsets)
    parts: list[NDArray[np.uint32]] = []
    for place in range(num_documents):
        ids = conversations.get(place)
        parts.append(texts.ids[slice(*next(spans))] if ids is None else np.array(ids, np.uint32))
    return Flat(np.concatenate(parts), np.cumsum([0, *map(len, parts)]))


def _chats(tokenizer: TokenizerFiles) -> ChatEncoder | None:
    """Return what encodes conversations, None where the tokenizer has no template that can be read."""
    if tokenizer.template is None:
        return None
    try:
        return encoder_of(tokenizer.json_text, template(tokenizer.template, tokenizer.names), (tokenizer.end_of_text,))
    except UnrenderedError:
        return None


def _rendered(chats: ChatEncoder | None, conversations: Sequence[Sequence[Turn]]) -> Sequence[list[int] | None]:
    """Return the ids of conversations, None where no template says one."""
    return [None] * len(conversations) if chats is None else chats.conversations(conversations)


def write_shard(encoded: Encoded, folder: Path) -> None:
    """Write a shard's three files."""
    shard = encoded.shard
    np.save(folder / "tokens.npy", shard.tokens, allow_pickle=False)
    np.save(folder / "offsets.npy", shard.offsets, allow_pickle=False)
    table = pa.table([pa.array(shard.ids, pa.string()), pa.array(np.diff(shard.offsets)), pa.array(encoded.num_text_tokens)], schema=TOKEN_DOCUMENTS)
    pq.write_table(table, folder / "documents.parquet", compression="zstd")  # pyright: ignore[reportUnknownMemberType]


def open_shard(folder: Path) -> Shard:
    """Return a shard whose arrays are mapped, not read."""
    return Shard(
        np.load(folder / "tokens.npy", mmap_mode="r", allow_pickle=False),
        np.load(folder / "offsets.npy", mmap_mode="r", allow_pickle=False),
        cast(list[str], pq.read_table(folder / "documents.parquet", partitioning=None, columns=["id"])["id"].to_pylist()),  # pyright: ignore[reportUnknownMemberType]
    )
